"""Put answers into an installer's ISO, for installers that look nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Protocol, cast

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.media import door as doors
from osc_imagebuild.media import iso9660, iso_files, iso_overlay, verified
from osc_imagebuild.media.door import Door
from osc_imagebuild.model.boot_sources import IsoContent
from osc_imagebuild.model.urls import shown_url


class Stream(Protocol):
    """The stream that the ISO comes from."""

    def read(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, /) -> int: ...


@contextmanager
def open_with_answers(
    media: IsoContent,
    files: Mapping[str, bytes],
    clock: Clock | None = None,
    door: Door = doors.TYPED,
    heartbeat: Callable[[], None] = lambda: None,
) -> Iterator[tuple[IO[bytes], int]]:
    """Give install media with ``files``, paths to contents, put into them.

    :raises: as `verified.open_verified`, and SpecError where the ISO cannot be changed
    """
    with verified.open_verified(media, door, heartbeat) as (whole, size):
        changes = overlay(media.url, size, files, clock, door)
        stream = OverlayReader(shown_url(media.url), whole, size, changes)
        yield cast(IO[bytes], stream), stream.size


def check(
    answer_cd: Mapping[str, Any],
    place: str,
    size: int,
    clock: Clock | None = None,
    door: Door = doors.TYPED,
) -> str:
    """Return a note on an ISO that the answers are put into, '' for another one.

    :raises: SpecError where they cannot be put into it
    """
    if not answer_cd.get("remaster"):
        return ""
    paths = (str(answer_cd["file"]), *answer_cd.get("texts", ()))
    try:
        overlay(place, size, dict.fromkeys(paths, b""), clock, door)
    except TransientError as error:
        raise SpecError(str(error)) from error
    return (
        f"the ISO passes through this client, which puts /{paths[0]} into it, the only "
        "place where its installer looks for answers"
    )


def overlay(
    place: str,
    size: int,
    files: Mapping[str, bytes],
    clock: Clock | None = None,
    door: Door = doors.TYPED,
) -> iso_overlay.Overlay:
    """Return what ``files`` change of the ISO at a URL or path; it takes little of it.

    :raises: as `open_with_answers`
    """

    with iso_files.open_iso(place, clock=clock, door=door) as opened:

        def read(offset: int, count: int) -> bytes:
            opened.file.seek(offset)
            return opened.file.read(count)

        return iso_overlay.overlay(size, read, files)


class OverlayReader:
    """A stream with some of its sectors changed, and others behind its end.

    A digest is that of the stream: what was read beside it must be the same, or
    a server could have something else put into the ISO.
    """

    def __init__(
        self, name: str, whole: Stream, size: int, overlay: iso_overlay.Overlay
    ) -> None:
        self._name, self._whole, self._overlay = name, whole, overlay
        self._at, self._rest = 0, b""
        last = max(overlay.sectors, default=0) + 1
        self.size = max(size, last * iso9660.SECTOR)

    def seek(self, offset: int) -> int:
        """Go to the begin; nowhere else.

        :raises: ValueError
        """
        self._at, self._rest = self._whole.seek(offset), b""
        return 0

    def read(self, size: int) -> bytes:
        """Return the next sectors, at most ``size`` bytes of them, b'' at the end.

        :raises: as `verified.ChecksummedReader.read`, and TransientError where the ISO is
            another one than was read before
        """
        sector = iso9660.SECTOR
        size = min(max(size // sector, 1) * sector, self.size - self._at)
        while len(self._rest) < size and (data := self._whole.read(size)):
            self._rest += data
        sectors = bytearray(self._rest[:size].ljust(size, b"\0"))
        self._rest = self._rest[size:]
        for number in range(self._at // sector, -(-(self._at + size) // sector)):
            at = number * sector - self._at
            before = sectors[at : at + sector]
            if before != self._overlay.basis.get(number, before):
                raise TransientError(
                    f"{self._name} is not what it was a moment ago; it may have been "
                    "replaced",
                    service="mirror",
                )
            sectors[at : at + sector] = self._overlay.sectors.get(number, before)
        self._at += size
        return bytes(sectors)
