"""Files made to harm whoever reads them: small to write, large or strange to read."""

import gzip
import io
from collections.abc import Callable, Iterator

import polars as pl
from backports import zstd
from polars.io.plugins import register_io_source

from tests.use_cases.reading.tables import parquet_of

MIB = 2**20
BLOCK = b"1,2\n" * (4 * MIB)


def gzipped(content: bytes) -> bytes:
    """Pack, so that several such pieces after each other are a file."""
    return gzip.compress(content, 6)


def zstandard(content: bytes) -> bytes:
    """Pack, so that several such pieces after each other are a file."""
    return zstd.compress(content)


def of_rows(pack: Callable[[bytes], bytes], mib: int = 1024) -> bytes:
    """Pack so many MiB of good rows."""
    return pack(b"x,y\n") + pack(BLOCK) * (mib * MIB // len(BLOCK))


def of_one_line(pack: Callable[[bytes], bytes], start: bytes = b"x,y\n") -> bytes:
    """Pack a line of 1 GiB."""
    return pack(start) + pack(b"7" * 16 * MIB) * 64


def of_an_open_quote() -> bytes:
    """Pack 512 MiB of lines that are one cell."""
    return gzipped(b'x,y\n"') + gzipped(b"good\n" * (3 * MIB)) * 35


def of_columns(count: int = 100_000) -> bytes:
    """Write a CSV of many columns."""
    return (",".join(f"c{n}" for n in range(count)) + "\n" + "1," * (count - 1) + "1\n").encode()


def of_keys(count: int = 100_000) -> bytes:
    """Write JSON Lines whose rows all have a key of their own."""
    return b"".join(b'{"k%d": 1}\n' % n for n in range(count))


def of_depth() -> bytes:
    """Write a row as deep as it is long."""
    return b'{"a": 1}\n' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n"


def of_digits(suffix: str) -> bytes:
    """Write numbers of more digits than Python reads."""
    digits = "9" * 100_000
    lines = ["1", "2", digits, f"-{digits}", f"{digits}.5", "1e999999999", f"1e-{digits}"]
    if suffix == "jsonl":
        return "\n".join(f'{{"x": {one}, "n": {n}}}' for n, one in enumerate(lines)).encode()
    return ("x,n\n" + "\n".join(f"{one},{n}" for n, one in enumerate(lines))).encode()


def of_mixed_encodings() -> bytes:
    """Write UTF-8 that goes on as Latin-1, far behind what anybody looks at beforehand."""
    return b"x,y\n" + "ä,1\n".encode() * 400_000 + "ä,1\n".encode("latin-1") * 10


def parquet_of_columns(count: int = 10_000) -> bytes:
    """Write a Parquet file of many columns."""
    return parquet_of(pl.DataFrame({f"c{n}": [1] for n in range(count)}))


def parquet_of_texts(rows: int = 60) -> bytes:
    """Write one text of 16 MiB, to be decoded many times: the file has some kB."""
    return parquet_of(pl.DataFrame({"s": ["x" * 16 * MIB]})[[0] * rows])


def parquet_of_runs(rows: int = 20_000_000) -> bytes:
    """Write one number, to be decoded 20,000,000 times: the file has some kB."""
    block = pl.DataFrame({"x": [7] * 1_000_000})

    def blocks(*_: object) -> Iterator[pl.DataFrame]:
        yield from [block] * (rows // block.height)

    file = io.BytesIO()
    register_io_source(blocks, schema=block.schema).sink_parquet(file, row_group_size=rows)
    return file.getvalue()
