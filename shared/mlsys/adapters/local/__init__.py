"""The ports on this machine: files, SQLite, subprocesses."""
