"""Write a small FAT16 file system with files in directories of short names.

Source: Microsoft's FAT specification, version 1.03, sections 3 to 6; UEFI takes
such a file system from a disk without partitions too.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

SECTOR = 512
CLUSTER = 2048  # 4 sectors
_RESERVED = 1
_FATS = 2
_ROOT_ENTRIES = 512
# FAT16 is what has this many clusters, and nothing else tells it from the others.
_LEAST, _MOST = 4085, 65524
_END = 0xFFFF
_DIRECTORY, _ARCHIVE = 0x10, 0x20
_ROOT = 0  # what a directory calls its parent where that is the root


def build(files: Mapping[str, bytes]) -> bytes:
    """Return a file system with ``files``, paths such as EFI/BOOT/BOOTX64.EFI.

    :raises: ValueError where a name is no 8.3 one, or it is all too large
    """
    volume = _Volume()
    root = volume.directory(_tree(files), _ROOT, is_root=True)
    return volume.image(root)


_Tree = dict[str, "bytes | _Tree"]


def _tree(files: Mapping[str, bytes]) -> _Tree:
    tree: _Tree = {}
    for path, data in files.items():
        *parents, name = path.split("/")
        place = tree
        for parent in parents:
            inner = place.setdefault(parent, {})
            if isinstance(inner, bytes):
                raise ValueError(f"a file and a directory: {path}")
            place = inner
        place[name] = data
    return tree


class _Volume:
    """Clusters in use. Numbers of clusters begin with 2."""

    def __init__(self) -> None:
        self._fat = [0xFFF8, _END]
        self._data = bytearray()

    def _add(self, data: bytes) -> int:
        """Store ``data`` in a chain of clusters and return its first, 0 for none."""
        count = -(-len(data) // CLUSTER)
        if not count:
            return 0
        first = len(self._fat)
        self._fat += [*range(first + 1, first + count), _END]
        self._data += data.ljust(count * CLUSTER, b"\0")
        return first

    def directory(self, tree: _Tree, parent: int, *, is_root: bool = False) -> bytes:
        """Store what is in ``tree``; return the root's entries, or its own cluster."""
        if is_root:
            return b"".join(self._entry(n, c, _ROOT) for n, c in tree.items())
        # Its own number must be known before what is in it.
        own = self._add(bytes(CLUSTER))
        entries = _record(b".          ", _DIRECTORY, own, 0)
        entries += _record(b"..         ", _DIRECTORY, parent, 0)
        entries += b"".join(self._entry(n, c, own) for n, c in tree.items())
        if len(entries) > CLUSTER:
            raise ValueError("too many files in a directory")
        start = (own - 2) * CLUSTER
        self._data[start : start + len(entries)] = entries
        return struct.pack("<H", own)

    def _entry(self, name: str, content: bytes | _Tree, parent: int) -> bytes:
        if isinstance(content, bytes):
            return _record(_short(name), _ARCHIVE, self._add(content), len(content))
        own = struct.unpack("<H", self.directory(content, parent))[0]
        return _record(_short(name), _DIRECTORY, own, 0)

    def image(self, root: bytes) -> bytes:
        """Return all of it."""
        clusters = max(len(self._fat) - 2, _LEAST)
        if clusters > _MOST:
            raise ValueError("more than a small FAT file system can hold")
        fat_sectors = -(-2 * (clusters + 2) // SECTOR)
        fat = struct.pack(f"<{len(self._fat)}H", *self._fat)
        fat = fat.ljust(fat_sectors * SECTOR, b"\0")
        table = root.ljust(32 * _ROOT_ENTRIES, b"\0")
        data = bytes(self._data).ljust(clusters * CLUSTER, b"\0")
        return _boot_sector(clusters, fat_sectors) + fat * _FATS + table + data


def _short(name: str) -> bytes:
    stem, _, extension = name.partition(".")
    if not (1 <= len(stem) <= 8 and len(extension) <= 3 and name == name.upper()):
        raise ValueError(f"not a name of 8 and 3 letters: {name!r}")
    return f"{stem:<8}{extension:<3}".encode("ascii")


def _record(name: bytes, attributes: int, cluster: int, size: int) -> bytes:
    return struct.pack("<11sB14xHI", name, attributes, cluster, size)


def _boot_sector(clusters: int, fat_sectors: int) -> bytes:
    root_sectors = 32 * _ROOT_ENTRIES // SECTOR
    total = _RESERVED + _FATS * fat_sectors + root_sectors
    total += clusters * CLUSTER // SECTOR
    head = struct.pack(
        "<3s8sHBHBHHBHHHII",
        b"\xeb\x3c\x90",  # a jump, which is looked for
        b"IMAGEBLD",
        SECTOR,
        CLUSTER // SECTOR,
        _RESERVED,
        _FATS,
        _ROOT_ENTRIES,
        total if total < 1 << 16 else 0,
        0xF8,  # a fixed disk
        fat_sectors,
        32,  # sectors a track
        64,  # heads
        0,
        total if total >= 1 << 16 else 0,
    )
    tail = struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 0, b"IMAGEBUILD ", b"FAT16   ")
    return (head + tail).ljust(SECTOR - 2, b"\0") + b"\x55\xaa"
