"""Reading tables: CSV, JSON Lines or Parquet, one file or several, as blocks of rows."""

from mlsys.domain.dataset import ReadOptions
from mlsys.domain.errors import InvalidInput
from mlsys.domain.formats import Format, Limits, promised_format
from mlsys.use_cases.reading.csv_blocks import open_csv
from mlsys.use_cases.reading.jsonl_blocks import open_jsonl
from mlsys.use_cases.reading.parquet_blocks import open_parquet
from mlsys.use_cases.reading.sources import Source, Table
from mlsys.use_cases.reading.text_blocks import BLOCK_BYTES

__all__ = ["Source", "Table", "open_table"]


def open_table(
    source: Source, options: ReadOptions, limits: Limits, *, block_bytes: int = BLOCK_BYTES
) -> Table:
    """Read as much of the first file as tells how to read all of them.

    Of CSV that is the beginning, of Parquet the footer; JSON Lines need a whole pass.

    Args:
        source: one file, or several of one format whose columns are the same.
        options: what the user says about a text, and is not told from it.
        limits: what is refused instead of being read.
        block_bytes: about how much text makes a block.

    Raises:
        InvalidInput: the files are no tables, damaged, of different formats, or have column
            names that are empty or there twice.
        TooLarge: they are over a limit.
    """
    _check_alike(source)
    format, _ = promised_format(source.names[0])
    if format is Format.PARQUET:
        return open_parquet(source, limits)
    if format is Format.JSONL:
        return open_jsonl(source, options, limits, block_bytes=block_bytes)
    return open_csv(source, options, limits, block_bytes=block_bytes)


def _check_alike(source: Source) -> None:
    if not source.names:
        raise InvalidInput("there is no file to read")
    first = promised_format(source.names[0])
    for file in source.names:
        if promised_format(file) != first:
            raise InvalidInput(
                f"{file}: want the format and compression of {source.names[0]}: all files of one "
                "table are written alike"
            )
