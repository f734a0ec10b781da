"""What the media server can send: files and made-up bytes, whole or in part."""

from __future__ import annotations

import random
import socket
from functools import cache
from pathlib import Path
from typing import Protocol

MIB = 1024 * 1024
BLOB_LIMIT_MIB = 1024


class Body(Protocol):
    """Bytes of a known length that can be sent from any offset."""

    @property
    def size(self) -> int: ...

    @property
    def modified(self) -> float | None: ...

    def send(self, sock: socket.socket, start: int, count: int) -> None: ...


class FileBody:
    """A file, sent by the kernel: squashfs images must not pass through Python."""

    def __init__(self, path: Path) -> None:
        self.path = path
        info = path.stat()
        self.size = info.st_size
        self.modified: float | None = info.st_mtime

    def send(self, sock: socket.socket, start: int, count: int) -> None:
        if not count:  # sendfile takes 0 for "to the end"
            return
        with self.path.open("rb") as file:
            sock.sendfile(file, start, count)


class BlobBody:
    """N MiB of the same pseudo-random MiB: nothing on the way can compress it."""

    modified: float | None = None

    def __init__(self, mib: int) -> None:
        self.size = mib * MIB

    def send(self, sock: socket.socket, start: int, count: int) -> None:
        block = _block()
        while count:
            offset = start % MIB
            piece = memoryview(block)[offset : offset + count]
            sock.sendall(piece)
            start += len(piece)
            count -= len(piece)


@cache
def _block() -> bytes:
    return random.Random(0).randbytes(MIB)


def find(root: Path, path: str) -> Body | None:
    """The body behind a URL path, or None; nothing outside root is ever found."""
    kind, _, name = path.strip("/").partition("/")
    if kind == "blob":
        number = name.removesuffix("M")
        if number == name or not number.isascii() or not number.isdigit():
            return None
        return BlobBody(int(number)) if int(number) <= BLOB_LIMIT_MIB else None
    if "\0" in path:
        return None
    file = (root / path.lstrip("/")).resolve()
    if file.is_relative_to(root.resolve()) and file.is_file():
        return FileBody(file)
    return None
