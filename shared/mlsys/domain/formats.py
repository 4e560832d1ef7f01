"""Which files are tables: told by the name and by the first bytes, which must agree."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.records import Input

Positive = Annotated[int, Field(gt=0)]

HEAD_BYTES = 512
SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".parquet")

GZIP = "gzip"
PARQUET = "Parquet"
SIGNATURES = {
    b"PAR1": PARQUET,
    b"\x1f\x8b": GZIP,
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel 97 workbook",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"\x7fELF": "a program",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "a SQLite database",
    b"\xff\xfe": "text in UTF-16, not UTF-8",
    b"\xfe\xff": "text in UTF-16, not UTF-8",
}
MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<svg")


class Format(StrEnum):
    """How the rows are written, once a compression around them is undone."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Limits(Input):
    """How large a table may be. `memory_mib` and `seconds` bound the process that reads it."""

    file_bytes: Positive = 256 * 2**20
    unpacked_bytes: Positive = 2**30
    line_bytes: Positive = 2**20
    cells: Positive = 100_000_000
    memory_mib: Annotated[int, Field(ge=512)] = 2048
    seconds: Positive = 480

    def check_file(self, file: str, size_bytes: int) -> None:
        """Refuse a file before it is fetched. Raises TooLarge."""
        if size_bytes > self.file_bytes:
            raise TooLarge(f"{file}: want at most {self.file_bytes} bytes, got {size_bytes}")

    def check_cells(self, file: str, rows: int, columns: int) -> None:
        """Refuse a table before it is decoded. Raises TooLarge."""
        if rows * columns > self.cells:
            raise TooLarge(
                f"{file}: want at most {self.cells} cells, got {rows} rows of {columns} columns"
            )


def ignored(file: str) -> bool:
    """Whether a file among the uploads is none to be split: settings, hidden or unfinished.

    >>> [ignored(file) for file in ("dataset.json", ".rows.csv.swp", "_SUCCESS", "rows.csv")]
    [True, True, True, False]

    """
    unfinished = (".tmp", ".part", ".partial", ".crdownload", "~")
    return file in {"", "dataset.json"} or file.startswith((".", "_")) or file.endswith(unfinished)


def told_format(file: str, head: bytes) -> tuple[Format, bool]:
    """Say which format a file has, and whether gzip is around it.

    Args:
        file: its name.
        head: its first `HEAD_BYTES` bytes, or all if it is shorter.

    Raises:
        InvalidInput: it is empty, no table, or its bytes are not what its name says.

    >>> told_format("rows.csv.gz", bytes([0x1F, 0x8B, 8]))
    (<Format.CSV: 'csv'>, True)

    """
    if not head:
        raise InvalidInput(f"{file}: the file is empty")
    name = file.lower()
    if not name.endswith(SUFFIXES):
        raise InvalidInput(f"{file}: not a table: want a name that ends in {', '.join(SUFFIXES)}")

    gzipped = name.endswith(".gz")
    format = _by_name(name.removesuffix(".gz"))
    wanted = GZIP if gzipped else PARQUET if format is Format.PARQUET else None
    found = _signature(head)
    if wanted != found:
        raise InvalidInput(
            f"{file}: the name promises {wanted or 'plain text'}, "
            f"the file is {found or 'something else'}"
        )
    return format, gzipped


def check_text(file: str, head: bytes) -> None:
    """Refuse what gzip was around, if it is no text after all. Raises InvalidInput."""
    if not head:
        raise InvalidInput(f"{file}: the file is empty inside gzip")
    found = _signature(head)
    if found is not None:
        raise InvalidInput(f"{file}: want plain text inside gzip, got {found}")


def _by_name(name: str) -> Format:
    if name.endswith(".parquet"):
        return Format.PARQUET
    return Format.CSV if name.endswith(".csv") else Format.JSONL


def _signature(head: bytes) -> str | None:
    for signature, what in SIGNATURES.items():
        if head.startswith(signature):
            return what
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return "a page of markup" if text.startswith(MARKUP) else None
