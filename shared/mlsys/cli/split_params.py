"""`name=value` on the command line, as the API wants it."""

import json
from collections.abc import Sequence
from typing import Any

from typer import BadParameter

LISTS = {"key_columns"}


def named(pairs: Sequence[str]) -> dict[str, str]:
    """Read `name=value` pairs.

    >>> named(["team=growth", "rule=a=b"])
    {'team': 'growth', 'rule': 'a=b'}

    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise BadParameter(f"want name=value, got {pair!r}")
        if name in found:
            raise BadParameter(f"{name} is said twice")
        found[name] = value
    return found


def nested(pairs: Sequence[str]) -> dict[str, Any]:
    """Read the parameters of a strategy; a dot leads into an object, a comma divides a list.

    A value is JSON if it can be, and else text.

    >>> nested(["seed=7", "ratios.train=0.8", "key_columns=user,day", "group_column=team"])
    {'seed': 7, 'ratios': {'train': 0.8}, 'key_columns': ['user', 'day'], 'group_column': 'team'}

    """
    found: dict[str, Any] = {}
    for path, text in named(pairs).items():
        *above, name = path.split(".")
        place = found
        for step in above:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise BadParameter(f"{path}: {step} has a value already")
        if name in place:
            raise BadParameter(f"{path} has a value already")
        place[name] = _value(name, text)
    return found


def _value(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.split(",") if name in LISTS else text
