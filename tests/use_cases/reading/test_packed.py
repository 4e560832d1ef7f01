"""What is compressed is unpacked as a stream, to a limit, and refused if it is damaged."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from backports import zstd

from mlsys.domain.errors import InvalidInput, TooLarge
from tests.use_cases.reading.tables import columns, opened, rows_of

CHECKED = {int(zstd.CompressionParameter.checksum_flag): 1}
PACKED = {
    "gzip": ("rows.csv.gz", gzip.compress),
    "zstd": ("rows.csv.zst", lambda content: zstd.compress(content, options=CHECKED)),
}

each_compression = pytest.mark.parametrize("compression", PACKED)


def packed(compression: str, content: bytes) -> tuple[str, bytes]:
    file, compress = PACKED[compression]
    return file, compress(content)


@each_compression
@pytest.mark.parametrize("most", [1, 2**16])
def test_it_is_unpacked_up_to_a_limit(compression: str, most: int) -> None:
    file, content = packed(compression, b"a,b\n" + b"1,2\n" * 1_000)

    table = opened({file: content}, most=most, unpacked_bytes=4_004)

    assert rows_of(table).height == table.count() == 1_000
    assert table.read_as["compression"] == compression
    with pytest.raises(TooLarge, match=f"more than 4003 bytes inside {compression}"):
        opened({file: content}, most=most, unpacked_bytes=4_003).count()


@each_compression
def test_several_pieces_after_each_other_are_one_file(compression: str) -> None:
    file, head = packed(compression, b"a,b\n1,")
    _, rest = packed(compression, b"2\n3,4\n")

    assert columns({file: head + rest}) == {"a": ["1", "3"], "b": ["2", "4"]}


@each_compression
@pytest.mark.parametrize("cut", [6, 40, -2])
def test_what_is_cut_off_is_refused(compression: str, cut: int) -> None:
    file, content = packed(compression, b"a,b\n" + bytes(str(list(range(999))), "ascii"))

    with pytest.raises(InvalidInput, match=f"the {compression} is damaged or cut off"):
        opened({file: content[:cut]})


@each_compression
def test_damaged_content_is_refused(compression: str) -> None:
    file, content = packed(compression, b"".join(b"%d,b\n" % n for n in range(1_000)))
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 0xFF

    with pytest.raises(InvalidInput, match=f"the {compression} is damaged or cut off"):
        rows_of(opened({file: bytes(damaged)}))


@each_compression
def test_something_after_the_end_is_refused(compression: str) -> None:
    file, content = packed(compression, b"a,b\n1,2\n")

    with pytest.raises(InvalidInput, match=f"the {compression} is damaged or cut off"):
        rows_of(opened({file: content + b"and more"}))


@each_compression
@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (b"", "the file is empty inside"),
        (gzip.compress(b"a", mtime=0), "want plain text inside .*, got gzip"),
        (b"PAR1", "got Parquet"),
    ],
)
def test_what_is_inside_must_be_a_text(compression: str, inside: bytes, said: str) -> None:
    file, content = packed(compression, inside)

    with pytest.raises(InvalidInput, match=said):
        opened({file: content})


def gzip_bomb(mib: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(b"a,b\n")]
    parts += [packer.compress(b"1,2\n" * 2**18) for _ in range(mib)]
    return b"".join(parts) + packer.flush()


def zstd_bomb(mib: int) -> bytes:
    packer = zstd.ZstdCompressor()
    parts = [packer.compress(b"a,b\n")]
    parts += [packer.compress(b"1,2\n" * 2**18) for _ in range(mib)]
    return b"".join(parts) + packer.flush()


@pytest.mark.parametrize(
    ("file", "bomb"), [("rows.csv.gz", gzip_bomb), ("rows.csv.zst", zstd_bomb)]
)
def test_a_bomb_is_refused_in_little_memory(file: str, bomb: Callable[[int], bytes]) -> None:
    content = bomb(40)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="more than 33554432 bytes inside"):
            opened({file: content}, unpacked_bytes=2**25).count()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(content) < 200_000
    assert peak_bytes < 2**23


def test_a_zstd_that_wants_much_memory_to_be_unpacked_is_refused() -> None:
    options = {int(zstd.CompressionParameter.window_log): 30}
    packer = zstd.ZstdCompressor(options=options)
    content = packer.compress(b"a,b\n1,2\n") + packer.flush()

    with pytest.raises(InvalidInput, match=r"damaged or cut off: .*memory"):
        opened({"rows.csv.zst": content})


def test_a_file_is_measured_while_it_is_read() -> None:
    content = {"rows.csv": b"a,b\n" + b"1,2\n" * 1_000}

    opened(content, file_bytes=4_004).count()

    with pytest.raises(TooLarge, match="want at most 4003 bytes, got 4004"):
        opened(content, file_bytes=4_003).count()
