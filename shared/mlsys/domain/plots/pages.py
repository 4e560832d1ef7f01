"""A page around drawn figures, and names that fit into them."""

from collections.abc import Sequence
from html import escape

MAX_LABEL = 32
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font-family: sans-serif; margin: 2rem auto; max-width: 60rem }}
svg {{ max-width: 100%; height: auto }}
td, th {{ padding-right: 1rem; text-align: left }}
</style></head>
<body><h1>{title}</h1>
{body}
</body></html>
"""


def html_page(title: str, drawings: Sequence[str], *, below: str = "") -> str:
    """Return a page of SVG elements, and of HTML below them, that needs nothing from elsewhere."""
    sections = [f"<section>{drawing}</section>" for drawing in drawings]
    return PAGE.format(title=escape(title), body="\n".join([*sections, below]))


def short(name: str, *, at_most: int = MAX_LABEL) -> str:
    """Keep a name readable, and from being read as a formula.

    >>> short("price in $", at_most=8)
    'price i…'

    """
    kept = name if len(name) <= at_most else f"{name[: at_most - 1]}…"
    return kept.replace("$", r"\$")
