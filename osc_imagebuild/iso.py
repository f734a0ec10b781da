"""Files in an ISO that is on this machine, at a URL, or an image of the cloud's.

Of a remote one little more is read than the file that is wanted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, cast

from osc_imagebuild import ranges
from osc_imagebuild.errors import SpecError
from osc_imagebuild.iso9660 import Volume
from osc_imagebuild.parts import IsoFile

FILE_LIMIT = 1 << 30
_SAMPLE = 1 << 15
_CHUNK = 8 << 20


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


AskForImage = Callable[[str], ranges.Ask]
"""From an image's ID to what asks Glance for its data."""


@contextmanager
def opened(
    url: str, image_id: str, ask_for: AskForImage | None
) -> Iterator[tuple[IO[bytes], str, str, bool]]:
    """Give an ISO as a file, its name, its origin, and whether it is at hand.

    It is at ``url``, a path of this machine too, or the image ``image_id``.

    :raises: SpecError where it cannot be read in parts, TransientError where
        nobody answers
    """
    if image_id:
        name = f"image {image_id}"
        if ask_for is None:
            raise SpecError(f"{name}: no cloud to ask for it")
        yield _ranged(name, ask_for(image_id)), name, image_id, False
    elif "://" in url:
        with closing(ranges.Web(url)) as web:
            yield _ranged(url, web), url, url, False
    else:
        with _local(url) as file:
            yield file, url, "", True


def _local(path: str) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise SpecError(
            f"{path} cannot be read here: {error.strerror}; resume the build on the "
            "machine that has the file"
        ) from error


def _ranged(name: str, ask: ranges.Ask) -> IO[bytes]:
    return cast(IO[bytes], ranges.RangeFile(name, ask))


def fetch(
    wanted: IsoFile, target: IO[bytes], ask_for: AskForImage | None = None
) -> None:
    """Copy a file out of an ISO.

    :raises: SpecError where it is another one than it was at planning time, and
        as `opened` and `contents`
    """
    with opened(wanted.url, wanted.image_id, ask_for) as (file, name, origin, whole):
        found = contents(file, name, wanted.paths, origin=origin, whole=whole)
        if found.version != wanted.version:
            raise SpecError(
                f"{name} has changed since the build was planned; start a new build"
            )
        [part] = [part for part in found.parts if part.path == wanted.path]
        extract(file, name, part, target)


def contents(
    file: IO[bytes], name: str, paths: Sequence[str], *, origin: str, whole: bool
) -> Contents:
    """Return where the files ``paths`` of an ISO are.

    Its version is made of ``origin``, the ISO's size and descriptors, the places
    of the files, and what is in them: all of it with ``whole``, else their
    begin and end. ``name`` is for errors.

    :raises: SpecError where it is no ISO, is damaged or lacks one of the files;
        what reading ``file`` raises
    """
    volume = Volume(file, name)
    parts = tuple(_part(volume, name, path) for path in paths)
    digest = hashlib.sha256(f"{origin}\n{volume.size}\n{parts}\n".encode())
    digest.update(volume.descriptors)
    for part in parts:
        for at, count in _samples(part, whole):
            _copy(file, name, at, count, digest.update)
    return Contents(volume.label, parts, digest.hexdigest())


def _part(volume: Volume, name: str, path: str) -> Part:
    record = volume.find(path)
    if record is None:
        raise SpecError(f"{name} has no file {path}: it is no such system's installer")
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


def extract(file: IO[bytes], name: str, part: Part, target: IO[bytes]) -> None:
    """Copy a file out of an ISO.

    :raises: SpecError where the ISO ends before; what reading it raises
    """
    _copy(file, name, part.at, part.size, target.write)


def _copy(
    file: IO[bytes], name: str, at: int, count: int, to: Callable[[bytes], object]
) -> None:
    file.seek(at)
    while count:
        data = file.read(min(count, _CHUNK))
        if not data:
            raise SpecError(f"{name} is cut off; get it anew")
        to(data)
        count -= len(data)


def _samples(part: Part, whole: bool) -> list[tuple[int, int]]:
    if whole or part.size <= 2 * _SAMPLE:
        return [(part.at, part.size)]
    return [(part.at, _SAMPLE), (part.at + part.size - _SAMPLE, _SAMPLE)]
