"""From the bytes that lie in a file to a text in UTF-8, as a stream and within limits."""

import codecs
import gzip
import io
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from typing import BinaryIO

from backports import zstd

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.formats import HEAD_BYTES, Compression, Limits, check_text, told_format
from mlsys.use_cases.reading.sources import Source

CHUNK_BYTES = 2**18
UTF_8 = "utf-8"
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)


@contextmanager
def unpacked(source: Source, index: int, limits: Limits) -> Iterator[Iterator[bytes]]:
    """Open a file for its bytes, without the compression around it, in pieces of any size.

    The pieces raise:
        InvalidInput: the file is not what its name says; the compression is damaged or cut off,
            or something stands after its end.
        TooLarge: it is over a limit.
    """
    with (
        source.open(index) as opened,
        closing(_pieces(opened, source.names[index], limits)) as pieces,
    ):
        yield pieces


def recoded(chunks: Iterator[bytes], file: str, *, encoding: str) -> Iterator[bytes]:
    """Yield a text of another encoding in UTF-8; what is to be UTF-8 is passed on as it is.

    Raises:
        InvalidInput: a byte that this encoding does not have, with its place.
    """
    if encoding == UTF_8:
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    line, offset = 1, 0
    for chunk in chain(chunks, [b""]):
        begun, _ = decoder.getstate()
        try:
            text = decoder.decode(chunk, final=not chunk).encode()
        except UnicodeDecodeError as error:
            before = (begun + chunk)[: error.start].decode(encoding, errors="replace")
            raise InvalidInput(
                f"{file}: line {line + before.count(chr(10))} is not {encoding} at byte "
                f"{offset - len(begun) + error.start}: save it as UTF-8"
            ) from error
        line += text.count(b"\n")
        offset += len(chunk)
        if text:
            yield text


def head_of(chunks: Iterator[bytes], size_bytes: int) -> tuple[bytes, bool]:
    """Return the first bytes, and whether they are all there is."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if len(head) > size_bytes:
            return bytes(head[:size_bytes]), False
    return bytes(head), True


def _pieces(opened: BinaryIO, file: str, limits: Limits) -> Generator[bytes, None, None]:
    stream = _Measured(opened, file, limits)
    _, compression = told_format(file, stream.head)
    if compression is None:
        yield from iter(lambda: stream.read(CHUNK_BYTES), b"")
        return
    size_bytes = 0
    try:
        with _unpacker(stream, compression) as unpacker:
            head = unpacker.read(HEAD_BYTES)
            check_text(file, compression, head)
            chunk = head
            while chunk:
                size_bytes += len(chunk)
                if size_bytes > limits.unpacked_bytes:
                    raise TooLarge(
                        f"{file}: more than {limits.unpacked_bytes} bytes inside {compression}"
                    )
                yield chunk
                chunk = unpacker.read(CHUNK_BYTES)
    except DAMAGED as error:
        raise InvalidInput(f"{file}: the {compression} is damaged or cut off: {error}") from error


class _Measured(io.RawIOBase):
    """A stream whose first bytes were looked at, and which may not be longer than the limit."""

    def __init__(self, opened: BinaryIO, file: str, limits: Limits) -> None:
        super().__init__()
        self._opened = opened
        self._file = file
        self._limits = limits
        self._size_bytes = 0
        self.head = self._waiting = b""
        while len(self.head) < HEAD_BYTES and (more := self.read(HEAD_BYTES - len(self.head))):
            self.head += more
        self._waiting = self.head

    def read(self, size: int = -1, /) -> bytes:
        """Read on, at most `size` bytes; `b""` is the end."""
        if self._waiting:
            waiting, self._waiting = self._waiting[:size], self._waiting[size:]
            return waiting
        chunk = self._opened.read(size)
        self._size_bytes += len(chunk)
        self._limits.check_file(self._file, self._size_bytes)
        return chunk


def _unpacker(stream: _Measured, compression: Compression) -> gzip.GzipFile | zstd.ZstdFile:
    if compression is Compression.GZIP:
        return gzip.GzipFile(fileobj=stream, mode="rb")
    return zstd.ZstdFile(stream, mode="rb")
