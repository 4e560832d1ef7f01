"""Adapters: the ports on real backends. `gcp` and `local` have the same files."""
