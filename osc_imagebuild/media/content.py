"""Open the content of an image that a build uploads."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, cast

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import (
    answer_cd,
    contents_disc,
    grub_stub,
    ipxe_stub,
    iso_answers,
    iso_files,
    small_disk,
    verified,
)
from osc_imagebuild.media.door import STRICT, Door
from osc_imagebuild.media.http import Scratch, download
from osc_imagebuild.media.ipxe_stub import stub_disk
from osc_imagebuild.model.boot_sources import (
    AnswerCd,
    BlankDisk,
    Content,
    EfiStubDisk,
    IsoContent,
    IsoFile,
    PlainText,
    RemasteredIso,
    RemoteFile,
    StubDisk,
)
from osc_imagebuild.model.contents import Disc
from osc_imagebuild.model.urls import shown_url

_BEAT_S = 30.0


@contextmanager
def open_content(
    content: Content,
    texts: Mapping[str, str] | None = None,
    ask_for: iso_files.AskForImage | None = None,
    heartbeat: Callable[[], None] = lambda: None,
    clock: Clock | None = None,
    door: Door = STRICT,
) -> Iterator[tuple[IO[bytes], int]]:
    """Give ``content`` as a stream and its size in bytes.

    ``texts`` are the build's own, for answer CDs; ``ask_for`` reads an image.
    ``heartbeat`` is called now and then while something is fetched beforehand, ``clock`` is
    for pauses before a part of an ISO is asked for again. ``door`` is what leads to web
    servers; without one, it is as for somebody else's record.

    :raises: SpecError where it cannot be made, TransientError where it cannot
        be fetched now, and what ``heartbeat`` raises
    """
    clock = _HeartbeatClock(clock or Clock(), heartbeat)
    match content:
        case IsoContent():
            with verified.open_verified(content, door, heartbeat) as (stream, size):
                yield stream, size
        case RemasteredIso(original, named, plain):
            files = _filled(named, plain, texts or {})
            put = {path: text.encode() for path, text in files.items()}
            with iso_answers.open_with_answers(
                original, put, clock, door, heartbeat
            ) as (stream, size):
                yield stream, size
        case Disc():
            disc = contents_disc.open_disc(content, door, heartbeat)
            yield cast(IO[bytes], disc), content.size_bytes
        case IsoFile() | RemoteFile():
            with tempfile.TemporaryFile() as file:
                _fetch_part(content, Scratch(file, heartbeat), ask_for, clock, door)
                size = file.tell()
                file.seek(0)
                yield file, size
        case _:
            data = _made(content, texts or {})
            yield io.BytesIO(data), len(data)


class _HeartbeatClock(Clock):
    """A clock whose pauses send heartbeats, so that others see that this client lives."""

    def __init__(self, clock: Clock, heartbeat: Callable[[], None]) -> None:
        self._clock, self._heartbeat = clock, heartbeat

    def sleep(self, seconds: float) -> None:
        """Wait, with a heartbeat now and then."""
        while seconds > 0:
            part = min(seconds, _BEAT_S)
            self._clock.sleep(part)
            seconds -= part
            self._heartbeat()


def _made(
    content: StubDisk | EfiStubDisk | BlankDisk | AnswerCd | PlainText,
    texts: Mapping[str, str],
) -> bytes:
    """Return content that is small enough to be made in memory."""
    match content:
        case StubDisk(script, disk_format):
            return stub_disk(script, disk_format)
        case EfiStubDisk(script, arch, disk_format):
            return grub_stub.stub_disk(script, arch, disk_format)
        case BlankDisk(size_gib, disk_format):
            try:
                return small_disk.blank(size_gib, disk_format)
            except ValueError as error:
                raise SpecError(f"no empty disk can be made: {error}") from error
        case PlainText(text):
            return text.encode()
        case AnswerCd(label, named, plain):
            try:
                return answer_cd.answer_cd(label, _filled(named, plain, texts))
            except ValueError as error:
                # The catalogue is checked; a record may say anything.
                raise SpecError(
                    f"no CD can be made for the answers: {error}"
                ) from error


def missing_parts(content: Content) -> list[str]:
    """Return a line for each thing that this machine lacks to make such content."""
    match content:
        case StubDisk():
            return ipxe_stub.missing_parts()
        case EfiStubDisk(_, arch):
            return grub_stub.missing_parts(arch)
        case _:
            return []


def _fetch_part(
    content: IsoFile | RemoteFile,
    file: Scratch,
    ask_for: iso_files.AskForImage | None,
    clock: Clock | None,
    door: Door,
) -> None:
    if isinstance(content, IsoFile):
        iso_files.fetch(content, file, ask_for, clock, door)
    elif (digest := download(content.url, file, door=door)) != content.sha256:
        raise SpecError(
            f"{shown_url(content.url)} has changed since the build was planned "
            f"(sha256 {digest}, was {content.sha256}); start a new build"
        )


def _filled(
    named: Mapping[str, str], plain: Mapping[str, str], texts: Mapping[str, str]
) -> dict[str, str]:
    """Paths and contents of what carries answers."""
    return {path: texts.get(name, "") for path, name in named.items()} | dict(plain)
