"""A child process with limits, and the streams between it and the object store."""
