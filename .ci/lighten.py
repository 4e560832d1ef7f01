"""Leave out of installed packages what no answer of a server needs.

That is their tests, the symbols of compiled modules, and CatBoost's code for graphics cards, three
quarters of its size. Prints what left. Scores are the same to the bit afterwards: tests/delivery
shows it.
"""

import shutil
import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path

MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little-endian
LOAD = 1
ABOUT_SEGMENTS = 6  # PT_PHDR: where the table of segments is; the loader reads it from the header
MIB = 1 << 20
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
PHOFF, SHOFF, PHNUM, SHENTSIZE, SHNUM, SHSTRNDX = 5, 6, 10, 11, 12, 13  # places in a header
GPU_CODE = b".nv_fatbin"


@dataclass(frozen=True)
class Segment:
    """A part of a file that is put into memory, where `memory` is past `size` as zeros."""

    kind: int
    flags: int
    offset: int
    address: int
    size: int
    memory: int
    align: int


def lighten(packages: Path) -> dict[str, int]:
    """Lighten everything below a site-packages.

    Returns:
        Bytes that left, by what they were.
    """
    tests = [one for one in packages.rglob("tests") if _is_outermost(one, packages)]
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
    header = HEADER.unpack_from(library)
    end = max(
        header[PHOFF] + header[PHNUM] * SEGMENT.size,
        *(one.offset + one.size for one in _segments(library)),
    )
    return _header(library, header[PHOFF], header[PHNUM]) + library[HEADER.size : end]


def without_gpu_code(library: bytes) -> bytes:
    """Map zeros where the code for graphics cards is: only a driver of one reads it.

    Addresses stay as they are. Whole pages leave, so what is around them stays, too.
    """
    place = _place_of(library, GPU_CODE)
    if place is None:
        return library
    segments = _segments(library)
    page = max(one.align for one in segments if one.kind == LOAD)
    start, end = -(-place[0] // page) * page, place[1] // page * page
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
    header = _header(library, len(content), len(table))
    return header + content[HEADER.size :] + b"".join(map(_packed, table))


def _is_outermost(folder: Path, packages: Path) -> bool:
    return folder.is_dir() and "tests" not in folder.relative_to(packages).parent.parts


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def _replace(file: Path, content: bytes) -> None:
    """Write a new file: the old one may be a link into a cache."""
    mode = file.stat().st_mode
    file.unlink()
    file.write_bytes(content)
    file.chmod(mode)


def _header(library: bytes, segments_at: int, segments: int) -> bytes:
    """Say where the segments are, and of no sections."""
    header = list(HEADER.unpack_from(library))
    header[PHOFF], header[PHNUM] = segments_at, segments
    header[SHOFF] = header[SHENTSIZE] = header[SHNUM] = header[SHSTRNDX] = 0
    return HEADER.pack(*header)


def _moved(one: Segment, start: int, gap: int) -> Segment:
    return replace(one, offset=one.offset - gap) if one.offset > start else one


def _packed(one: Segment) -> bytes:
    places = (one.offset, one.address, one.address)
    return SEGMENT.pack(one.kind, one.flags, *places, one.size, one.memory, one.align)


def _segments(library: bytes) -> list[Segment]:
    header = HEADER.unpack_from(library)
    table = library[header[PHOFF] : header[PHOFF] + header[PHNUM] * SEGMENT.size]
    return [
        Segment(kind, flags, offset, address, size, memory, align)
        for kind, flags, offset, address, _, size, memory, align in SEGMENT.iter_unpack(table)
    ]


def _place_of(library: bytes, name: bytes) -> tuple[int, int] | None:
    """Say from where to where in the file a section is."""
    header = HEADER.unpack_from(library)
    table = library[header[SHOFF] : header[SHOFF] + header[SHNUM] * SECTION.size]
    sections = list(SECTION.iter_unpack(table))
    if not sections:
        return None
    names = sections[header[SHSTRNDX]][4]
    for section in sections:
        begin = names + section[0]
        if library[begin : library.index(b"\0", begin)] == name:
            return section[4], section[4] + section[5]
    return None


if __name__ == "__main__":
    for what, size in lighten(Path(sys.argv[1])).items():
        print(f"{size / MIB:7.1f} MiB  {what}")
