"""Translate the services' refusals into this package's errors."""

from __future__ import annotations

import re

import requests
from keystoneauth1 import exceptions as ksa

from osc_imagebuild.errors import (
    CloudError,
    ConflictError,
    LockedError,
    NotFoundError,
    TransientError,
)
from osc_imagebuild.media.backoff import retry_after
from osc_imagebuild.model.urls import shown_text

# Source: nova.exception.InstanceIsLocked, which has no code of its own.
_LOCKED = re.compile(r"Instance \S+ is locked")

# Any request may begin with one to Keystone, and is not what went wrong then.
LOGIN = ("identity", "POST", "/auth/tokens")


def is_login(text: str) -> bool:
    """Whether a URL, or what is said of one, is that of a login."""
    return LOGIN[2] in text


def request_id(response: requests.Response) -> str:
    """How the service calls this request in its logs, '' if it does not tell."""
    headers = response.headers
    identifier: str = (
        headers.get("x-openstack-request-id")
        or headers.get("x-compute-request-id")
        or ""
    )
    return identifier


def from_response(
    service: str, method: str, path: str, response: requests.Response
) -> CloudError:
    """Return the error that a response of 400 and more means."""
    return refused(
        service,
        method,
        path,
        response.status_code,
        _message(response),
        request_id(response),
        retry_after(response),
    )


def from_session(
    service: str, method: str, path: str, error: ksa.HttpError
) -> CloudError:
    """Return the error that a refusal met on the way to ``service`` means."""
    if is_login(error.url or ""):
        service, method, path = LOGIN
    if error.response is not None:
        return from_response(service, method, path, error.response)
    return refused(service, method, path, error.http_status, error.message, "")


def refused(
    service: str,
    method: str,
    path: str,
    status: int,
    message: str,
    req_id: str,
    wait_s: float = 0.0,
) -> CloudError:
    """Return the error for a status and the service's words."""
    # Glance quotes the address of what it is to fetch, which may open doors.
    text = f"{shown_text(message) or 'refused'} [{method} {path}]"
    if status == 429 or status == 408 or status >= 500:
        return TransientError(
            text,
            service=service,
            status=status,
            request_id=req_id,
            retry_after=wait_s,
        )
    way = ""
    kind = {404: NotFoundError, 409: ConflictError}.get(status, CloudError)
    if service == LOGIN[0]:
        kind = CloudError  # it tells nothing of the resource that was asked for
    if status == 409 and _LOCKED.search(message):
        kind, way = LockedError, "unlock it with: openstack server unlock <server>"
    return kind(text, service=service, status=status, request_id=req_id, resolution=way)


def _message(response: requests.Response) -> str:
    """The service's own words: JSON of several shapes, or HTML (Glance)."""
    try:
        body = response.json()
    except ValueError:
        return " ".join(_without_tags(response.text).split())[:300]
    inner = next(iter(body.values()), "") if isinstance(body, dict) else body
    if isinstance(body, dict) and isinstance(body.get("description"), str):
        inner = body["description"]  # Barbican
    if isinstance(inner, dict):
        inner = inner.get("message") or inner.get("detail") or inner
    return str(inner)[:300]


def _without_tags(html: str) -> str:
    inside, kept = False, []
    for char in html[:4000]:
        if char == "<":
            inside = True
        elif char == ">":
            inside = False
            kept.append(" ")
        elif not inside:
            kept.append(char)
    return "".join(kept)
