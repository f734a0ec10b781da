"""Files, directories and archives of any size that a build puts into a system.

What is on this machine goes to the guest on a disc of its own, which has one stream
after the other, each at a multiple of `ALIGNMENT`; the guest fetches by itself what has
a URL. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

# The disc's name, by which the guest finds it among its disks. The letters are those
# that ISO 9660 has.
LABEL = "IMAGEBUILD_DATA"
# The unit of the guest's dd; the first one holds the disc's descriptors.
ALIGNMENT = 1 << 20
# Most of them, and most bytes on a disc.
MOST = 64
MOST_BYTES = 1 << 40
_GIB = 1 << 30

# How an archive is compressed, by the end of its name.
_COMPRESSIONS = {
    **dict.fromkeys((".tar",), "tar"),
    **dict.fromkeys((".tar.gz", ".tgz"), "gz"),
    **dict.fromkeys((".tar.bz2", ".tbz2", ".tbz"), "bz2"),
    **dict.fromkeys((".tar.xz", ".txz"), "xz"),
    **dict.fromkeys((".tar.zst", ".tzst"), "zst"),
}
ARCHIVES = tuple(_COMPRESSIONS)


class Kind(StrEnum):
    """What a content is: on the disc the first two are tar streams of the client's."""

    TREE = "tree"
    FILE = "file"
    ARCHIVE = "archive"


@dataclass(frozen=True, kw_only=True)
class Content:
    """Something of any size that is to be at ``path`` in the installed system.

    It is the file or directory ``source`` of this machine, or what is at ``url`` and has
    the ``sha256``. With ``unpack`` it is an archive whose content is put into the
    directory ``path``. Without ``mode`` and ``owner`` those of what is packed stay.

    ``kind``, ``size_bytes``, ``sha256`` and ``digest`` are of a source once it was
    looked at: the latter leaves out when files were changed.
    """

    path: str
    source: str = ""
    url: str = field(default="", repr=False)
    sha256: str = ""
    unpack: bool = False
    mode: str = ""
    owner: str = ""
    kind: str = ""
    size_bytes: int = 0
    digest: str = ""

    @property
    def place(self) -> str:
        """Its path without a slash at the end, but for the root's."""
        return self.path.rstrip("/") or "/"

    @property
    def name(self) -> str:
        """What it is called in the directory that it is put into, '.' for the root."""
        return self.place.rpartition("/")[2] or "."

    @property
    def folder(self) -> str:
        """The directory that it is put into."""
        return self.place if self.unpack else self.place.rpartition("/")[0] or "/"


@dataclass(frozen=True, kw_only=True)
class Packed:
    """One stream of a disc: of what it is made, and what must come of that.

    ``source`` is a path of the machine that the build was begun on, ``kind`` one of
    `Kind`; ``name``, ``mode`` and ``owner`` are what the packed file or directory is
    given, the latter two '' where it keeps its own.
    """

    source: str
    kind: str
    name: str
    mode: str
    owner: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Disc:
    """The disc with what is on this machine; with ``as_disk`` it is no CD for the server."""

    items: tuple[Packed, ...] = ()
    as_disk: bool = False

    def __bool__(self) -> bool:
        """Whether there is one."""
        return bool(self.items)

    @property
    def size_bytes(self) -> int:
        """How large it is."""
        return size([item.size_bytes for item in self.items])

    @property
    def size_gib(self) -> int:
        """How large a volume it needs."""
        return -(-self.size_bytes // _GIB)


def compression(name: str) -> str:
    """Return how the archive of such a name is compressed, '' where it is none."""
    lower = name.lower()
    ends = sorted(_COMPRESSIONS, key=len, reverse=True)
    return next((_COMPRESSIONS[end] for end in ends if lower.endswith(end)), "")


def units(size_bytes: int) -> int:
    """Return how many times `ALIGNMENT` a stream takes."""
    return -(-size_bytes // ALIGNMENT)


def begins(sizes: Iterable[int]) -> list[int]:
    """Return where streams of such sizes begin on a disc, in units of `ALIGNMENT`."""
    at, places = 1, []
    for size_bytes in sizes:
        places.append(at)
        at += units(size_bytes)
    return places


def size(sizes: Sequence[int]) -> int:
    """Return how many bytes a disc with streams of such sizes has."""
    return ALIGNMENT * (1 + sum(map(units, sizes)))


def local(contents: Iterable[Content]) -> list[Content]:
    """Return those that are on this machine, in the order of the disc."""
    return [content for content in contents if content.source]


def disc(contents: Iterable[Content], *, as_disk: bool) -> Disc:
    """Return the disc with those that are on this machine and were looked at."""
    items = tuple(
        Packed(
            source=content.source,
            kind=content.kind,
            name=content.name,
            mode=content.mode,
            owner=content.owner,
            size_bytes=content.size_bytes,
            sha256=content.sha256,
        )
        for content in local(contents)
    )
    return Disc(items=items, as_disk=as_disk)
