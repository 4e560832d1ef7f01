"""Which files are tables: told by the name and by the first bytes, which must agree."""

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.records import Input

Positive = Annotated[int, Field(gt=0)]

HEAD_BYTES = 512
USUAL_PACKING = 6
COMPLETE = "_SUCCESS"
PARQUET = "Parquet"
SIGNATURES = {
    b"PAR1": PARQUET,
    b"\x1f\x8b": "gzip",
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
}
MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<svg")


class Format(StrEnum):
    """How the rows are written, once a compression around them is undone."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


def expected_bytes(name: str, size_bytes: int) -> int:
    """Guess how large a table is once it is unpacked, as text.

    >>> expected_bytes("rows.csv.gz", 100), expected_bytes("rows.csv", 100)
    (600, 100)

    """
    packed = name.lower().endswith((".gz", ".zst", ".parquet"))
    return size_bytes * (USUAL_PACKING if packed else 1)


class Compression(StrEnum):
    """What may be around a text."""

    GZIP = "gzip"
    ZSTD = "zstd"


SUFFIXES = {".csv": Format.CSV, ".tsv": Format.CSV}
SUFFIXES |= {".jsonl": Format.JSONL, ".ndjson": Format.JSONL, ".parquet": Format.PARQUET}
COMPRESSED = {".gz": Compression.GZIP, ".zst": Compression.ZSTD}
WANTED = "want a name that ends in .parquet, or .csv, .tsv, .jsonl, .ndjson and maybe .gz or .zst"


class Limits(Input):
    """How large a table may be. `memory_mib` and `seconds` bound the process that reads it.

    Attributes:
        file_bytes: of one object, as it lies there.
        unpacked_bytes: of one object, once its compression is undone.
        line_bytes: of one row of a text, its end included.
    """

    file_bytes: Positive = 64 * 2**30
    unpacked_bytes: Positive = 64 * 2**30
    line_bytes: Positive = 2**20
    memory_mib: Annotated[int, Field(ge=512)] = 1536
    seconds: Annotated[float, Field(gt=0)] = 480

    def check_file(self, file: str, size_bytes: int) -> None:
        """Refuse a file before it is fetched. Raises TooLarge."""
        if size_bytes > self.file_bytes:
            raise TooLarge(f"{file}: want at most {self.file_bytes} bytes, got {size_bytes}")


def ignored(file: str) -> bool:
    """Whether a file among the uploads is none to be split: settings, hidden or unfinished.

    >>> [ignored(file) for file in ("dataset.json", ".rows.csv.swp", "_SUCCESS", "rows.csv")]
    [True, True, True, False]

    """
    unfinished = (".tmp", ".part", ".partial", ".crdownload", "~")
    return file in {"", "dataset.json"} or file.startswith((".", "_")) or file.endswith(unfinished)


def promised_format(file: str) -> tuple[Format, Compression | None]:
    """Say which format and which compression a name promises.

    Raises:
        InvalidInput: it is not the name of a table.

    >>> promised_format("rows.csv.gz")
    (<Format.CSV: 'csv'>, <Compression.GZIP: 'gzip'>)

    """
    before, last = ["", "", *PurePosixPath(file.lower()).suffixes][-2:]
    compression = COMPRESSED.get(last)
    format = SUFFIXES.get(before if compression else last)
    if format is None or (compression and format is Format.PARQUET):
        raise InvalidInput(f"{file}: not a table: {WANTED}")
    return format, compression


def told_format(file: str, head: bytes) -> tuple[Format, Compression | None]:
    """Say which format a file has, and what is around it.

    Args:
        file: its name.
        head: its first `HEAD_BYTES` bytes, or all if it is shorter.

    Raises:
        InvalidInput: it is empty, no table, or its bytes are not what its name says.

    >>> told_format("rows.csv", b"a,b")
    (<Format.CSV: 'csv'>, None)

    """
    if not head:
        raise InvalidInput(f"{file}: the file is empty")
    format, compression = promised_format(file)
    wanted = PARQUET if format is Format.PARQUET else compression
    found = _signature(head)
    if wanted != found:
        raise InvalidInput(
            f"{file}: the name promises {wanted or 'plain text'}, "
            f"the file is {found or 'something else'}"
        )
    return format, compression


def check_text(file: str, compression: Compression, head: bytes) -> None:
    """Refuse what a compression was around, if it is no text after all. Raises InvalidInput."""
    if not head:
        raise InvalidInput(f"{file}: the file is empty inside {compression}")
    found = _signature(head)
    if found is not None:
        raise InvalidInput(f"{file}: want plain text inside {compression}, got {found}")


def _signature(head: bytes) -> str | None:
    for signature, what in SIGNATURES.items():
        if head.startswith(signature):
            return what
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return "a page of markup" if text.startswith(MARKUP) else None
