"""Connect to web servers, only at allowed addresses and for a limited time.

A name is resolved once: the addresses are judged, and connected to, so that no second
answer of a name server counts. What a server takes too long for is ended by a thread,
because a time-out of a socket begins anew with every byte.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NameResolutionError, NewConnectionError

from osc_imagebuild.media.web_policy import Place

# Of a name that has hundreds of addresses not all are tried.
_MOST_ADDRESSES = 6


@dataclass(frozen=True)
class Pace:
    """The time a server may take: ``step_s`` for each ``step`` bytes, ``total_s`` in all.

    What comes before them, such as redirects and headers, is in that. Time in which
    nobody waits for the server is not counted.
    """

    step_s: float = 60.0
    step: int = 1 << 20
    total_s: float = 12 * 3600.0


class Stopwatch:
    """Counts the time that is waited for one server, and hangs up at the end of it."""

    def __init__(self, pace: Pace, now: Callable[[], float] = time.monotonic) -> None:
        self.expired = False
        self._now = now
        self.received = 0
        self._pace, self._spent = pace, 0.0
        self._step_at, self._next_step = 0.0, pace.step
        self._since: float | None = None
        self._closed = False
        self._watched: list[_Watched] = []
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    @property
    def seconds(self) -> float:
        """What was waited until now."""
        running = 0.0 if self._since is None else self._now() - self._since
        return self._spent + running

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of what is done within."""
        with self._changed:
            self._since = self._now()
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._spent, self._since = self.seconds, None

    def watch(self, connected: socket.socket, is_kept: Callable[[], bool]) -> None:
        """Have a connection end in time; forget those before that are not kept alive.

        By a second descriptor: TLS takes the first one away from its socket.
        """
        with self._changed:
            kept = [each for each in self._watched if each.is_kept()]
            for each in self._watched:
                if each not in kept:
                    each.end.close()
            self._watched = [*kept, _Watched(connected.dup(), is_kept)]
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Watch no longer."""
        with self._changed:
            self._closed = True
            for each in self._watched:
                each.end.close()
            self._watched.clear()
            self._changed.notify()

    def check(self) -> None:
        """Note an end that came while nothing was waited for in a socket."""
        self.expired = self.expired or self._remaining_s() <= 0

    def got(self, count: int) -> None:
        """Count bytes that came."""
        with self._changed:
            self.received += count
            if self.received >= self._next_step:
                self._next_step = self.received + self._pace.step
                self._step_at = self.seconds

    def _remaining_s(self) -> float:
        seconds = self.seconds
        step_left = self._step_at + self._pace.step_s - seconds
        return min(self._pace.total_s - seconds, step_left)

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                if self._since is None:
                    self._changed.wait()
                elif (remaining_s := self._remaining_s()) > 0:
                    self._changed.wait(remaining_s)
                else:
                    self.expired = True
                    for each in self._watched:
                        with contextlib.suppress(OSError):
                            each.end.shutdown(socket.SHUT_RDWR)
                    self._changed.wait(1.0)


@dataclass(frozen=True)
class _Watched:
    """A descriptor of a connection, and whether urllib3 still has that."""

    end: socket.socket
    is_kept: Callable[[], bool]


class Guard(Protocol):
    """Says which addresses may be connected to, and is told which one was."""

    def refuse(self, place: Place) -> str: ...

    def is_late(self) -> bool: ...

    def connected(
        self, place: Place, to: socket.socket, is_kept: Callable[[], bool]
    ) -> None: ...


class RefusedError(Exception):
    """None of a host's addresses may be connected to; the text says why."""


def addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host, each once.

    :raises: OSError, UnicodeError where the name has none
    """
    kinds = socket.AF_UNSPEC, socket.SOCK_STREAM
    answers = socket.getaddrinfo(host.strip("[]"), port, *kinds)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class _Guarded:
    """A connection of urllib3's that asks ``guard`` first."""

    guard: Guard

    def _new_conn(self) -> socket.socket:
        own: Any = self
        name, port = own.host, own.port or 0
        try:
            places = [Place(a, port) for a in addresses(name, port)]
        except (OSError, UnicodeError) as error:
            reason = (
                error
                if isinstance(error, socket.gaierror)
                else socket.gaierror(str(error))
            )
            raise NameResolutionError(name, own, reason) from error
        refusals = {place: self.guard.refuse(place) for place in places}
        allowed = [place for place in places if not refusals[place]]
        if not allowed:
            raise RefusedError(next(iter(refusals.values()), "it has no address"))
        return self._first(own, name, allowed[:_MOST_ADDRESSES])

    def _first(self, own: Any, name: str, places: list[Place]) -> socket.socket:
        """The first of ``places`` that answers."""
        trouble: Exception = NewConnectionError(own, f"{name} has no address")
        for place in places:
            own.host = place.address
            try:
                connected: socket.socket = super()._new_conn()  # type: ignore[misc]
            except Exception as error:
                trouble = error
                if self.guard.is_late():
                    break
                continue
            finally:
                own.host = name  # by which certificates are judged
            self.guard.connected(place, connected, lambda: own.sock is not None)
            return connected
        raise trouble


class _Proxied:
    """A connection to the user's own proxy, which is watched alone."""

    guard: Guard

    def _new_conn(self) -> socket.socket:
        own: Any = self
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]
        self.guard.connected(Place("", 0), connected, lambda: own.sock is not None)
        return connected


def _pools(how: type, guard: Guard) -> dict[str, Callable[..., Any]]:
    """urllib3's pools by scheme, of connections that ask ``guard``."""
    pools: dict[str, Callable[..., Any]] = {}
    for scheme, pool, connection in (
        ("http", HTTPConnectionPool, HTTPConnection),
        ("https", HTTPSConnectionPool, HTTPSConnection),
    ):
        kind = type(connection.__name__, (how, connection), {"guard": guard})
        pools[scheme] = type(pool.__name__, (pool,), {"ConnectionCls": kind})
    return pools


class GuardedAdapter(HTTPAdapter):
    """Carries requests over connections that ``guard`` allows.

    Behind a proxy it is the proxy that resolves names and connects.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(_Guarded, self._guard)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        """Make the pools of a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _pools(_Proxied, self._guard)
        return manager
