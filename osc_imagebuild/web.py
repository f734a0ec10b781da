"""What may go wrong with a web server, in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests

from osc_imagebuild.errors import SpecError, TransientError

TIMEOUT_S = 60
# Forbidden, no such method, not implemented.
_NOT_FOR_HEAD = (403, 405, 501)
# More digits than any file's size has; Python refuses to read thousands of them.
_MOST_DIGITS = 18


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
    told = response.headers.get("Content-Length", "")
    return int(told) if told.isdecimal() and len(told) <= _MOST_DIGITS else 0
