"""Read the monitors of one server: the cheap ones always, the others in doubt.

While the console says something new nothing else is asked. Once it is quiet,
counters and the screen are looked at now and then; what a cloud never offered is
not asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from osc_imagebuild.cloud import gnocchi, remote_console, servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import ConflictError, ImageBuildError, TransientError
from osc_imagebuild.model.readings import Signal
from osc_imagebuild.model.resources import Server
from osc_imagebuild.monitors import (
    console_activity,
    diagnostics,
    metrics,
    power,
    screen,
    signals,
)
from osc_imagebuild.monitors.console import verdict
from osc_imagebuild.monitors.console.signs import Signs

# Seconds without a word on the console after which more is asked, and how
# often then: a second time before a trouble ends the build (`verdict.TROUBLE_S`).
# Ceilometer measures every five minutes.
DOUBT_S = 60.0
EVERY_S = {diagnostics.NAME: 110.0, metrics.NAME: 290.0, screen.NAME: 110.0}

# The same trouble with another file or number is the same trouble; after so many
# seconds without a look it may be a new one.
KIND = 40
UNSEEN_S = 600.0

_ALIVE: Mapping[str, signals.Alive] = {
    diagnostics.NAME: diagnostics.alive,
    metrics.NAME: metrics.alive,
    screen.NAME: screen.alive,
}


class Watch:
    """The monitors of the servers of one build.

    ``signs`` are those of each role. ``kept`` is what was seen before, maybe by
    another client. ``on_console`` is given role and console of each look, and then
    all of the console.
    """

    def __init__(
        self,
        api: Api,
        signs: Mapping[str, Signs],
        kept: Mapping[str, Mapping[str, Signal]] | None = None,
        on_console: Callable[[str, str], None] | None = None,
    ) -> None:
        self.signals = dict(kept or {})
        self.on_console = on_console
        self.lines = servers.WHOLE_CONSOLE if on_console else servers.CONSOLE_LINES
        self._api = api
        self._signs = signs
        self._absent: set[str] = set()
        self._in_vain: dict[str, float] = {}
        self._read: Mapping[str, Callable[[Server], Any]] = {
            diagnostics.NAME: lambda s: servers.diagnostics(api, s.id),
            metrics.NAME: lambda s: gnocchi.counters(api, s.id),
            screen.NAME: lambda s: screen.tiles(remote_console.picture(api, s.id)),
        }

    def look(self, role: str, server: Server, text: str | None, now: float) -> None:
        """Renew the signals after a look that read ``text`` from the console."""
        old, state = self.signals.get(role, {}), power.state(server)
        found = dict(old)
        found[power.NAME] = signals.renewed(
            old.get(power.NAME), state, now, signals.differs
        )
        if text:
            found[console_activity.NAME] = signals.renewed(
                old.get(console_activity.NAME),
                console_activity.news(text),
                now,
                console_activity.alive,
            )
            wrong = verdict.trouble(self._signs[role], text)
            last = old.get(signals.TROUBLE)
            found[signals.TROUBLE] = signals.renewed(
                last if last and now - last.at <= UNSEEN_S else None,
                wrong.reason[:KIND] if wrong else "",
                now,
                signals.differs,
            )
        if server.status == "ACTIVE" and self._in_doubt(found, now):
            self._ask(server, found, now)
        self.signals[role] = found

    def _in_doubt(self, found: Mapping[str, Signal], now: float) -> bool:
        cheap = [
            found[n].since for n in (power.NAME, console_activity.NAME) if n in found
        ]
        return now - max(cheap) >= DOUBT_S

    def _ask(self, server: Server, found: dict[str, Signal], now: float) -> None:
        for name, read in self._read.items():
            old = found.get(name)
            last = max(old.at if old else 0.0, self._in_vain.get(name, 0.0))
            if name in self._absent or now - last < EVERY_S[name]:
                continue
            if name == metrics.NAME and diagnostics.NAME in found:
                continue  # the same counters, later and at a higher price
            try:
                value = read(server)
            except (TransientError, ConflictError):
                continue
            except ImageBuildError:
                value = None
            if value is not None:
                found[name] = signals.renewed(old, value, now, _ALIVE[name])
            elif old is None:
                self._absent.add(name)
            else:
                # What was there once stays a sign of life: a console that breaks
                # off for a moment is no guest that stands still.
                self._in_vain[name] = now
