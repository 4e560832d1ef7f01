"""`Objects` as plain files: `gs://{bucket}/{key}` is `{home}/{bucket}/{key}`."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from mlsys.adapters.contents import verified
from mlsys.adapters.local.disk_errors import reading, writing
from mlsys.domain.errors import AlreadyExists, InvalidInput, NotFound, Unavailable
from mlsys.domain.ids import Address, parse_folder, parse_uri
from mlsys.ports import ObjectInfo, TableSource

ATTEMPTS = 5
BLOCK_BYTES = 2**20
ABANDONED_AFTER = timedelta(days=1)


class FileObjects:
    """`Objects` in a folder; safe for many threads and processes on one machine.

    A person may drop a file with `cp` and read one with any program. What is written here appears
    by rename, so it is never seen in part. Symbolic links below `home` are not followed. An object
    cannot bear the name of a folder: beside `a/b` there is no `a`.
    """

    def __init__(self, home: Path) -> None:
        self._home = home.resolve()
        self._unfinished = self._home / ".writing"
        self._sweep()

    def path_of(self, uri: str) -> Path:
        """Return where a person finds the object. Raises InvalidInput."""
        return self._path(parse_uri(uri))

    def stat(self, uri: str) -> ObjectInfo:
        path = self.path_of(uri)
        with reading(uri):
            return _info(uri, _checked(path.lstat()))

    def read(self, uri: str, *, sha256: str | None = None) -> bytes:
        path = self.path_of(uri)
        for _ in range(ATTEMPTS):
            with reading(uri), _open(path) as file:
                before = os.fstat(file.fileno())
                content = file.read()
                if _generation(os.fstat(file.fileno())) == _generation(before):
                    break
        else:
            raise Unavailable(f"{uri} is being written: it changed during {ATTEMPTS} reads")

        return verified(content, uri=uri, sha256=sha256)

    def put(self, uri: str, content: bytes) -> ObjectInfo:
        path = self.path_of(uri)
        with writing(uri), self._temporary() as written:
            written.write_bytes(content)
            return _info(uri, self._replace(written, path))

    def put_once(self, uri: str, content: bytes) -> ObjectInfo:
        path = self.path_of(uri)
        with writing(uri), self._temporary() as written:
            written.write_bytes(content)
            return self._create(uri, written, path)

    @contextmanager
    def open_reader(self, uri: str, *, generation: str) -> Iterator[BinaryIO]:
        path = self.path_of(uri)
        with reading(uri):
            file = _open(path)
        with file:
            if _generation(os.fstat(file.fileno())) != generation:
                raise NotFound(f"{uri}: generation {generation} was replaced")
            yield file
            if not {generation} == {_generation(os.fstat(file.fileno())), self._now_at(uri)}:
                raise NotFound(f"{uri}: generation {generation} was replaced while it was read")

    @contextmanager
    def open_writer(self, uri: str, *, once: bool = False) -> Iterator[BinaryIO]:
        path = self.path_of(uri)
        with writing(uri, only_full_disk=True), self._temporary() as written:
            with written.open("xb") as file:
                yield file
            with writing(uri):
                if once:
                    self._create(uri, written, path)
                else:
                    self._replace(written, path)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        folder = parse_folder(prefix)
        return _walk(folder, self._path(folder))

    def delete(self, uri: str) -> None:
        path = self.path_of(uri)
        with suppress(NotFound), reading(uri):
            _checked(path.lstat())
            path.unlink()
            _prune(path.parent, self._home / parse_uri(uri).bucket)

    def table_source(self, uri: str) -> TableSource:
        return TableSource(str(self.path_of(uri)))

    def _sweep(self) -> None:
        """Remove what processes that died while writing left behind."""
        oldest = time.time() - ABANDONED_AFTER.total_seconds()
        with suppress(FileNotFoundError), os.scandir(self._unfinished) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.stat().st_mtime < oldest and entry.name != "lock":
                        Path(entry.path).unlink()

    def _path(self, address: Address) -> Path:
        path = self._home / address.bucket / address.key
        if path.resolve() != path:
            raise InvalidInput(
                f"{address} lies behind a symbolic link: copy or move the file to {path}"
            )
        return path

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        self._unfinished.mkdir(parents=True, exist_ok=True)
        path = self._unfinished / uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _replace(self, written: Path, path: Path) -> os.stat_result:
        """Let the written file appear under its name, newer than what stood there."""
        finished = _finish(written)
        for _ in range(ATTEMPTS):
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError), (self._unfinished / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                with suppress(FileNotFoundError):
                    finished = _be_newer(written, finished, path.lstat())
                written.replace(path)
                break
        else:
            raise Unavailable(f"{path.parent} went away during {ATTEMPTS} attempts to write there")
        _sync_folders(path.parent, self._home)
        return finished

    def _create(self, uri: str, written: Path, path: Path) -> ObjectInfo:
        """Let the written file appear under its name, unless another content stands there."""
        finished = _finish(written)
        for _ in range(ATTEMPTS):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(written, path)
            except FileNotFoundError:
                continue
            except FileExistsError:
                with suppress(NotFound):
                    return self._same(uri, written)
                if path.is_dir():
                    raise
            else:
                _sync_folders(path.parent, self._home)
                return _info(uri, finished)
        raise Unavailable(f"{uri} came and went during {ATTEMPTS} attempts to create it")

    def _same(self, uri: str, written: Path) -> ObjectInfo:
        there = self.stat(uri)
        with self.open_reader(uri, generation=there.generation) as old, written.open("rb") as new:
            if there.size_bytes != written.stat().st_size or not _equal(old, new):
                raise AlreadyExists(f"{uri} already exists with other content")
        return there

    def _now_at(self, uri: str) -> str | None:
        with suppress(NotFound):
            return self.stat(uri).generation
        return None


def _equal(old: BinaryIO, new: BinaryIO) -> bool:
    blocks = iter(partial(new.read, BLOCK_BYTES), b"")
    return all(old.read(BLOCK_BYTES) == block for block in blocks)


def _open(path: Path) -> BinaryIO:
    """Open a plain file; a pipe or device does not block."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    try:
        _checked(os.fstat(file.fileno()))
    except FileNotFoundError:
        file.close()
        raise
    return file


def _checked(found: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(errno.ENOENT, "not a plain file")
    return found


def _info(uri: str, found: os.stat_result) -> ObjectInfo:
    updated_at = datetime.fromtimestamp(found.st_mtime, UTC)
    return ObjectInfo(uri, _generation(found), found.st_size, updated_at)


def _generation(found: os.stat_result) -> str:
    """Name a content by what survives a copy of the whole folder, so not by its inode."""
    return f"{found.st_mtime_ns}-{found.st_size}"


def _finish(written: Path) -> os.stat_result:
    """Let the content outlive a power cut, and stamp it with a finer clock than the kernel's."""
    now = time.time_ns()
    os.utime(written, ns=(now, now))
    _sync(written)
    return written.lstat()


def _be_newer(written: Path, finished: os.stat_result, old: os.stat_result) -> os.stat_result:
    if finished.st_mtime_ns > old.st_mtime_ns:
        return finished
    newer = old.st_mtime_ns + 1
    os.utime(written, ns=(newer, newer))
    return written.lstat()


def _sync_folders(folder: Path, home: Path) -> None:
    """Make the name itself, and those of folders just made, outlive a power cut."""
    while True:
        with suppress(FileNotFoundError):
            _sync(folder)
        if folder == home:
            return
        folder = folder.parent


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _walk(folder: Address, path: Path) -> Iterator[ObjectInfo]:
    """Go down in the order of whole names: `a-b` comes before `a/b`, so a folder sorts as `a/`."""
    for name in _names(folder, path):
        below = Address(folder.bucket, folder.key + name)
        if name.endswith("/"):
            yield from _walk(below, path / name)
        else:
            with suppress(FileNotFoundError):
                yield _info(str(below), _checked((path / name).lstat()))


def _names(folder: Address, path: Path) -> list[str]:
    with suppress(NotFound), reading(str(folder)), os.scandir(path) as found:
        names = (f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name for one in found)
        return sorted(name for name in names if _is_text(name))
    return []


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _prune(folder: Path, bucket: Path) -> None:
    """Remove folders that became empty, so that their names are free again."""
    with suppress(OSError):
        while folder != bucket:
            folder.rmdir()
            folder = folder.parent
