"""Leave out of installed packages what no answer of a server needs: their tests, the symbols of
compiled modules, and CatBoost's code for graphics cards, three quarters of its size.

Prints what left. Scores are the same to the bit afterwards; tests/delivery shows it.
"""

import shutil
import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path

MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little-endian
LOAD = 1
ABOUT_SEGMENTS = 6  # PT_PHDR: where the table of segments is; the loader reads it from the header
PAGE = 4096
MIB = 1 << 20
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
GPU_CODE = b".nv_fatbin"


@dataclass(frozen=True)
class Segment:
    """A part of a file that is put into memory, where `memory` is past `size` as zeros."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    size: int
    memory: int
    align: int


def lighten(packages: Path) -> dict[str, int]:
    """Lighten everything below a site-packages.

    Returns:
        Bytes that left, by what they were.
    """
    tests = [one for one in packages.rglob("tests") if one.is_dir() and _is_outermost(one)]
    left = {"tests of packages": sum(_size(one) for one in tests)}
    for one in tests:
        shutil.rmtree(one)

    before = after = 0
    for library in packages.rglob("*.so*"):
        if library.is_symlink() or not library.is_file():
            continue
        whole = library.read_bytes()
        if whole.startswith(MAGIC):
            lean = without_symbols(without_gpu_code(whole))
            before, after = before + len(whole), after + len(lean)
            _replace(library, lean)
    return left | {"symbols and GPU code of compiled modules": before - after}


def without_symbols(library: bytes) -> bytes:
    """Keep what a loader maps, which is what the segments name; drop the sections' own tables."""
    header = list(HEADER.unpack_from(library))
    end = max(
        HEADER.size,
        header[5] + header[10] * SEGMENT.size,
        *(one.offset + one.size for one in _segments(library)),
    )
    header[6] = header[11] = header[12] = header[13] = 0
    return HEADER.pack(*header) + library[HEADER.size : end]


def without_gpu_code(library: bytes) -> bytes:
    """Map zeros where the code for graphics cards is: only a driver of one reads it.

    Addresses stay as they are. Whole pages leave, so what is around them stays, too.
    """
    place = _place_of(library, GPU_CODE)
    if place is None:
        return library
    start, end = -(-place[0] // PAGE) * PAGE, place[1] // PAGE * PAGE
    segments = _segments(library)
    [around] = [
        one
        for one in segments
        if one.kind == LOAD and one.offset <= start and end <= one.offset + one.size
    ]
    gap, head = end - start, start - around.offset
    parts = [
        replace(around, size=head, memory=head),
        replace(around, offset=start, address=around.address + head, size=0, memory=gap),
        replace(
            around,
            offset=start,
            address=around.address + head + gap,
            size=around.size - head - gap,
            memory=around.memory - head - gap,
        ),
    ]
    table = [
        part
        for one in segments
        if one.kind != ABOUT_SEGMENTS
        for part in (parts if one is around else [_moved(one, start, gap)])
    ]
    content = library[:start] + library[end:]
    content += bytes(-len(content) % 8)
    header = list(HEADER.unpack_from(library))
    header[5], header[10] = len(content), len(table)
    header[6] = header[11] = header[12] = header[13] = 0
    packed = b"".join(SEGMENT.pack(*vars(one).values()) for one in _physical(table))
    return HEADER.pack(*header) + content[HEADER.size :] + packed


def _replace(file: Path, content: bytes) -> None:
    """Write a new file: the old one may be a link into a cache."""
    mode = file.stat().st_mode
    file.unlink()
    file.write_bytes(content)
    file.chmod(mode)


def _moved(one: Segment, start: int, gap: int) -> Segment:
    return replace(one, offset=one.offset - gap) if one.offset > start else one


def _physical(table: list[Segment]) -> list[Segment]:
    return [replace(one, physical=one.address) for one in table]


def _segments(library: bytes) -> list[Segment]:
    header = HEADER.unpack_from(library)
    table = library[header[5] : header[5] + header[10] * SEGMENT.size]
    return [
        Segment(kind, flags, *rest)
        for kind, flags, *rest in SEGMENT.iter_unpack(table)
    ]


def _place_of(library: bytes, name: bytes) -> tuple[int, int] | None:
    """Say from where to where in the file a section is."""
    header = HEADER.unpack_from(library)
    table = library[header[6] : header[6] + header[12] * SECTION.size]
    sections = list(SECTION.iter_unpack(table))
    if not sections:
        return None
    names = sections[header[13]][4]
    for section in sections:
        begin = names + section[0]
        if library[begin : library.index(b"\0", begin)] == name:
            return section[4], section[4] + section[5]
    return None


def _is_outermost(folder: Path) -> bool:
    return "tests" not in folder.parent.parts


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


if __name__ == "__main__":
    for what, size in lighten(Path(sys.argv[1])).items():
        print(f"{size / MIB:7.1f} MiB  {what}")
