"""Strict JSON: what means one thing only is read, the rest is refused with its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import RootModel

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.messages import ExperimentRequest
from mlsys.edge.listing import ListQuery
from mlsys.edge.parsing import MAX_BODY_BYTES, parse_json, parse_model, parse_query

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_json_can_say_is_read_as_it_was_written(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


TEXTS = st.text(st.sampled_from('ab:{}[]" \\\n\u00e9\U0001f986'), max_size=4)
NUMBERS = st.sampled_from(
    ["0", "-0", "1.5", "-0.0", "1e5", "1e999", "-1e999", "NaN", "01", "9" * 30]
)


@st.composite
def written(draw: st.DrawFn, depth: int = 3) -> str:
    """JSON with spaces anywhere, names that may stand twice, and numbers that are none."""
    space = draw(st.sampled_from(["", " ", "\n\t"]))
    kind = draw(st.sampled_from(["text", "number", "list", "object"] if depth else ["text"]))
    if kind == "text":
        return json.dumps(draw(TEXTS), ensure_ascii=draw(st.booleans()))
    if kind == "number":
        return draw(NUMBERS)
    inner = draw(st.lists(written(depth - 1), max_size=3))
    if kind == "list":
        return f"[{space}{f'{space},'.join(inner)}{space}]"
    pairs = [f"{json.dumps(draw(TEXTS))}{space}:{space}{one}" for one in inner]
    return f"{{{f'{space},{space}'.join(pairs)}}}"


def read_or_refused(body: bytes, *, as_written: bool) -> object:
    try:
        return repr(parse_json(body, as_written=as_written))
    except InvalidInput as error:
        return str(error)


@given(written())
def test_the_quick_parser_takes_what_the_careful_one_takes(text: str) -> None:
    quick, careful = (read_or_refused(text.encode(), as_written=one) for one in (False, True))

    assert quick == careful


@pytest.mark.parametrize(
    "body",
    [
        b'{"at": "12:00", "a": 1, "a": 2}',
        b'{"a" :1, "a"\n:2}',
        b'{"{": 1, "{": 2}',
        b'[{"a": 1}, {"b": {"a": 1, "a": 1}}]',
        b'[[1e999], {"a": [-1e999]}]',
    ],
)
def test_what_is_read_in_one_way_only_by_chance_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"stands twice|too large"):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"at": "12:00:00", "a": 1}', {"at": "12:00:00", "a": 1}),
        (b'{"a": ":", "b" : "\\":"}', {"a": ":", "b": '":'}),
        (b'{"a": "{[", "b": [[]]}', {"a": "{[", "b": [[]]}),
        (b"1.5", 1.5),
        (b"null", None),
    ],
)
def test_colons_and_braces_in_texts_are_texts(body: bytes, value: object) -> None:
    assert parse_json(body) == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b"[1] 2", "not JSON"),
        (b"NaN", "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"1e999", "1e999 is too large"),
        (b"-1e999", "-1e999 is too large"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'{"b": [{"a": 1, "a": 1}]}', "'a' stands twice"),
        (b'"\\ud800"', "half a surrogate pair"),
        (b'{"\\uDC00": 1}', "half a surrogate pair"),
        (b"\xff\xfe", "not UTF-8: byte 0"),
        (b'"\xed\xa0\x80"', "not UTF-8: byte 1"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b"9" * 5_000, "not JSON"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_json(body)


@pytest.mark.parametrize(
    ("opened", "closed", "times"), [("[", "]", 100), ('{"a":[', "]}", 50), ('[0,{"b":', "},1]", 50)]
)
def test_a_hundred_levels_are_read_and_one_more_is_not(
    opened: str, closed: str, times: int
) -> None:
    deepest = f"{opened * times}1{closed * times}"

    kept = RootModel[Any](parse_json(deepest.encode())).model_dump_json()
    assert RootModel[list[Any]].model_validate_json(f"[{kept}]").root == [json.loads(deepest)]
    with pytest.raises(InvalidInput, match="at most 100 levels"):
        parse_json(f"[{deepest}]".encode())


def test_a_whole_pair_of_surrogates_is_one_character() -> None:
    assert parse_json(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_the_largest_body_is_read_and_one_byte_more_is_not() -> None:
    largest = b'"' + b"a" * (MAX_BODY_BYTES - 2) + b'"'

    assert len(parse_json(largest)) == MAX_BODY_BYTES - 2
    with pytest.raises(TooLarge, match="send less at once"):
        parse_json(largest + b" ")


def test_every_problem_is_told_at_once_with_its_path() -> None:
    body = {
        "split_id": "Not An Id",
        "name": "churn",
        "task_type": "guessing",
        "model_type": "lightgbm",
        "optuna_config": {"n_trials": 0, "sampler": "Magic", "speed": 3},
        "target_column": "y",
    }

    with pytest.raises(InvalidInput) as caught:
        parse_model(body, ExperimentRequest)

    assert {one.field for one in caught.value.violations} == {
        "split_id",
        "task_type",
        "optuna_config.n_trials",
        "optuna_config.sampler",
        "optuna_config.speed",
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": 3}, "name: expected a valid string, got 3"),
        ({"name": None}, "name: expected a valid string, got null"),
        ({"speed": 3}, "speed: there is no such field"),
        ({"feature_columns": []}, "feature_columns: List should have at least 1 item, not 0"),
        ({"feature_columns": "age"}, 'feature_columns: expected a list, got "age"'),
        ({"optuna_config": 3}, "optuna_config: expected an object, got 3"),
        ({"optuna_config": {"sampler": "CMA"}}, "optuna_config.sampler: expected 'TPE', 'Random'"),
    ],
)
def test_a_problem_is_told_in_the_words_of_json(change: dict[str, object], told: str) -> None:
    body = {
        "split_id": "split-1",
        "name": "churn",
        "task_type": "classification",
        "model_type": "lightgbm",
        "target_column": "y",
    }

    with pytest.raises(InvalidInput) as caught:
        parse_model(body | change, ExperimentRequest)

    assert str(caught.value).startswith(told)


def test_of_a_body_that_is_no_object_the_whole_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"^body: expected an object$"):
        parse_model([1], ExperimentRequest)


def test_a_number_in_quotes_is_no_number_in_a_body() -> None:
    with pytest.raises(InvalidInput, match=r"optuna_config\.n_trials"):
        parse_model(
            {
                "split_id": "split-1",
                "name": "churn",
                "task_type": "classification",
                "model_type": "lightgbm",
                "optuna_config": {"n_trials": "10"},
                "target_column": "y",
            },
            ExperimentRequest,
        )


def test_query_parameters_are_text_and_become_numbers() -> None:
    query = parse_query({"page_size": "20", "page_token": "123"}, ListQuery)

    assert (query.page_size, query.page_token) == (20, "123")


@pytest.mark.parametrize("page_size", ["0", "1001", "many"])
def test_an_impossible_page_size_is_refused(page_size: str) -> None:
    with pytest.raises(InvalidInput, match="page_size"):
        parse_query({"page_size": page_size}, ListQuery)
