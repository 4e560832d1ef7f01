"""The rules: tables, numbers, records. No I/O, no clock, no log."""
