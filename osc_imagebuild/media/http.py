"""Download from web servers: heads, small texts, whole files."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

import requests

from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.model.numbers import whole_number

FILE_LIMIT = 1 << 30
_CHUNK = 1 << 20
TIMEOUT_S = 60
# Forbidden, no such method, not implemented.
_NOT_FOR_HEAD = (403, 405, 501)
# More than any file has.
_MOST_BYTES = 10**18 - 1


@contextmanager
def asking(url: str) -> Iterator[None]:
    """Put what a request for ``url``, or its redirects, runs into in our words.

    Source: an address may be refused by requests, urllib3, or Python; what they
    raise then are ValueErrors, and not all of them are RequestExceptions.

    :raises: SpecError where it leads nowhere, TransientError where nobody answers
    """
    try:
        yield
    except (requests.TooManyRedirects, ValueError) as error:
        raise SpecError(f"{url} leads nowhere: {error}") from error
    except requests.RequestException as error:
        text = f"no answer from {url}: {error}"
        raise TransientError(text, service="mirror") from error


def head(url: str, headers: Mapping[str, str]) -> requests.Response:
    """Return what the server tells of what is at ``url``, which is not fetched.

    Some servers answer to GET alone, as those of presigned addresses do.

    :raises: as `asking` and `require_ok`
    """
    with asking(url):
        response = requests.head(
            url, timeout=TIMEOUT_S, headers=headers, allow_redirects=True
        )
        if response.status_code in _NOT_FOR_HEAD:
            response = requests.get(
                url, timeout=TIMEOUT_S, headers=headers, stream=True
            )
            response.close()
    require_ok(url, response)
    return response


def require_ok(url: str, response: requests.Response) -> None:
    """Take nothing but what was asked for.

    :raises: SpecError where the server refuses, TransientError where it may not
        another time
    """
    if response.status_code >= 500:
        text = f"{url} cannot be had now"
        raise TransientError(text, service="mirror", status=response.status_code)
    if response.status_code >= 400:
        raise SpecError(f"{url} answers HTTP {response.status_code}")


def length(response: requests.Response) -> int:
    """How many bytes the server says that the body has, 0 where it does not tell."""
    return whole_number(response.headers.get("Content-Length"), 0, _MOST_BYTES) or 0


class Scratch:
    """A temporary file; what is written to it takes its time, and room."""

    def __init__(
        self, file: IO[bytes], beat: Callable[[], None] = lambda: None
    ) -> None:
        self._file, self._beat = file, beat

    def write(self, data: bytes, /) -> None:
        """Append ``data``.

        :raises: SpecError where there is no room, and what ``beat`` raises
        """
        self._beat()
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise SpecError(
                f"cannot keep a file in {tempfile.gettempdir()} for its upload: "
                f"{error.strerror}; name another directory with TMPDIR"
            ) from error


def digest(url: str) -> tuple[str, int]:
    """Return sha256 and size in bytes of the file at ``url``.

    :raises: SpecError where the server refuses, TransientError where it does
        not answer
    """
    with tempfile.TemporaryFile() as file:
        sha256 = download(url, Scratch(file))
        return sha256, file.tell()


def fetch_text(url: str, limit: int = 4 << 20) -> str:
    """Return a small text file.

    :raises: as `digest`
    """
    with tempfile.TemporaryFile() as file:
        download(url, Scratch(file), limit)
        file.seek(0)
        return file.read().decode("utf-8", "replace")


def check(url: str) -> None:
    """Find out whether ``url`` can be had, without fetching it.

    :raises: as `digest`
    """
    head(url, {})


def download(url: str, file: Scratch, limit: int = FILE_LIMIT) -> str:
    """Copy the file at ``url``, of ``limit`` bytes at most; return its sha256.

    :raises: as `digest`
    """
    sha256, count = hashlib.sha256(), 0
    with asking(url):
        response = requests.get(url, stream=True, timeout=TIMEOUT_S)
    try:
        require_ok(url, response)
        for chunk in response.iter_content(_CHUNK):
            file.write(chunk)
            sha256.update(chunk)
            count += len(chunk)
            if count > limit:
                raise SpecError(f"{url} is larger than {limit >> 20} MiB")
    except requests.RequestException as error:
        raise TransientError(f"{url} broke off: {error}", service="mirror") from error
    finally:
        response.close()
    plain = "Content-Encoding" not in response.headers
    if plain and (expected := length(response)) and count != expected:
        raise TransientError(f"{url} broke off", service="mirror")
    return sha256.hexdigest()
