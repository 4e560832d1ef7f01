"""Leads a request through the load balancer's rules, as Google says that they are read."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlsys.dev.routes import ROUTES

Rule = Mapping[str, Any]


def led(rules: list[Rule], method: str, path: str) -> str | None:
    """Return the backend service of the first rule that a request fits, or None."""
    for rule in sorted(rules, key=lambda one: int(one["priority"])):
        if any(_fits(match, method, path) for match in rule["match_rules"]):
            return str(rule["service"])
    return None


def wanted() -> Iterator[tuple[str, str, str]]:
    """Yield a method and a path of each route, and who answers: the first route that they fit."""
    for route in ROUTES:
        path = re.sub(r"{(\w+)}", "some", route.path)
        first = next(
            one for one in ROUTES if one.method == route.method and one.match(path) is not None
        )
        yield route.method, path, first.handle.__module__.rpartition(".")[2]


def _fits(match: Rule, method: str, path: str) -> bool:
    for header in match["header_matches"]:
        if (header["header_name"], header["exact_match"]) != (":method", method):
            return False
    if match["full_path_match"]:
        return bool(match["full_path_match"] == path)
    template = re.escape(match["path_template_match"]).replace(r"\*", "[^/]+")
    return re.fullmatch(template, path) is not None
