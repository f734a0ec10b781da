"""Stream install media through the client, and verify their digest on the way."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Protocol, cast

import requests

from osc_imagebuild.errors import CloudError, SpecError, TransientError
from osc_imagebuild.media import http
from osc_imagebuild.model.boot_sources import IsoContent

_CHUNK = 1 << 20
_PLAIN = {"Accept-Encoding": "identity"}


class Source(Protocol):
    """What bytes come from."""

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
        self._name, self._size, self._begin, self._wanted = name, size, begin, wanted
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
        left = self._size - self._at
        if not left:
            return b""
        data = cast(Source, self._source).read(min(size, left))
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
    sha256, sha512, size = hashlib.sha256(), hashlib.sha512(), 0
    try:
        with open(path, "rb") as file:
            while data := file.read(_CHUNK):
                sha256.update(data)
                sha512.update(data)
                size += len(data)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror}") from error
    return size, Digests(sha256.hexdigest(), sha512.hexdigest())


def describe(url: str) -> tuple[int, str]:
    """Return size in bytes and version of what is at ``url``, '' if nothing tells it.

    The version is the time of the last change, which mirrors share, else the tag.

    :raises: SpecError where it is refused or of no size, TransientError where
        nobody answers
    """
    response = http.head(url, _PLAIN)
    size = http.length(response)
    if response.headers.get("Content-Length") == "0":
        raise SpecError(f"{url} is empty")
    if not size:
        raise SpecError(f"{url}: its server does not tell how large it is")
    headers = response.headers
    return size, headers.get("Last-Modified") or headers.get("ETag", "")


@contextmanager
def opened(media: IsoContent) -> Iterator[tuple[IO[bytes], int]]:
    """Give install media as a stream and its size in bytes.

    :raises: SpecError where a file is not on this machine, TransientError
        where a server does not answer
    """
    stream = _remote(media) if "://" in media.url else _local(media)
    try:
        yield cast(IO[bytes], stream), stream._size
    finally:
        stream.close()


def _local(media: IsoContent) -> ChecksummedReader:
    with local(media.url) as file:
        size = os.fstat(file.fileno()).st_size
    return ChecksummedReader(media.url, size, lambda: local(media.url), media)


def local(path: str) -> IO[bytes]:
    """Open a file of this machine.

    :raises: SpecError
    """
    try:
        return open(path, "rb")
    except OSError as error:
        raise SpecError(
            f"{path} cannot be read here: {error.strerror}; resume the build on the "
            "machine that has the file"
        ) from error


def _remote(media: IsoContent) -> ChecksummedReader:
    size, _ = describe(media.url)
    return ChecksummedReader(media.url, size, lambda: _Response(media.url), media)


class _Response:
    """What is at a URL, as it comes."""

    def __init__(self, url: str) -> None:
        self._url, self._response = url, _get(url)
        self._chunks = self._response.iter_content(_CHUNK)

    def read(self, size: int, /) -> bytes:
        try:
            return next(self._chunks, b"")
        except requests.RequestException as error:
            text = f"{self._url} broke off: {error}"
            raise TransientError(text, service="mirror") from error

    def close(self) -> None:
        self._response.close()


def _get(url: str) -> requests.Response:
    with http.asking(url):
        response = requests.get(
            url, timeout=http.TIMEOUT_S, headers=_PLAIN, stream=True
        )
    http.require_ok(url, response)
    return response
