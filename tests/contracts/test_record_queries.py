"""What `Records.query` promises, on every backend."""

from collections.abc import Iterator
from typing import Any

import pytest

from mlsys.domain.errors import InvalidInput
from mlsys.ports import Create, Delete, Document, Records, Scalar

ASCENDING: list[Scalar] = [
    False, True, -1e300, -(2**63), -1, -0.5, 0, 5e-324, 0.1, 2**53, 2**53 + 1, 2**63 - 1, 1e300,
    "", " ", "A", "Z", "a", "aa", "b", "x", "x" * 1_024, "é", "☕", "\uffee", "𝄞",
]  # fmt: skip


def test_documents_are_listed_by_id(records: Records) -> None:
    _create(records, {"b": {}, "a": {}, "0000010": {}, "c-1": {}, "0000002": {}, "c_1": {}})

    assert _ids(records) == ["0000002", "0000010", "a", "b", "c-1", "c_1"]


def test_only_an_order_can_be_descending(records: Records) -> None:
    with pytest.raises(InvalidInput):
        records.query("things", where={"n": 1}, descending=True)


def test_an_empty_collection_has_an_empty_page(records: Records) -> None:
    page = records.query("nothing", where={"a": 1}, order_by="b", descending=True)

    assert (page.documents, page.cursor) == ([], None)


def test_documents_are_ordered_by_a_field_and_then_by_id(records: Records) -> None:
    _create(records, {"a": {"n": 2}, "b": {"n": 1}, "c": {"n": 2}, "d": {"n": 1.5}})

    assert _ids(records, order_by="n") == ["b", "d", "a", "c"]
    assert _ids(records, order_by="n", descending=True) == ["c", "a", "d", "b"]


def test_values_of_all_kinds_are_ordered_alike(records: Records) -> None:
    mixed = list(enumerate(ASCENDING))
    mixed.sort(key=lambda pair: hash(str(pair)))
    _create(records, {f"d{index}": {"value": value} for index, value in mixed})

    listed = _listed(records, order_by="value")
    backwards = _listed(records, order_by="value", descending=True)
    in_pages = [one.body["value"] for one in _pages(records, order_by="value", limit=1)]

    assert [one.body["value"] for one in listed] == ASCENDING
    assert [one.body["value"] for one in backwards] == ASCENDING[::-1]
    assert in_pages == ASCENDING


def test_documents_without_what_orders_are_left_out(records: Records) -> None:
    bodies = {"a": {"n": 1}, "b": {}, "c": {"n": None}, "d": {"n": [1]}, "e": {"n": {"x": 1}}}
    _create(records, {**bodies, "f": {"n": "x" * 1_025}, "g": {"n": 2**63}})

    assert _ids(records, order_by="n") == ["a"]


def test_only_what_equals_is_found(records: Records) -> None:
    _create(records, {f"d{index}": {"value": value} for index, value in enumerate(ASCENDING)})

    found = [_ids(records, where={"value": value}) for value in ASCENDING]

    assert found == [[f"d{index}"] for index in range(len(ASCENDING))]


def test_a_whole_float_equals_its_integer_but_not_a_bool_or_text(records: Records) -> None:
    _create(records, {"a": {"n": 1}, "b": {"n": 1.0}, "c": {"n": True}, "d": {"n": "1"}})

    assert _ids(records, where={"n": 1}) == ["a", "b"]
    assert _ids(records, where={"n": 1.0}) == ["a", "b"]
    assert _ids(records, where={"n": True}) == ["c"]
    assert _ids(records, where={"n": "1"}) == ["d"]


def test_all_conditions_hold_together(records: Records) -> None:
    rows = {
        f"d{n}": {"entity": f"e{n % 2}", "ready": n % 3 == 0, "at": f"2026-{9 - n}"}
        for n in range(8)
    }
    _create(records, rows)

    where: dict[str, Scalar] = {"entity": "e0", "ready": True}
    assert _ids(records, where=where) == ["d0", "d6"]
    assert _ids(records, where=where, order_by="at") == ["d6", "d0"]
    assert _ids(records, where=where, order_by="at", descending=True) == ["d0", "d6"]
    assert _ids(records, where={"at": "2026-9"}, order_by="at") == ["d0"]


def test_a_query_sees_the_body_as_it_is_now(records: Records) -> None:
    [first, second, _] = _create(records, {"a": {"s": "x"}, "b": {"s": "x"}, "c": {"s": "x"}})
    records.replace(first, {"s": "y", "n": 1})
    records.commit([Delete(second)])

    assert _ids(records, where={"s": "x"}) == ["c"]
    assert _ids(records, where={"s": "y"}, order_by="n") == ["a"]


@pytest.mark.parametrize(
    "order", [{}, {"order_by": "n"}, {"order_by": "n", "descending": True}], ids=str
)
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_hold_everything_once(records: Records, limit: int, order: dict[str, Any]) -> None:
    _create(records, {f"d{n}": {"n": n // 3, "kept": True} for n in range(7)})
    asked = {"where": {"kept": True}, **order}

    paged = [one.id for one in _pages(records, limit=limit, **asked)]

    assert paged == _ids(records, **asked)
    assert sorted(paged) == [f"d{n}" for n in range(7)]


def test_a_full_last_page_has_no_cursor(records: Records) -> None:
    _create(records, {"a": {}, "b": {}})

    assert records.query("things", limit=2).cursor is None
    assert records.query("things", limit=1).cursor is not None


@pytest.mark.parametrize("order_by", [None, "n"])
def test_a_cursor_stays_good_while_documents_come_and_go(
    records: Records, order_by: str | None
) -> None:
    created = _create(records, {f"d{n}": {"n": n // 3} for n in range(9)})
    first = records.query("things", order_by=order_by, limit=4)

    records.commit([Delete(created[1]), Delete(created[3]), Delete(created[5])])
    _create(records, {"a0": {"n": -1}, "d31": {"n": 1}, "e": {"n": 9}})
    rest = _pages(records, order_by=order_by, limit=2, cursor=first.cursor)

    assert [one.id for one in first.documents] == ["d0", "d1", "d2", "d3"]
    assert [one.id for one in rest] == ["d31", "d4", "d6", "d7", "d8", "e"]


def test_a_cursor_of_another_query_is_refused(records: Records) -> None:
    _create(records, {"a": {"n": 1}, "b": {"n": 2}})
    cursor = records.query("things", order_by="n", limit=1).cursor

    others: list[dict[str, Any]] = [
        {},
        {"order_by": "m"},
        {"order_by": "n", "descending": True},
        {"order_by": "n", "where": {"n": 1}},
    ]
    for other in others:
        with pytest.raises(InvalidInput):
            records.query("things", cursor=cursor, **other)
    with pytest.raises(InvalidInput):
        records.query("others", order_by="n", cursor=cursor)


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "%%%", "bnVsbA", "W10", "AAAA", "=" * 9, "0" * 99]
)
def test_a_damaged_cursor_is_refused(records: Records, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        records.query("things", cursor=cursor)


@pytest.mark.parametrize("name", ["", "a.b", "A", "a b", "__name__", "`", "$", '"', "1a", "é"])
def test_a_name_that_no_query_can_have_is_refused(records: Records, name: str) -> None:
    with pytest.raises(InvalidInput):
        records.query("things", order_by=name)
    with pytest.raises(InvalidInput):
        records.query("things", where={name: 1})


@pytest.mark.parametrize("value", [None, [1], float("nan"), 2**63, "x" * 1_025, "\ud800"])
def test_a_value_that_no_query_can_compare_is_refused(records: Records, value: Any) -> None:
    with pytest.raises(InvalidInput):
        records.query("things", where={"n": value})


@pytest.mark.parametrize("limit", [-1, 0, 10_001])
def test_a_page_has_1_to_10_000_documents(records: Records, limit: int) -> None:
    assert records.query("things", limit=10_000).documents == []

    with pytest.raises(InvalidInput):
        records.query("things", limit=limit)


def _create(records: Records, bodies: dict[str, Any]) -> list[Document]:
    written = records.commit([Create("things", id, body) for id, body in bodies.items()])
    return [one for one in written if one is not None]


def _listed(records: Records, **asked: Any) -> list[Document]:
    return list(records.query("things", **asked).documents)


def _ids(records: Records, **asked: Any) -> list[str]:
    return [one.id for one in _listed(records, **asked)]


def _pages(records: Records, **asked: Any) -> Iterator[Document]:
    """Go on from page to page until there is no cursor."""
    page = records.query("things", **asked)
    yield from page.documents
    while page.cursor is not None:
        page = records.query("things", **{**asked, "cursor": page.cursor})
        yield from page.documents
