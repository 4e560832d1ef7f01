"""Cutting a text into blocks of whole rows, and refusing what is no text."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.use_cases.reading.unpacking import UTF_8

BLOCK_BYTES = 2**24
TILE_BYTES = 2**17
"""So much is looked through at once, as the cache holds: a pass over more waits for the memory."""
DECODED_BYTES = 2**20
BOM = b"\xef\xbb\xbf"
NEWLINE = 10
REMEDY = "save it as UTF-8, or name the encoding in dataset.json, as read.encoding"


@dataclass(frozen=True)
class TextForm:
    """How a text is written.

    Attributes:
        file: its name, for messages.
        encoding: what it was before it came here in UTF-8.
        quote: within a pair of these a newline does not end the row.
        row_bytes: how long a row may be, its end included.
        block_bytes: about how long a block shall be.
    """

    file: str
    row_bytes: int
    encoding: str = UTF_8
    quote: bytes | None = None
    block_bytes: int = BLOCK_BYTES


@dataclass(frozen=True)
class TextBlock:
    """Whole rows, each with its newline; the first of its `lines` has the number `line`."""

    content: bytes
    line: int
    lines: int


def text_blocks(chunks: Iterator[bytes], form: TextForm) -> Iterator[TextBlock]:
    """Yield a text in UTF-8 as blocks, which depend on the content and not on the chunks.

    A text that is one quote too many is not cut where that matters; its reader finds out.

    Raises:
        InvalidInput: there is a NUL, or what is not UTF-8, with its place.
        TooLarge: a line is longer than a row may be.
    """
    line, offset = 1, 0
    for piece in whole_rows(chunks, form):
        content = piece if line > 1 else piece.removeprefix(BOM)
        offset += len(piece) - len(content)
        _check_bytes(content, line, offset, form)
        _check_lines(content, line, form)
        whole = content if content.endswith(b"\n") else content + b"\n"
        lines = count_of(NEWLINE, whole)
        yield TextBlock(whole, line, lines)
        line += lines
        offset += len(content)


def whole_rows(chunks: Iterator[bytes], form: TextForm) -> Iterator[bytes]:
    """Yield whole rows, of some `block_bytes` together; an overlong row comes as it is.

    Only the last pieces are joined to look for a row's end: joining all costs as much as reading.
    """
    parts: list[bytes] = []
    for window in _windows(chunks, form.block_bytes):
        parts += window
        window.clear()
        tail: list[bytes] = []
        while parts and sum(map(len, tail)) <= form.row_bytes:
            tail.insert(0, parts.pop())
        last = b"".join(tail)
        end = _last_row_end(parts, last, form)
        if not end and (parts or len(last) > form.row_bytes):
            end = len(last)
        if end:
            rows = b"".join((*parts, last[:end]))
            parts.clear()
            yield rows
        parts.append(last[end:])
    if any(parts):
        yield b"".join(parts)


def count_of(symbol: int, content: bytes) -> int:
    """Count a byte: five times as fast as `bytes.count` where it is frequent."""
    symbols = np.frombuffer(content, np.uint8)
    tiles = (symbols[at : at + TILE_BYTES] for at in range(0, symbols.size, TILE_BYTES))
    return sum(int(np.count_nonzero(tile == symbol)) for tile in tiles)


def line_at(content: bytes, position: int, line: int) -> int:
    """Say in which line a byte is, where the first line is `line`."""
    return line + content.count(b"\n", 0, position)


def _windows(chunks: Iterator[bytes], size_bytes: int) -> Iterator[list[bytes]]:
    """Put pieces together that are `size_bytes` long, the last ones maybe less."""
    window: list[bytes] = []
    room = size_bytes
    for chunk in chunks:
        piece = chunk
        while len(piece) >= room:
            yield [*window, piece[:room]]
            piece = piece[room:]
            window, room = [], size_bytes
        window.append(piece)
        room -= len(piece)
    if room < size_bytes:
        yield window


def _last_row_end(parts: list[bytes], last: bytes, form: TextForm) -> int:
    """Say where in `last`, which comes after `parts`, the last row ends, or 0 if none does."""
    quote = form.quote
    if quote is None or not any(quote in part for part in (*parts, last)):
        return last.rfind(b"\n") + 1
    before = sum(count_of(quote[0], part) for part in parts)
    symbols = np.frombuffer(last, np.uint8)
    newlines = np.flatnonzero(symbols == NEWLINE)
    quotes = np.flatnonzero(symbols == quote[0])
    ends = newlines[(before + np.searchsorted(quotes, newlines)) % 2 == 0]
    return int(ends[-1]) + 1 if ends.size else 0


def _check_bytes(content: bytes, line: int, offset: int, form: TextForm) -> None:
    nul = content.find(b"\0")
    if nul >= 0:
        at = f" at byte {offset + nul}" if form.encoding == UTF_8 else ""
        raise InvalidInput(
            f"{form.file}: line {line_at(content, nul, line)} has a NUL{at}: not a text"
        )
    if content.isascii() or _is_utf_8(content):
        return
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{form.file}: line {line_at(content, error.start, line)} is not UTF-8 at byte "
            f"{offset + error.start} (0x{content[error.start]:02x}): {REMEDY}"
        ) from error


def _is_utf_8(content: bytes) -> bool:
    """Decode bit by bit, because one wide letter makes a whole text four times as large."""
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        for start in range(0, len(content), DECODED_BYTES):
            decoder.decode(content[start : start + DECODED_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _check_lines(content: bytes, line: int, form: TextForm) -> None:
    """Jump from line end to line end, as far as a line may reach."""
    at = 0
    while len(content) - at > form.row_bytes:
        end = content.rfind(b"\n", at, at + form.row_bytes) + 1
        if not end:
            number = line_at(content, at, line)
            raise TooLarge(f"{form.file}: line {number} is longer than {form.row_bytes} bytes")
        at = end
