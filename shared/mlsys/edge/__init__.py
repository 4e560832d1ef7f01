"""The grammar of entry points: HTTP, events, parsing. The only place with status codes."""
