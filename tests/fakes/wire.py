"""What goes over the wire: calls, replies, and the adapter that carries them."""

from __future__ import annotations

import functools
import inspect
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict


@dataclass
class Call:
    """One request as a service gets it. ``number`` counts mutations from 1.

    ``kind`` says in a few words what a mutation does; ``status`` is filled in
    where the request was carried out.
    """

    client: str
    service: str
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    read: Callable[[], bytes] = field(repr=False)
    at: float
    project: str = ""
    number: int = 0
    kind: str = ""
    status: int = 0

    @functools.cached_property
    def body(self) -> bytes:
        """The body, which comes when somebody reads it."""
        return self.read()

    @property
    def json(self) -> Any:
        """The body as JSON; a `Refusal` where it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Refusal(400, "Malformed request body") from error

    @property
    def mutating(self) -> bool:
        """Whether it may change the cloud."""
        return bool(self.kind)

    def one(self, name: str) -> str | None:
        """The only value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else None


@dataclass
class Reply:
    """What a service answers; ``body`` is JSON unless it is bytes."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The body as bytes."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class Refusal(Exception):
    """A service says no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


Handler = TypeVar("Handler", bound=Callable[..., Reply])


def route(method: str, pattern: str, kind: str = "") -> Callable[[Handler], Handler]:
    """Mark a service's method as what answers such requests.

    ``kind`` names what it changes, and makes it a mutation.
    """

    def mark(handler: Handler) -> Handler:
        known: list[tuple[str, str, str]] = getattr(handler, "routes", [])
        handler.routes = [*known, (method, pattern, kind)]  # type: ignore[attr-defined]
        return handler

    return mark


@dataclass(frozen=True)
class Found:
    """The answer of `Service.find`."""

    handler: Callable[..., Reply]
    arguments: Mapping[str, str]
    kind: str


class Service:
    """A service: the methods of its class that are marked by `route`."""

    name = ""
    needs_token = True
    # How many items a page of a listing has at most, whatever a client wants.
    page_limit = 1000

    def __init__(self) -> None:
        self._table = [
            (method, re.compile(pattern), kind, getattr(self, name))
            for name, handler in inspect.getmembers(type(self))
            for method, pattern, kind in getattr(handler, "routes", ())
        ]

    def find(self, method: str, path: str) -> Found | None:
        """Return what answers ``method path``."""
        for known, pattern, kind, handler in self._table:
            match = pattern.fullmatch(path) if known == method else None
            if match:
                return Found(handler, match.groupdict(), kind)
        return None

    def page(self, call: Call, items: list[Any]) -> tuple[list[Any], bool]:
        """Return the page of ``items`` that is asked for, and whether it is full.

        Services link to a next page then, though it may be empty.
        """
        if marker := call.one("marker"):
            ids = [item["id"] for item in items]
            if marker not in ids:
                raise Refusal(400, "Invalid marker")
            items = items[ids.index(marker) + 1 :]
        most = min(int(call.one("limit") or self.page_limit), self.page_limit)
        return items[:most], 0 < most <= len(items)

    def listing(self, call: Call, key: str, items: list[Any]) -> Reply:
        """Return that page as all but Glance answer; the host is the service's own."""
        page, full = self.page(call, items)
        body: dict[str, Any] = {key: page}
        if full:
            href = f"http://10.0.0.1/{key}?marker={page[-1]['id']}"
            body[f"{key}_links"] = [{"rel": "next", "href": href}]
        return Reply(200, body)

    def refusal(self, status: int, message: str) -> Reply:
        """Return an error in this service's own shape."""
        return Reply(status, {"error": {"code": status, "message": message}})

    def tick(self) -> None:
        """Catch up with the time that has passed."""


class Adapter(BaseAdapter):
    """Hands the requests of one client to ``serve`` instead of the network."""

    def __init__(self, serve: Callable[[str, requests.PreparedRequest], Reply]) -> None:
        super().__init__()
        self.client = ""
        self._serve = serve

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Answer ``request``."""
        return as_response(request, self._serve(self.client, request))

    def close(self) -> None:
        """Nothing is open."""


def as_response(request: requests.PreparedRequest, reply: Reply) -> requests.Response:
    """Return ``reply`` as requests would have read it."""
    response = requests.Response()
    response.status_code = reply.status
    response.reason = str(reply.status)
    response.request = request
    response.url = request.url or ""
    response.encoding = "utf-8"
    response.headers = CaseInsensitiveDict(
        {"Content-Type": "application/json", **reply.headers}
    )
    # There is no socket to read from: the body is here.
    vars(response).update(_content=reply.content(), _content_consumed=True)
    return response


def body_of(request: requests.PreparedRequest) -> bytes:
    """Return the body, read as a socket would read it."""
    body: Any = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    if hasattr(body, "read"):
        data: bytes = body.read()
        return data
    return b"".join(body)


def split(url: str) -> tuple[str, str, dict[str, list[str]]]:
    """Return host, path and query of ``url``."""
    parts = urllib.parse.urlsplit(url)
    query = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
    return parts.netloc, urllib.parse.unquote(parts.path), query
