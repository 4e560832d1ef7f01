"""Where no test is looked for: servers whose packages are not here."""

collect_ignore_glob = ["servers/*"]
