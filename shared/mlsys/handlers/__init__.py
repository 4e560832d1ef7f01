"""One per deployable, with its name: parse, call one use case, answer."""
