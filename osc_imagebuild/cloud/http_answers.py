"""Refuse answers that lead away from a service, or that have no end."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from keystoneauth1 import exceptions as ksa
from keystoneauth1.session import Session
from urllib3.exceptions import HTTPError

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import CloudError

# A page of 1000 servers has some 3 MB.
LIMIT = 64 << 20
# For the body alone; each part of it has the time-out of the request.
READ_S = 300.0
_PIECE = 1 << 16
# Source: keystoneauth1.session.Session._REDIRECT_STATUSES.
_REDIRECTS = (301, 302, 303, 305, 307, 308)
_PORTS = {"http": 80, "https": 443}


class LeadsAwayError(ksa.ClientException):
    """A service sends its clients to another host, who would get the token."""


class TooLargeError(CloudError):
    """An answer is larger than any that a service has reason to give."""


def keep_at_home(session: Session) -> None:
    """Have no request of ``session`` follow a redirect to another host.

    Source: keystoneauth1.session.Session._send_request repeats a request, its headers
    and body, wherever Location leads: the token, or a login's password.
    """
    hooks: Any = session.session.hooks["response"]
    if _require_same_host not in hooks:
        hooks.append(_require_same_host)


def _require_same_host(response: requests.Response, *_: Any, **__: Any) -> None:
    to = response.headers.get("Location", "")
    if response.status_code not in _REDIRECTS or not to:
        return
    asked = response.url or ""
    try:
        before, after = urlsplit(asked), urlsplit(urljoin(asked, to))
        at_home = _is_same(before, after)
    except ValueError:
        at_home = False
    if not at_home:
        raise LeadsAwayError(
            f"{asked.partition('?')[0]} sends on to {to!r:.200}, another host, who shall "
            "not have the token; the cloud's operator is to mend the endpoint, or name "
            "the right one in clouds.yaml: see openstack catalog list"
        )


def _is_same(before: SplitResult, after: SplitResult) -> bool:
    """Whether two URLs are of one host; https may follow http, at its own port."""
    if not after.hostname or before.hostname != after.hostname:
        return False
    if (before.scheme, after.scheme) == ("http", "https"):
        return True
    ports = [parts.port or _PORTS.get(parts.scheme) for parts in (before, after)]
    return before.scheme == after.scheme and ports[0] == ports[1]


def read_body(
    response: requests.Response, service: str, limit: int, clock: Clock
) -> None:
    """Read the body of an answer that is not read yet; it has ``limit`` bytes at most.

    :raises: TooLargeError; requests.ConnectionError where it breaks off, or never ends
    """
    if response.raw is not None:
        response.raw = io.BytesIO(_begin(response.raw, limit, clock))
    if len(response.content) > limit:
        raise TooLargeError(
            f"the answer is larger than {limit >> 20} MiB",
            service=service,
            status=response.status_code,
        )


def _begin(raw: Any, limit: int, clock: Clock) -> bytearray:
    """All of a body, or one byte more than ``limit``, or some."""
    data, until = bytearray(), clock.steady() + READ_S
    try:
        while piece := raw.read1(_PIECE, decode_content=True):
            data += piece
            if len(data) > limit:
                raw.close()
                break
            if clock.steady() > until:
                raise requests.ConnectionError(f"no end after {READ_S:.0f} s")
    except HTTPError as error:
        raise requests.ConnectionError(str(error)) from error
    return data
