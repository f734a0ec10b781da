"""Send requests to web servers: all of them go through this door.

What comes through is as it is stored there, not packed; it is from an address that may
be asked, after few redirects, none of them from https to http; and it comes in time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.auth import AuthBase
from requests.utils import get_auth_from_url, requote_uri
from urllib3.util import parse_url

from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.media import web_policy
from osc_imagebuild.media.answer import Answer, require_in_time
from osc_imagebuild.media.connections import (
    GuardedAdapter,
    Pace,
    RefusedError,
    Stopwatch,
)
from osc_imagebuild.media.web_policy import Place, Trust
from osc_imagebuild.model.urls import shown_text, shown_url

MOST_HOPS = 10
CONNECT_S = 20.0
# So that a part of an ISO can be asked for again before its time is over.
READ_S = 30.0
_PORTS = {"http": 80, "https": 443}
_PLAIN = ("", "identity")

LOG = logging.getLogger(__name__)
# For a question, or a small text; for a kernel or ramdisk; for a whole ISO.
QUESTION = Pace(step_s=20.0, total_s=120.0)
FILE = Pace(total_s=3600.0)
STREAM = Pace(total_s=12 * 3600.0)


@dataclass(frozen=True)
class Door:
    """Which web servers may be asked, and how long each may take.

    ``pace`` is for each kind of request its own where it is None. ``firsts`` keeps where
    hosts were when they were asked first, beyond one file where it is given: a name that
    the user gave may not move into his own network later.
    """

    trust: Trust = web_policy.STRICT
    pace: Pace | None = None
    firsts: dict[Place, Place] | None = field(default=None, compare=False)

    def typed(self) -> Door:
        """Return the same for URLs that the user named in this very command."""
        return dataclasses.replace(
            self, trust=dataclasses.replace(self.trust, typed=True)
        )

    def visit(self, url: str, pace: Pace = FILE) -> Visit:
        """Return a `Visit`, which sends requests for ``url`` and is to be closed."""
        firsts = {} if self.firsts is None else self.firsts
        return Visit(url, self.trust, self.pace or pace, firsts)

    def require_public(self, url: str) -> None:
        """Refuse a URL that somebody else is to fetch, as far as its host alone tells.

        :raises: SpecError
        """
        web_policy.require_web(url)
        parts = urlsplit(url)
        place = Place(web_policy.named(parts.hostname or ""), parts.port or 0)
        if place.address and (why := self.trust.refusal(place)):
            raise SpecError(f"{shown_url(url)} is not fetched: {why}")


TYPED = Door(web_policy.TYPED)
STRICT = Door()


class Visit:
    """Requests for one URL. Time is counted over all of them."""

    def __init__(
        self, url: str, trust: Trust, pace: Pace, firsts: dict[Place, Place]
    ) -> None:
        self.url, self.name = url, shown_url(url)
        self._firsts, self._host = firsts, Place("", 0)
        self._trust, self._watch = trust, Stopwatch(pace)
        self._trail: list[Place] = []
        self._place: Place | None = None
        self._places: dict[Place, Place] = {}
        self._session = requests.Session()
        self._session.headers["Accept-Encoding"] = "identity"
        adapter = GuardedAdapter(self)
        for scheme in web_policy.SCHEMES:
            self._session.mount(f"{scheme}://", adapter)
        self._end, self._way = url, list[Place]()

    def ask(self, headers: Mapping[str, str], method: str = "GET") -> Answer:
        """Send one request, to where its redirects lead.

        :raises: SpecError where that is nowhere, or forbidden, or what comes is packed;
            TransientError where nobody answers
        """
        return self._follow(self.url, [], headers, method)

    def ask_end(self, headers: Mapping[str, str]) -> Answer:
        """Send one GET to where the last one ended: mirrors differ.

        :raises: as `ask`
        """
        return self._follow(self._end, self._way, headers, "GET")

    @property
    def is_redirected(self) -> bool:
        """Whether the last request ended at another URL."""
        return self._end != self.url

    def close(self) -> None:
        """Close the connections."""
        self._watch.close()
        self._session.close()

    def refuse(self, place: Place) -> str:
        """Why a place is not to be connected to, '' where it may be."""
        first = self._firsts.get(self._host)
        return self._trust.refusal(place, self._trail or ([first] if first else []))

    def is_late(self) -> bool:
        """Whether the server's time is over."""
        self._watch.check()
        return self._watch.expired

    def connected(
        self, place: Place, to: socket.socket, is_kept: Callable[[], bool]
    ) -> None:
        """Note a new connection."""
        self._place = place
        self._watch.watch(to, is_kept)

    def _follow(
        self, url: str, trail: list[Place], headers: Mapping[str, str], method: str
    ) -> Answer:
        self._trail = list(trail)
        told = dict(headers)
        for _ in range(MOST_HOPS + 1):
            way = list(self._trail)
            with self._asking():
                response = self._send(url, told, method)
                target = self._session.get_redirect_target(response)
                if target is None:
                    self._end, self._way = url, way
                    return self._accepted(response)
                response.close()
                onward = requote_uri(urljoin(url, target))
                told = self._for_next(response, url, onward, headers)
            url = onward
        raise SpecError(
            f"{self.name} leads nowhere: there are more than {MOST_HOPS} redirects"
        )

    def _send(self, url: str, headers: Mapping[str, str], method: str) -> Any:
        """Send one request to one server.

        What the host's name says is judged as it is sent, for a proxy resolves it.
        """
        web_policy.require_web(url)
        prepared = self._session.prepare_request(
            requests.Request(
                method, url, headers=dict(headers), auth=self._credentials(url)
            )
        )
        sent = parse_url(str(prepared.url))
        host, port = sent.host or "", sent.port or _PORTS[str(sent.scheme)]
        by_name, self._host = Place(web_policy.named(host), port), Place(host, port)
        if by_name.address and (why := self.refuse(by_name)):
            raise RefusedError(why)
        self._place = None
        settings = self._session.merge_environment_settings(
            prepared.url, {}, True, None, None
        )
        LOG.debug("%s %s", method, shown_url(url))
        with self._watch.waiting():
            response = self._session.send(
                prepared,
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
                **settings,
            )
        # Python takes headers for whole where the connection ends between two of them.
        require_in_time(self.name, self._watch)
        # Nobody connects where a connection was kept.
        place = self._place or self._places.get(self._host, by_name)
        self._places[self._host] = place
        if place.address and not self._trail:
            self._firsts.setdefault(self._host, place)
        self._trail.append(place)
        return response

    def _credentials(self, url: str) -> Any:
        """Return credentials: the URL's own, or ~/.netrc where the user typed the URL."""
        if self._trust.typed and not self._trail:
            return None
        own = get_auth_from_url(url)
        return own if any(own) else _Nobody()

    def _for_next(
        self,
        response: requests.Response,
        url: str,
        onward: str,
        headers: Mapping[str, str],
    ) -> dict[str, str]:
        """Return the headers for the server that a redirect leads to.

        :raises: SpecError where nobody is to go there
        """
        web_policy.require_web(onward)
        before, after = urlsplit(url), urlsplit(onward)
        if (before.scheme, after.scheme) == ("https", "http"):
            raise SpecError(
                f"{self.name} is not fetched: a redirect leads from https to {shown_url(onward)}; "
                "if that is to be trusted, give it instead"
            )
        told = dict(headers)
        secret = response.request.headers.get("Authorization")
        if secret and _origin(before) == _origin(after):
            told["Authorization"] = secret
        return told

    def _accepted(self, response: requests.Response) -> Answer:
        """Return the answer, and refuse a packed one: a few bytes can become many.

        What a server says of an error may be, it is not read.
        """
        packing = response.headers.get("Content-Encoding", "").strip().lower()
        if response.status_code < 300 and packing not in _PLAIN:
            response.close()
            raise SpecError(
                f"{self.name}: its server packs it ({packing:.40}), though it was asked "
                "not to; take another mirror, or a copy on this machine"
            )
        return Answer(self.name, response, self._watch)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Translate errors of a request into this package's.

        Source: an address may be refused by requests, urllib3, or Python; what they
        raise then are ValueErrors, and not all of them are RequestExceptions.
        """
        try:
            yield
        except RefusedError as error:
            raise SpecError(f"{self.name} is not fetched: {error}") from error
        except ValueError as error:
            raise SpecError(
                f"{self.name} leads nowhere: {shown_text(str(error))}"
            ) from error
        except requests.RequestException as error:
            require_in_time(self.name, self._watch, error)
            text = f"no answer from {self.name}: {shown_text(str(error))}"
            raise TransientError(text, service="mirror") from error


class _Nobody(AuthBase):
    """Sends no name and password."""

    def __call__(self, request: Any) -> Any:
        return request


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
