"""The command line, `mlsys`: data on standard output, talk on standard error."""
