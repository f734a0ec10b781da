"""Read files out of an ISO: on this machine, at a URL, or a Glance image.

Of a remote one little more is read than the file that is wanted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, Protocol, cast

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import door as doors
from osc_imagebuild.media import http, http_range, iso9660, verified
from osc_imagebuild.media.door import Door
from osc_imagebuild.media.http import FILE_LIMIT
from osc_imagebuild.media.iso9660 import Volume
from osc_imagebuild.model.boot_sources import IsoFile
from osc_imagebuild.model.urls import shown_url

_SAMPLE = 1 << 15
# No server may take so long for it that a lease ends: see `door.FILE`.
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Part:
    """A file in an ISO: its path, where it begins and how long it is, in bytes."""

    path: str
    at: int
    size: int


@dataclass(frozen=True)
class Contents:
    """What was found in an ISO.

    ``label`` is written as udev does, so that it is one word on a command
    line. ``version`` is the same for the same ISO from the same origin.
    """

    label: str
    parts: tuple[Part, ...]
    version: str


AskForImage = Callable[[str], http_range.Ask]
"""From an image's ID to what asks Glance for its data."""


@dataclass(frozen=True)
class Opened:
    """An ISO as a file; ``name`` is for errors.

    ``origin`` distinguishes ISOs that look alike; it is '' for one ``at_hand``, on
    this machine, and can be told by all that is read of it.
    """

    file: IO[bytes]
    name: str
    origin: str = ""
    at_hand: bool = True


@contextmanager
def open_iso(
    url: str,
    image_id: str = "",
    ask_for: AskForImage | None = None,
    clock: Clock | None = None,
    door: Door = doors.TYPED,
) -> Iterator[Opened]:
    """Give the ISO at ``url``, a path of this machine too, or the image ``image_id``.

    ``clock`` is for pauses before a part is asked for again.

    :raises: SpecError where it cannot be read in parts, TransientError where
        nobody answers
    """
    if image_id:
        name = f"image {image_id}"
        if ask_for is None:
            raise SpecError(f"{name}: no cloud to ask for it")
        file = _ranged(name, ask_for(image_id), clock)
        yield Opened(file, name, image_id, at_hand=False)
    elif "://" in url:
        with closing(http_range.Web(url, door)) as web:
            name = shown_url(url)
            yield Opened(_ranged(name, web, clock), name, url, at_hand=False)
    else:
        with verified.local(url, door) as file:
            yield Opened(file, url)


def _ranged(name: str, ask: http_range.Ask, clock: Clock | None) -> IO[bytes]:
    return cast(IO[bytes], http_range.RangeFile(name, ask, clock))


def require_iso(
    url: str,
    size: int,
    image_id: str = "",
    ask_for: AskForImage | None = None,
    door: Door = doors.TYPED,
) -> None:
    """See to it that what is at ``url``, or the image, is an ISO; its begin tells.

    Unlike `open_iso` it takes servers and stores that give no parts, and reads no further.

    :raises: SpecError where it is none, or cannot be read, TransientError where
        nobody answers
    """
    if image_id:
        name = f"image {image_id}"
        if ask_for is None:
            raise SpecError(f"{name}: no cloud to ask for it")
        begin = _begin(name, ask_for(image_id))
    elif "://" in url:
        name = shown_url(url)
        with closing(http_range.Web(url, door)) as web:
            begin = _begin(name, web)
    else:
        name = url
        with verified.local(url, door) as file:
            begin = file.read(iso9660.BEGIN)
    iso9660.require_descriptor(begin, size, name)


def _begin(name: str, ask: http_range.Ask) -> bytes:
    """The first bytes of what there is, of a whole answer too."""
    plain = {"Accept-Encoding": "identity"}
    try:
        answer = ask(plain | {"Range": f"bytes=0-{iso9660.BEGIN - 1}"})
    except SpecError:
        answer = ask(plain)  # from a store of Glance's that gives no parts
    data = b""
    with closing(answer):
        http.require_ok(name, answer)
        for chunk in answer.chunks(iso9660.SECTOR):
            data += chunk
            if len(data) >= iso9660.BEGIN:
                break
    return data


class Target(Protocol):
    """What a file is copied to."""

    def write(self, data: bytes, /) -> object: ...


def fetch(
    wanted: IsoFile,
    target: Target,
    ask_for: AskForImage | None = None,
    clock: Clock | None = None,
    door: Door = doors.TYPED,
) -> None:
    """Copy a file out of an ISO.

    :raises: SpecError where it is another one than it was at planning time, and
        as `open_iso` and `contents`
    """
    with open_iso(wanted.url, wanted.image_id, ask_for, clock, door) as iso:
        content = contents(iso, wanted.paths)
        if content.version != wanted.version:
            raise SpecError(
                f"{iso.name} has changed since the build was planned; start a new build"
            )
        [part] = [part for part in content.parts if part.path == wanted.path]
        if isinstance(target, http.Scratch):
            target.expect(part.size)
        extract(iso, part, target)


def contents(iso: Opened, paths: Sequence[str]) -> Contents:
    """Return where the files ``paths`` of an ISO are.

    Its version is made of its origin, size and descriptors, the places of the
    files, and what is in them: all of it where it is at hand, else their begin
    and end.

    :raises: SpecError where it is no ISO, is damaged or lacks one of the files;
        what reading it raises
    """
    volume = Volume(iso.file, iso.name)
    parts = tuple(_part(volume, iso.name, path) for path in paths)
    digest = hashlib.sha256(f"{iso.origin}\n{volume.size}\n{parts}\n".encode())
    digest.update(volume.descriptors)
    for part in parts:
        for at, count in _samples(part, iso.at_hand):
            _copy(iso, at, count, digest.update)
    return Contents(volume.label, parts, digest.hexdigest())


def _part(volume: Volume, name: str, path: str) -> Part:
    record = volume.find(path)
    if record is None:
        raise SpecError(
            f"{name} has no file {path}: it is another system's, or iso_kernel and "
            "iso_ramdisk of the catalogue are others there"
        )
    if not record.is_plain:
        raise SpecError(f"{path} of {name} is no plain file")
    if not 0 < record.size <= FILE_LIMIT:
        raise SpecError(
            f"{path} of {name} has {record.size} bytes; no kernel or ramdisk is empty "
            f"or larger than {FILE_LIMIT >> 20} MiB"
        )
    if record.at + record.size > volume.size:
        raise SpecError(f"{path} of {name} is beyond its end: it is cut off")
    return Part(path, record.at, record.size)


def extract(iso: Opened, part: Part, target: Target) -> None:
    """Copy a file out of an ISO.

    :raises: SpecError where the ISO ends before; what reading it raises
    """
    _copy(iso, part.at, part.size, target.write)


def _copy(iso: Opened, at: int, count: int, to: Callable[[bytes], object]) -> None:
    iso.file.seek(at)
    while count:
        data = iso.file.read(min(count, _CHUNK))
        if not data:
            raise SpecError(f"{iso.name} is cut off; get it anew")
        to(data)
        count -= len(data)


def _samples(part: Part, whole: bool) -> list[tuple[int, int]]:
    if whole or part.size <= 2 * _SAMPLE:
        return [(part.at, part.size)]
    return [(part.at, _SAMPLE), (part.at + part.size - _SAMPLE, _SAMPLE)]
