"""Read the monitors of one server: the cheap ones each time, the others only in doubt.

While the console says something new nothing else is asked. Once it is quiet,
counters and the screen are looked at now and then; what a cloud never offered is
not asked for again.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from osc_imagebuild import monitors
from osc_imagebuild.cloud import gnocchi, remote_console, servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import ConflictError, ImageBuildError, TransientError
from osc_imagebuild.model.readings import Counters, Picture, Signal
from osc_imagebuild.model.resources import Server
from osc_imagebuild.monitors import Life, Monitor, signals
from osc_imagebuild.monitors.console.signs import Signs

# Seconds without a word from the cheap monitors after which the others are asked too.
DOUBT_S = 60.0


@dataclass(frozen=True)
class ServerReader:
    """Reads one server for the monitors, at one look."""

    api: Api
    server: Server
    console: str
    signs: Signs
    on_picture: Callable[[Picture], None] = lambda picture: None

    def diagnostics(self) -> Counters | None:
        """Ask Nova."""
        return servers.diagnostics(self.api, self.server.id)

    def metrics(self) -> Counters | None:
        """Ask the metric service."""
        return gnocchi.counters(self.api, self.server.id)

    def picture(self) -> Picture:
        """Look at its screen."""
        picture = remote_console.picture(self.api, self.server.id)
        self.on_picture(picture)
        return picture


class Watch:
    """The monitors of the servers of one build.

    ``signs`` are those of each role. ``kept`` is what was seen before, maybe by
    another client. ``on_console`` is given role and console of each look, and then
    all of the console; ``on_picture`` role, server, console and the picture of its screen.
    """

    def __init__(
        self,
        api: Api,
        signs: Mapping[str, Signs],
        kept: Mapping[str, Mapping[str, Signal]] | None = None,
        on_console: Callable[[str, str], None] | None = None,
        on_picture: Callable[[str, Server, str, Picture], None] | None = None,
    ) -> None:
        self._on_picture = on_picture or _unseen
        self.signals = dict(kept or {})
        self.on_console = on_console
        self.lines = servers.WHOLE_CONSOLE if on_console else servers.CONSOLE_LINES
        self._api = api
        self._signs = signs
        self._absent: set[str] = set()
        self._in_vain: dict[str, float] = {}

    def look(self, role: str, server: Server, text: str | None, now: float) -> None:
        """Renew the signals after a look that read ``text`` from the console."""
        seen = dict(self.signals.get(role, {}))
        signs = self._signs.get(role, Signs())
        on_picture = functools.partial(self._on_picture, role, server, text or "")
        reader = ServerReader(self._api, server, text or "", signs, on_picture)
        every = monitors.every().values()
        for monitor in every:
            if monitor.is_cheap and (value := monitor.read(reader)) is not None:
                seen[monitor.name] = _renewed(monitor, seen, value, now)
        if server.status == "ACTIVE" and _in_doubt(seen, now):
            for monitor in every:
                if not monitor.is_cheap and self._is_due(monitor, seen, now):
                    self._ask(monitor, reader, seen, now)
        self.signals[role] = seen

    def has_no(self, name: str) -> None:
        """Let a monitor alone that the cloud is known not to offer."""
        self._absent.add(name)

    def leave_out(self, seconds: float) -> None:
        """Let the time in which nobody looked count for nothing."""
        self.signals = {
            role: {
                name: dataclasses.replace(s, since=min(s.since + seconds, s.at))
                for name, s in of.items()
            }
            for role, of in self.signals.items()
        }

    def _is_due(self, monitor: Monitor, seen: Mapping[str, Signal], now: float) -> bool:
        """Whether it may be asked, and not only just was."""
        name = monitor.name
        if name in self._absent or not monitor.replaced_by.isdisjoint(seen):
            return False
        last = seen[name].at if name in seen else 0.0
        return now - max(last, self._in_vain.get(name, 0.0)) >= monitor.every_s

    def _ask(
        self,
        monitor: Monitor,
        reader: ServerReader,
        seen: dict[str, Signal],
        now: float,
    ) -> None:
        """Read a monitor that takes calls of its own, and may be refused."""
        name = monitor.name
        try:
            value = monitor.read(reader)
        except (TransientError, ConflictError):
            return
        except ImageBuildError:
            value = None
        if value is not None:
            seen[name] = _renewed(monitor, seen, value, now)
        elif name not in seen:
            self._absent.add(name)
        else:
            # What was there once stays a sign of life: a console that breaks
            # off for a moment is no guest that stands still.
            self._in_vain[name] = now


def _unseen(role: str, server: Server, console: str, picture: Picture) -> None:
    """What a picture is for that nobody wants to see."""


def _renewed(
    monitor: Monitor, seen: Mapping[str, Signal], value: object, now: float
) -> Signal:
    """The signal of a monitor after it has read ``value``."""
    old = seen.get(monitor.name)
    if old is not None and now - old.at > monitor.unseen_s:
        old = None
    return signals.renewed(old, value, now, monitor.alive)


def _in_doubt(seen: Mapping[str, Signal], now: float) -> bool:
    """Whether the cheap monitors have shown no life for a while."""
    moved = [
        seen[monitor.name].since
        for monitor in monitors.every().values()
        if monitor.is_cheap
        and monitor.life is not Life.NOTHING
        and monitor.name in seen
    ]
    return now - max(moved) >= DOUBT_S
