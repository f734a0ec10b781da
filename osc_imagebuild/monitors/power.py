"""Monitor power: what Nova says of the server, and how often to look."""

from __future__ import annotations

import math
from typing import Any

from osc_imagebuild.model.resources import Server
from osc_imagebuild.monitors import Life, Monitor, Reader

NAME = "power"

# A guest without a console is asked for its word instead, which is a call more.
SILENT_INTERVAL_S = 60.0


def state(server: Server) -> tuple[str, int, str | None]:
    """Return what a change of would be a sign of life."""
    return server.status, server.power_state, server.task_state


def poll_interval(elapsed_s: float, *, silent: bool = False) -> float:
    """Seconds between two looks: quick at first, two a minute later on.

    A look is two calls, the sign of life one a minute: below six a minute.
    """
    longest = SILENT_INTERVAL_S if silent else 30.0
    return min(longest, max(10.0, elapsed_s / 6))


class PowerMonitor:
    """The server's states. That Nova lists it says nothing of what its guest does."""

    name = NAME
    life = Life.SERVER
    is_cheap = True
    every_s = 0.0
    unseen_s = math.inf
    replaced_by: frozenset[str] = frozenset()

    def read(self, reader: Reader) -> tuple[str, int, str | None]:
        """Return them as Nova shows them."""
        return state(reader.server)

    def alive(self, old: object, new: object, seconds: float) -> bool:
        """Whether one is another."""
        return old != new

    def dump(self, value: tuple[str, int, str | None]) -> list[str | int | None]:
        """Return them as a list."""
        return list(value)

    def load(self, data: Any) -> tuple[Any, ...]:
        """Return such a list as it was."""
        return tuple(data)


MONITOR: Monitor = PowerMonitor()
