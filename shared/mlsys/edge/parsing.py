"""Strict JSON in, typed values out: everything wrong is told at once, each with its place."""

import json
from collections.abc import Mapping
from math import inf, isfinite, isinf
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from mlsys.domain.errors import InvalidInput, MlsysError, TooLarge, Violation
from mlsys.domain.written import Written

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 100
TOO_DEEP = f"the body is nested too deep: want at most {MAX_DEPTH} levels"
MAX_VIOLATIONS = 100
MAX_IN_MESSAGE = 3
MAX_SHOWN = 80
CONTAINERS = (dict, list)
INFINITE = frozenset({inf, -inf})
FEW = 4
"""More cells than these are sooner looked at all at once."""

WORDS = {
    "dict_type": "expected an object",
    "extra_forbidden": "there is no such field",
    "list_type": "expected a list",
    "missing": "is required",
    "model_type": "expected an object",
}
OF_NO_VALUE = {"extra_forbidden", "missing", "value_error"}

Model = TypeVar("Model", bound=BaseModel)


def parse_json(body: bytes, *, as_written: bool = False) -> Any:
    """Parse RFC 8259 JSON that means one thing only.

    Args:
        body: UTF-8.
        as_written: let a number that is not whole remember its digits, for who stores it.

    Raises:
        TooLarge: over 8 MiB.
        InvalidInput: not UTF-8, not JSON, NaN or Infinity, a number too large for a double, a
            name twice in one object, half a surrogate pair, or nested deeper than 100.

    >>> parse_json(b'{"age": 3}')
    {'age': 3}

    """
    check_size(body)
    if not as_written:
        try:
            value = from_json(body, allow_inf_nan=False)
            if isinstance(value, CONTAINERS) and _means_one_thing(value, body):
                return value
        except ValueError:  # below it is told what is wrong
            pass
    try:
        text = body.decode()
        value = json.loads(
            text,
            object_pairs_hook=_unique_names,
            parse_constant=_no_constant,
            parse_float=_written if as_written else _finite,
        )
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the body is not UTF-8: byte {error.start}") from error
    except UnicodeEncodeError as error:
        raise InvalidInput("the body has half a surrogate pair in a string") from error
    except RecursionError as error:
        raise InvalidInput(TOO_DEEP) from error
    except ValueError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from error
    _check_depth(value, text)
    return value


def check_size(body: bytes) -> None:
    """Raise TooLarge if a body has over 8 MiB."""
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"the body has more than {MAX_BODY_BYTES} bytes: send less at once")


def parse_model(value: Any, model: type[Model], *, strict: bool | None = None) -> Model:
    """Check a JSON value against a model, as strictly as the model says by default.

    Raises:
        InvalidInput: with one violation for each thing wrong, at most 100.

    """
    try:
        return model.model_validate(value, strict=strict)
    except ValidationError as error:
        violations = tuple(
            Violation(_path(one["loc"]), _described(one))
            for one in error.errors(include_url=False, include_context=False)
        )
        raise InvalidInput(
            "; ".join(f"{one.field}: {one.description}" for one in violations[:MAX_IN_MESSAGE]),
            violations[:MAX_VIOLATIONS],
        ) from error


def parse_query(query: Mapping[str, str], model: type[Model]) -> Model:
    """Check query parameters; there "10" is a number. Raises InvalidInput."""
    return parse_model(dict(query), model, strict=False)


def loggable(error: MlsysError) -> str:
    """Say what went wrong without what was sent: of each violation only its place."""
    if not isinstance(error, InvalidInput) or not error.violations:
        return str(error)
    places = ", ".join(one.field for one in error.violations[:MAX_IN_MESSAGE])
    return f"{len(error.violations)} violation(s): {places}"


def _means_one_thing(value: Any, body: bytes) -> bool:
    """Whether no name stood twice; False where that is not certain.

    No name was lost if as many were kept as there are colons; if a text has some, as there are
    behind quotes and spaces, where those of all names stand.

    Raises:
        ValueError: a number was too large, or something is nested too deep.

    """
    names = _count_names(value, levels=MAX_DEPTH)
    if body.count(b":") == names:
        return True
    return sum(body.count(before + b":") for before in (b'"', b" ", b"\t", b"\n", b"\r")) == names


def _count_names(value: Any, *, levels: int) -> int:
    """Count the names of an object or list and of all in it. Raises ValueError."""
    if not levels:
        raise ValueError(TOO_DEEP)
    names, cells = (len(value), value.values()) if type(value) is dict else (0, value)
    if len(value) > FEW:
        try:
            if INFINITE.isdisjoint(cells):
                return names
        except TypeError:  # containers have no hash
            pass
    for cell in cells:
        kind = type(cell)
        if kind is dict or kind is list:
            names += _count_names(cell, levels=levels - 1)
        elif kind is float and not isfinite(cell):
            raise ValueError("too large for a number")
    return names


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:80]!r} stands twice in one object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise ValueError(f"{digits[:40]} is too large for a number")
    return number


def _written(digits: str) -> Written:
    _finite(digits)
    return Written(digits)


def _check_depth(value: Any, text: str) -> None:
    """Refuse what is nested so deep that it could not be written down again."""
    unseen = text.count("[") + text.count("{")
    level = [value] if isinstance(value, dict | list) else []
    for depth in range(1, MAX_DEPTH + 1):
        unseen -= len(level)
        if not level or depth + unseen <= MAX_DEPTH:
            return
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
    if level:
        raise InvalidInput(TOO_DEEP)


def _described(problem: ErrorDetails) -> str:
    """Say in JSON's words what pydantic says in Python's, and what was got."""
    description = WORDS.get(problem["type"])
    if description is None:
        description = problem["msg"].removeprefix("Value error, ")
        description = description.replace("Input should be", "expected")
        description = description.replace(" after validation", "")
    got = problem["input"]
    if problem["type"] in OF_NO_VALUE or not isinstance(got, str | int | float | None):
        return description
    return f"{description}, got {json.dumps(got)[:MAX_SHOWN]}"


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{step}" if path else step
    return path or "body"
