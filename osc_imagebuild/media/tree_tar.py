"""Pack a file or a directory of this machine as a tar stream, whatever its size.

Modes, owners, times, links, extended attributes and holes are kept. The same tree makes
the same bytes each time. Links are packed as they are and never followed, so nothing
that is beside the tree gets into it.
Source: star's documentation of SCHILY.xattr.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from osc_imagebuild.errors import SpecError, unread
from osc_imagebuild.media import local_files
from osc_imagebuild.media.tar_headers import (
    BLOCK,
    FILE,
    FOLDER,
    HARD_LINK,
    LINK,
    Entry,
    blocks,
    sparse_records,
    sparse_table,
)

_CHUNK = 1 << 20
_END = bytes(2 * BLOCK)
# Of what cannot be packed, so many are told at once.
_MOST_PROBLEMS = 20
# Each level keeps a directory open.
_DEEPEST = 200
_MOST_PIECES = 1 << 20
# A machine's own, which mean nothing on another one. Source: xattr(7).
_KEPT = ("user.", "trusted.", "security.capability", "system.posix_acl_")


@dataclass
class TreeTar:
    """A tar stream of ``source``, in which that is called ``name``.

    ``mode`` (octal, of a single file) and ``owner`` (user:group) take the place of its
    own, '' for none. ``digest`` is a sha256 like the stream's own, as if no file had a
    time.
    """

    source: str
    name: str
    mode: str = ""
    owner: str = ""
    heartbeat: Callable[[], None] = lambda: None
    digest: str = field(default="", init=False)
    _timeless: hashlib._Hash = field(default_factory=hashlib.sha256, init=False)
    _problems: list[str] = field(default_factory=list, init=False)
    _seen: dict[tuple[int, int], bytes] = field(default_factory=dict, init=False)

    def chunks(self) -> Iterator[bytes]:
        """Yield the stream, in pieces of some MiB at most.

        :raises: SpecError naming what cannot be packed
        """
        if os.open not in os.supports_dir_fd:
            raise SpecError(
                f"{self.source}: a client on this system cannot pack files; give contents "
                "by url and sha256"
            )
        try:
            fd = local_files.open_real(self.source)
        except (OSError, ValueError) as error:
            raise SpecError(f"cannot read {self.source}: {unread(error)}") from error
        try:
            name = os.fsencode(self.name)
            yield from self._opened(fd, os.fstat(fd), name, self.source, 0)
        finally:
            os.close(fd)
        if self._problems:
            raise SpecError(self._problems)
        self._timeless.update(_END)
        self.digest = self._timeless.hexdigest()
        yield _END

    def _opened(
        self, fd: int, status: os.stat_result, path: bytes, shown: str, depth: int
    ) -> Iterator[bytes]:
        """Pack an open file or directory."""
        try:
            more = _attributes(fd)
        except OSError as error:
            self._wrong(shown, unread(error))
            return
        if stat.S_ISDIR(status.st_mode):
            yield self._header(Entry(path, FOLDER, status, more=more))
            yield from self._folder(fd, path, shown, depth)
        else:
            yield from self._file(fd, status, path, shown, more)

    def _folder(self, fd: int, path: bytes, shown: str, depth: int) -> Iterator[bytes]:
        if depth >= _DEEPEST:
            self._wrong(shown, f"it is more than {_DEEPEST} directories deep")
            return
        try:
            names = sorted(map(os.fsencode, os.listdir(fd)))
        except OSError as error:
            self._wrong(shown, unread(error))
            return
        for name in names:
            inner = f"{shown}/{os.fsdecode(name)}"
            try:
                yield from self._inside(fd, name, path + b"/" + name, inner, depth + 1)
            except OSError as error:
                self._wrong(inner, unread(error))

    def _inside(
        self, folder: int, name: bytes, path: bytes, shown: str, depth: int
    ) -> Iterator[bytes]:
        """Pack what is called ``name`` in an open directory."""
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFLNK:
            target = os.readlink(name, dir_fd=folder)
            yield self._header(Entry(path, LINK, status, target=target))
            return
        if kind not in (stat.S_IFREG, stat.S_IFDIR):
            self._wrong(shown, "it is neither a file, nor a directory, nor a link")
            return
        identity = status.st_dev, status.st_ino
        if kind == stat.S_IFREG and status.st_nlink > 1:
            if first := self._seen.get(identity):
                yield self._header(Entry(path, HARD_LINK, status, target=first))
                return
            self._seen[identity] = path
        flags = local_files.STEADY | (os.O_DIRECTORY if kind == stat.S_IFDIR else 0)
        fd = os.open(name, flags, dir_fd=folder)
        try:
            opened = os.fstat(fd)
            if (opened.st_dev, opened.st_ino) != identity:
                raise SpecError(f"{shown} was replaced while it was read; try again")
            yield from self._opened(fd, opened, path, shown, depth)
        finally:
            os.close(fd)

    def _file(
        self,
        fd: int,
        status: os.stat_result,
        path: bytes,
        shown: str,
        more: tuple[tuple[bytes, bytes], ...],
    ) -> Iterator[bytes]:
        pieces, size = _pieces(fd, status), status.st_size
        if pieces is None:
            yield self._header(Entry(path, FILE, status, size, more=more))
            yield from self._data(fd, [(0, size)], shown)
        else:
            table = sparse_table(pieces)
            size = len(table) + sum(length for _, length in pieces)
            more = (*more, *sparse_records(path, status.st_size))
            entry = Entry(b"GNUSparseFile.0/file", FILE, status, size, more=more)
            yield self._header(entry)
            yield self._noted(table)
            yield from self._data(fd, pieces, shown)
        yield self._noted(bytes(-size % BLOCK))
        after = os.fstat(fd)
        if (after.st_size, after.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
            raise SpecError(f"{shown} was changed while it was read; try again")

    def _data(
        self, fd: int, pieces: list[tuple[int, int]], shown: str
    ) -> Iterator[bytes]:
        for begin, length in pieces:
            end = begin + length
            while begin < end:
                data = os.pread(fd, min(_CHUNK, end - begin), begin)
                if not data:
                    raise SpecError(
                        f"{shown} became shorter while it was read; try again"
                    )
                begin += len(data)
                self.heartbeat()
                yield self._noted(data)

    def _noted(self, data: bytes) -> bytes:
        self._timeless.update(data)
        return data

    def _header(self, entry: Entry) -> bytes:
        """Return the blocks that come before what an entry holds."""
        mode = stat.S_IMODE(entry.status.st_mode)
        if self.mode and entry.kind == FILE:
            mode = int(self.mode, 8)
        self._timeless.update(blocks(entry, mode, self.owner, 0))
        return blocks(entry, mode, self.owner, entry.status.st_mtime_ns)

    def _wrong(self, shown: str, why: str) -> None:
        self._problems.append(f"cannot pack {shown!r:.300}: {why}")
        if len(self._problems) >= _MOST_PROBLEMS:
            raise SpecError(self._problems)


def _attributes(fd: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return the extended attributes of an open file, as records of a pax header."""
    if not hasattr(os, "listxattr"):
        return ()
    try:
        names = sorted(n for n in os.listxattr(fd) if n.startswith(_KEPT))
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return ()
        raise
    return tuple(
        (b"SCHILY.xattr." + os.fsencode(name), os.getxattr(fd, name)) for name in names
    )


def _pieces(fd: int, status: os.stat_result) -> list[tuple[int, int]] | None:
    """Return where a file has data, as offsets and lengths; None where all of it is.

    Source: lseek(2), SEEK_DATA and SEEK_HOLE.
    """
    size = status.st_size
    if not hasattr(os, "SEEK_HOLE") or status.st_blocks * 512 >= size:
        return None
    pieces: list[tuple[int, int]] = []
    at = 0
    while at < size and len(pieces) < _MOST_PIECES:
        try:
            begin = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break  # a hole up to the end
            return None  # a file system that knows no holes
        at = min(os.lseek(fd, begin, os.SEEK_HOLE), size)
        pieces.append((begin, at - begin))
    if pieces == [(0, size)] or len(pieces) >= _MOST_PIECES:
        return None
    return pieces if at == size and pieces else [*pieces, (size, 0)]
