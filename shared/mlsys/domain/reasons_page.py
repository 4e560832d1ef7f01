"""A report as a page for people: no script, nothing fetched, whatever a cell holds."""

import re
from collections.abc import Iterator
from html import escape

from mlsys.domain.report import Cell, Reason, Report

INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin-top: 2.5rem; }
code, td.value { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
td.value { white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: left;
  vertical-align: top; }
.number { font-variant-numeric: tabular-nums; text-align: right; }
.none { opacity: .6; }
"""


def reasons_page(report: Report, *, title: str, left_out: bool = False) -> str:
    """Write what was found wrong with a table as an HTML page that needs nothing else.

    Whatever names and values hold is shown as text; what cannot be seen is written as an escape.

    Args:
        report: what was found.
        title: what the page is about, such as the address of the file.
        left_out: whether the bad rows were left out and the others used.
    """
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_text(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{_text(title)}</h1>",
            f"<p>{_summary(report, left_out=left_out)}</p>",
            *_rules(report),
            *(
                line
                for number, reason in enumerate(report.reasons)
                for line in _cells(number, reason)
            ),
            *_list("Leaks", [leak.message for leak in report.leaks]),
            *_list("Warnings", report.warnings),
            "</body>",
            "</html>",
            "",
        ]
    )


def _summary(report: Report, *, left_out: bool) -> str:
    if report.passed:
        return f"All {report.rows:,} rows keep the contract."
    rules = f"{len(report.reasons):,} rule(s) of the contract are broken"
    rows = f"{report.bad_rows:,} of {report.rows:,} rows break a rule about rows"
    fate = "these were left out, and the others used" if left_out else "none was left out"
    return f"<strong>{rules}.</strong> {rows}; {fate}."


def _rules(report: Report) -> Iterator[str]:
    if report.passed:
        return
    yield "<h2>Broken rules</h2>"
    yield "<table><thead><tr><th>Rule</th><th>About</th><th>Column</th>"
    yield '<th class="number">Count</th><th>What is wrong</th></tr></thead><tbody>'
    for number, reason in enumerate(report.reasons):
        name = f"<code>{_text(reason.rule)}</code>"
        rule = f'<a href="#r{number}">{name}</a>' if reason.cells else name
        yield f"<tr><td>{rule}</td><td>{reason.scope}</td><td>{_text(reason.column or '')}</td>"
        yield f'<td class="number">{reason.count:,}</td><td>{_text(reason.message)}</td></tr>'
    yield "</tbody></table>"


def _cells(number: int, reason: Reason) -> Iterator[str]:
    if not reason.cells:
        return
    keys = list(reason.cells[0].key)
    yield f'<h2 id="r{number}"><code>{_text(reason.rule)}</code> {_text(reason.message)}</h2>'
    if len(reason.cells) < reason.count:
        yield f"<p>The first {len(reason.cells):,} of {reason.count:,}:</p>"
    headings = "".join(f"<th>{_text(key)}</th>" for key in keys)
    headings = f'<th class="number">Row</th>{headings}<th>Value</th>'
    yield f"<table><thead><tr>{headings}</tr></thead><tbody>"
    yield from (_row(cell, keys) for cell in reason.cells)
    yield "</tbody></table>"


def _row(cell: Cell, keys: list[str]) -> str:
    shown = "".join(f'<td class="value">{_value(cell.key.get(key))}</td>' for key in keys)
    return (
        f'<tr><td class="number">{cell.row}</td>{shown}'
        f'<td class="value">{_value(cell.value)}</td></tr>'
    )


def _list(heading: str, messages: list[str]) -> Iterator[str]:
    if messages:
        items = "".join(f"<li>{_text(message)}</li>" for message in messages)
        yield f"<h2>{heading}</h2><ul>{items}</ul>"


def _value(value: str | None) -> str:
    return '<span class="none">not shown or missing</span>' if value is None else _text(value)


def _text(text: str) -> str:
    return escape(INVISIBLE.sub(lambda one: f"\\u{ord(one[0]):04x}", text))
