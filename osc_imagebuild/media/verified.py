"""Stream install media through the client, and verify their digest on the way."""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Protocol, cast

from osc_imagebuild.errors import CloudError, SpecError, TransientError
from osc_imagebuild.media import door as doors
from osc_imagebuild.media import http, iso9660
from osc_imagebuild.media.door import Door
from osc_imagebuild.model.boot_sources import IsoContent
from osc_imagebuild.model.urls import shown_url

_CHUNK = 1 << 20


class Source(Protocol):
    """A stream that bytes come from."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class ChecksummedReader:
    """A stream that gives its last bytes only where its digests are right.

    So nobody ever has the whole of what is not what it should be: an upload
    of it breaks off, and Glance makes no active image of it. ``seek`` begins
    anew, for a request that must be sent again.
    """

    def __init__(
        self, name: str, size: int, begin: Callable[[], Source], wanted: IsoContent
    ) -> None:
        self._name, self._size = shown_url(name), size
        self._begin, self._wanted = begin, wanted
        self._source: Source | None = None
        self._at = 0
        self._sha256, self._sha512 = hashlib.sha256(), hashlib.sha512()

    def seek(self, offset: int) -> int:
        """Go to the begin; nowhere else.

        :raises: ValueError
        """
        if offset:
            raise ValueError("a stream can only be begun anew")
        self.close()
        self._source, self._at = self._begin(), 0
        self._sha256, self._sha512 = hashlib.sha256(), hashlib.sha512()
        return 0

    def read(self, size: int) -> bytes:
        """Return the next bytes, b'' at the end.

        :raises: TransientError where the source breaks off, CloudError where
            it is not what it should be
        """
        if self._source is None:
            self.seek(0)
        remaining = self._size - self._at
        if not remaining:
            return b""
        data = cast(Source, self._source).read(min(size, remaining))
        if not data:
            raise TransientError(
                f"{self._name} broke off after {self._at} of {self._size} bytes",
                service="mirror",
            )
        self._at += len(data)
        if self._at > self._size:
            # Nothing verifies what an upload takes the begin of.
            raise TransientError(
                f"{self._name} is larger than the {self._size} bytes that its "
                "server told; it may have been replaced",
                service="mirror",
            )
        self._sha256.update(data)
        self._sha512.update(data)
        if self._at == self._size:
            self._verify()
        return data

    def _verify(self) -> None:
        for kind, wanted, digest in (
            ("sha256", self._wanted.sha256, self._sha256),
            ("sha512", self._wanted.sha512, self._sha512),
        ):
            if wanted and digest.hexdigest() != wanted:
                raise CloudError(
                    f"{self._name} has the {kind} {digest.hexdigest()}, not {wanted}; "
                    "get it anew, or give the right --checksum",
                    service="mirror",
                )

    def close(self) -> None:
        """Let go of the source."""
        if self._source is not None:
            self._source.close()
            self._source = None


@dataclass(frozen=True)
class Digests:
    """Of a file, in hexadecimal digits."""

    sha256: str
    sha512: str


def measure(path: str) -> tuple[int, Digests]:
    """Return size in bytes and digests of a file of this machine.

    :raises: SpecError where it cannot be read
    """
    with local(path) as file:
        try:
            return _digests(file)
        except OSError as error:
            raise SpecError(f"cannot read {path}: {error.strerror}") from error


def _digests(
    file: IO[bytes], heartbeat: Callable[[], None] = lambda: None
) -> tuple[int, Digests]:
    sha256, sha512, size = hashlib.sha256(), hashlib.sha512(), 0
    while data := file.read(_CHUNK):
        sha256.update(data)
        sha512.update(data)
        size += len(data)
        heartbeat()
    return size, Digests(sha256.hexdigest(), sha512.hexdigest())


def describe(url: str, door: Door = doors.TYPED) -> tuple[int, str]:
    """Return size in bytes and version of what is at ``url``, '' if nothing tells it.

    The version is the time of the last change, which mirrors share, else the tag.

    :raises: SpecError where it is refused or of no size, TransientError where
        nobody answers
    """
    response = http.head(url, door)
    size = http.length(response)
    if response.headers.get("Content-Length") == "0":
        raise SpecError(f"{shown_url(url)} is empty")
    if not size:
        raise SpecError(f"{shown_url(url)}: its server does not tell how large it is")
    headers = response.headers
    return size, headers.get("Last-Modified") or headers.get("ETag", "")


@contextmanager
def open_verified(
    media: IsoContent,
    door: Door = doors.TYPED,
    heartbeat: Callable[[], None] = lambda: None,
) -> Iterator[tuple[IO[bytes], int]]:
    """Give install media as a stream and its size in bytes.

    ``heartbeat`` is called now and then while a file is read beforehand.

    :raises: SpecError where a file is not on this machine, TransientError
        where a server does not answer
    """
    if "://" not in media.url:
        with _local(media, door, heartbeat) as stream:
            yield cast(IO[bytes], stream), stream._size
        return
    stream = _remote(media, door)
    try:
        yield cast(IO[bytes], stream), stream._size
    finally:
        stream.close()


@contextmanager
def _local(
    media: IsoContent, door: Door, heartbeat: Callable[[], None]
) -> Iterator[ChecksummedReader]:
    """Give a file of this machine, once all of it is known to be what it should be."""
    with local(media.url, door) as file:
        if not (door.trust.typed or media.sha256 or media.sha512):
            raise SpecError(
                f"{media.url} is not sent: the record, which was not written here, has no "
                "digest to compare it with"
            )
        _require_same(media, file, heartbeat)
        size = os.fstat(file.fileno()).st_size
        yield ChecksummedReader(media.url, size, lambda: _Again(file), media)


class _Again:
    """An open file, read from its beginning; closing this leaves it open."""

    def __init__(self, file: IO[bytes]) -> None:
        file.seek(0)
        self._file = file

    def read(self, size: int, /) -> bytes:
        return self._file.read(size)

    def close(self) -> None:
        """The file is somebody else's."""


def _require_same(
    media: IsoContent, file: IO[bytes], heartbeat: Callable[[], None]
) -> None:
    """Refuse what is no ISO, or another one, before a byte of it is sent.

    :raises: SpecError
    """
    size = os.fstat(file.fileno()).st_size
    iso9660.require_descriptor(file.read(iso9660.BEGIN), size, media.url)
    file.seek(0)
    _, digests = _digests(file, heartbeat)
    for kind, wanted, actual in (
        ("sha256", media.sha256, digests.sha256),
        ("sha512", media.sha512, digests.sha512),
    ):
        if wanted and wanted != actual:
            raise SpecError(
                f"{media.url} has changed since the build was planned ({kind} {actual}, "
                f"was {wanted}); start a new build"
            )


def local(path: str, door: Door = doors.TYPED) -> IO[bytes]:
    """Open a file of this machine, if it may be read for this build.

    :raises: SpecError
    """
    if not door.trust.may_read(path):
        raise SpecError(
            f"{path} is a file of the machine that the build was begun on, and the "
            "record that names it was not written here: resume the build there, or "
            f"name the file: --allow-local {shlex.quote(path)}"
        )
    try:
        # A pipe would be waited for.
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SpecError(
            f"{path} cannot be read here: {why}; resume the build on the "
            "machine that has the file"
        ) from error
    file = os.fdopen(fd, "rb")
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        file.close()
        raise SpecError(f"{path} is no regular file")
    return file


def _remote(media: IsoContent, door: Door) -> ChecksummedReader:
    size, _ = describe(media.url, door)
    return ChecksummedReader(media.url, size, lambda: _Body(media.url, door), media)


class _Body:
    """The body of what is at a URL, as it comes."""

    def __init__(self, url: str, door: Door) -> None:
        self._visit = door.visit(url, doors.STREAM)
        try:
            self._answer = self._visit.ask({})
            http.require_ok(url, self._answer)
        except BaseException:
            self._visit.close()
            raise
        self._chunks = self._answer.chunks(http.CHUNK)

    def read(self, size: int, /) -> bytes:
        return next(self._chunks, b"")

    def close(self) -> None:
        self._answer.close()
        self._visit.close()
