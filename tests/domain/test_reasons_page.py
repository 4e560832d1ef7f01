"""A report is a page that people can read and browsers need not fear."""

from html.parser import HTMLParser

import pytest

from mlsys.domain.reasons_page import reasons_page
from mlsys.domain.report import Cell, Leak, Reason, Report

EVIL = "<script>alert(1)</script>\"&'\x00\u202e"
SHOWN = EVIL.replace("\x00", "\\u0000").replace("\u202e", "\\u202e")
VOID = {"meta"}


class Page(HTMLParser):
    """Takes a page apart: its tags, their attributes, its cells; all tags must be closed."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.cells: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data
        if "td" in self.open:
            self.cells[-1] += data


def report_of(value: str | None = "x", *, count: int = 1) -> Report:
    cell = Cell(row=17, value=value, key={"id": value})
    rule = Reason(rule="range", column="age", message="want more", count=count, cells=[cell])
    table = Reason(rule="min_rows", scope="table", message="want at least 9 rows", count=1)
    leak = Leak(kind="id_like", message="id names a row")
    return Report(
        rows=1234, bad_rows=1, reasons=[rule, table], leaks=[leak], warnings=["look at this"]
    )


def test_a_page_says_what_is_wrong_and_where() -> None:
    page = Page(reasons_page(report_of(count=200), title="gs://uploads/churn/rows.csv"))

    assert page.open == []
    assert page.cells == [
        *("range", "rows", "age", "200", "want more"),
        *("min_rows", "table", "", "1", "want at least 9 rows"),
        *("17", "x", "x"),
    ]
    for text in (
        "gs://uploads/churn/rows.csv",
        "2 rule(s) of the contract are broken. 1 of 1,234 rows break a rule about rows",
        "none was left out",
        "The first 1 of 200:",
        "id names a row",
        "look at this",
    ):
        assert text in page.text


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (Report(rows=3), "All 3 rows keep the contract."),
        (report_of(), "these were left out, and the others used"),
        (report_of(value=None), "not shown or missing"),
    ],
)
def test_a_page_says_what_became_of_the_rows(report: Report, told: str) -> None:
    page = Page(reasons_page(report, title="rows.csv", left_out=True))

    assert told in page.text
    assert "The first" not in page.text


def test_nothing_in_a_table_becomes_markup() -> None:
    report = report_of(EVIL)
    [rule, table] = report.reasons
    reasons = [rule.model_copy(update={"rule": EVIL, "column": EVIL, "message": EVIL}), table]
    warned = report.model_copy(update={"reasons": reasons, "warnings": [EVIL]})

    page = Page(reasons_page(warned, title=EVIL))

    assert "script" not in page.tags
    assert page.cells[-2:] == [SHOWN, SHOWN]
    assert page.text.count(SHOWN) == 10
    assert "\x00" not in page.text


def test_a_page_needs_nothing_else() -> None:
    content = reasons_page(report_of(), title="rows.csv")

    page = Page(content)

    assert {name for name, _ in page.attributes} & {"src", "style", "onload", "action"} == set()
    assert {value for name, value in page.attributes if name == "href"} == {"#r0"}
    assert "url(" not in content
    assert "@import" not in content
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    assert "color-scheme: light dark" in content
