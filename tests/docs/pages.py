"""The pages that users read, and the examples in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
API = ROOT / "docs" / "api.md"
OPERATIONS = ROOT / "docs" / "operations.md"

FENCE = re.compile(r"^```(\w+) ?(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A fenced block; `model` is the second word of its first line."""

    page: Path
    line: int
    language: str
    model: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def examples(language: str) -> list[Example]:
    """Return all blocks in a language."""
    return [
        Example(page, text.count("\n", 0, block.start()) + 1, *block.groups())
        for page, text in ((page, page.read_text()) for page in PAGES)
        for block in FENCE.finditer(text)
        if block[1] == language
    ]


def table(page: Path, first: str) -> list[list[str]]:
    """Return the cells of the table whose first heading is `first`, without its headings."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in page.read_text()
        .partition(f"\n| {first} |")[2]
        .partition("\n\n")[0]
        .splitlines()
    ]
    return rows[2:]
