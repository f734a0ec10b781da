"""Download from web servers: heads, small texts, whole files.

``door`` says whom one may ask: see `osc_imagebuild.media.door`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import closing
from typing import IO, Protocol

from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.media import door as doors
from osc_imagebuild.media.answer import Answer
from osc_imagebuild.media.backoff import Told, retry_after
from osc_imagebuild.media.connections import Pace
from osc_imagebuild.media.door import Door
from osc_imagebuild.model.numbers import whole_number
from osc_imagebuild.model.urls import shown_url

FILE_LIMIT = 1 << 30
TEXT_LIMIT = 4 << 20
CHUNK = 1 << 16
# What is left to others of a directory for temporary files, and how often it is looked.
RESERVE = 64 << 20
_LOOK_EVERY = 16 << 20
# Forbidden, no such method, not implemented.
_NOT_FOR_HEAD = (403, 405, 501)
# Time-out, too early, too many requests: the same may be answered later.
NOT_NOW = (408, 425, 429)
# More than any file has.
_MOST_BYTES = 10**18 - 1


def head(url: str, door: Door = doors.TYPED) -> Answer:
    """Return what the server tells of what is at ``url``, which is not fetched.

    Some servers answer to GET alone, as those of presigned addresses do.

    :raises: as `Door`'s `ask` and `require_ok`
    """
    with closing(door.visit(url, doors.QUESTION)) as visit:
        answer = visit.ask({}, "HEAD")
        if answer.status in _NOT_FOR_HEAD:
            answer.close()
            answer = visit.ask({})
        answer.close()
    require_ok(url, answer)
    return answer


def require_ok(url: str, answer: Answer) -> None:
    """Refuse an answer that is not what was asked for.

    :raises: SpecError where the server refuses, TransientError where it may not
        another time
    """
    url = shown_url(url)
    require_now(url, answer)
    if answer.status >= 300:
        raise SpecError(f"{url} answers HTTP {answer.status}")


def require_now(name: str, answer: Answer) -> None:
    """Refuse an answer that may be another one later.

    :raises: TransientError
    """
    if answer.status >= 500 or answer.status in NOT_NOW:
        raise TransientError(
            f"{name} cannot be had now",
            service="mirror",
            status=answer.status,
            retry_after=retry_after(answer),
        )


def length(answer: Told) -> int:
    """How many bytes the server says that the body has, 0 where it does not tell."""
    return whole_number(answer.headers.get("Content-Length"), 0, _MOST_BYTES) or 0


class Sink(Protocol):
    """What a file is downloaded to."""

    def expect(self, count: int) -> None: ...

    def write(self, data: bytes, /) -> object: ...


class Scratch:
    """A temporary file; what is written to it takes its time, and room.

    ``free`` tells how many bytes there are room for, None where nobody knows.
    """

    def __init__(
        self,
        file: IO[bytes],
        heartbeat: Callable[[], None] = lambda: None,
        free: Callable[[IO[bytes]], int | None] | None = None,
    ) -> None:
        self._file, self._heartbeat = file, heartbeat
        self._free = free or _room
        self._unseen = 0

    def expect(self, count: int) -> None:
        """Make sure that there is room for ``count`` bytes more.

        :raises: SpecError
        """
        room = self._free(self._file)
        if room is not None and count + RESERVE > room:
            raise SpecError(
                f"{tempfile.gettempdir()} has {room >> 20} MiB free; a file of "
                f"{count >> 20} MiB and {RESERVE >> 20} MiB of reserve do not fit; name "
                "another directory with TMPDIR"
            )

    def write(self, data: bytes, /) -> None:
        """Append ``data``.

        :raises: SpecError where there is no room, and what ``heartbeat`` raises
        """
        self._heartbeat()
        self._unseen += len(data)
        if self._unseen >= _LOOK_EVERY:
            self.expect(self._unseen)
            self._unseen = 0
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise SpecError(
                f"cannot keep a file in {tempfile.gettempdir()} for its upload: "
                f"{error.strerror}; name another directory with TMPDIR"
            ) from error


def _room(file: IO[bytes]) -> int | None:
    try:
        stat = os.fstatvfs(file.fileno())
    except OSError:
        return None
    return stat.f_bavail * stat.f_frsize if stat.f_blocks else None


class _Counter:
    """Keeps nothing but how much it was."""

    def __init__(self) -> None:
        self.count = 0

    def expect(self, count: int) -> None:
        """Anything fits."""

    def write(self, data: bytes, /) -> None:
        """Count."""
        self.count += len(data)


class _Text(_Counter):
    """Keeps a text in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()

    def write(self, data: bytes, /) -> None:
        """Append."""
        self.data += data


def digest(
    url: str, door: Door = doors.TYPED, pace: Pace = doors.FILE
) -> tuple[str, int]:
    """Return sha256 and size in bytes of the file at ``url``.

    :raises: SpecError where the server refuses, TransientError where it does
        not answer
    """
    counter = _Counter()
    sha256 = download(url, counter, door=door, pace=pace)
    return sha256, counter.count


def fetch(url: str, limit: int, door: Door = doors.TYPED) -> bytes:
    """Return a small file of ``limit`` bytes at most.

    :raises: as `digest`
    """
    text = _Text()
    download(url, text, limit, door, doors.QUESTION)
    return bytes(text.data)


def fetch_text(url: str, limit: int = TEXT_LIMIT, door: Door = doors.TYPED) -> str:
    """Return a small text file.

    :raises: as `digest`
    """
    return fetch(url, limit, door).decode("utf-8", "replace")


def check(url: str, door: Door = doors.TYPED) -> None:
    """Find out whether ``url`` can be had, without fetching it.

    :raises: as `digest`
    """
    head(url, door)


def download(
    url: str,
    file: Sink,
    limit: int = FILE_LIMIT,
    door: Door = doors.TYPED,
    pace: Pace = doors.FILE,
) -> str:
    """Copy the file at ``url``, of ``limit`` bytes at most; return its sha256.

    Nothing is written of what is known to be larger, or to have no room.

    :raises: as `digest`
    """
    sha256, count = hashlib.sha256(), 0
    with closing(door.visit(url, pace)) as visit, closing(visit.ask({})) as answer:
        require_ok(url, answer)
        expected = length(answer)
        _require_small(url, expected, limit)
        file.expect(expected)
        for chunk in answer.chunks(CHUNK):
            count += len(chunk)
            _require_small(url, count, limit)
            file.write(chunk)
            sha256.update(chunk)
    if expected and count != expected:
        raise TransientError(f"{shown_url(url)} broke off", service="mirror")
    return sha256.hexdigest()


def _require_small(url: str, count: int, limit: int) -> None:
    if count > limit:
        size = f"{limit >> 20} MiB" if limit >> 20 else f"{limit} bytes"
        raise SpecError(f"{shown_url(url)} is larger than {size}")
