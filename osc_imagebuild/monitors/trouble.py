"""Monitor trouble: the failure that the console shows, and for how long."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.monitors import Life, Monitor, Reader
from osc_imagebuild.monitors.console import verdict

NAME = "trouble"

# The same trouble with another file or number is the same trouble; after so many
# seconds without a look it may be a new one.
KIND = 40
UNSEEN_S = 600.0


class TroubleMonitor:
    """The beginning of the reason, '' where nothing is wrong."""

    name = NAME
    life = Life.NOTHING
    is_cheap = True
    every_s = 0.0
    unseen_s = UNSEEN_S
    replaced_by: frozenset[str] = frozenset()

    def read(self, reader: Reader) -> str | None:
        """Look for it in the console."""
        if not reader.console:
            return None
        trouble = verdict.trouble(reader.signs, reader.console)
        return trouble.reason[:KIND] if trouble else ""

    def alive(self, old: str, new: str, seconds: float) -> bool:
        """Whether it is another one."""
        return old != new

    def dump(self, value: str) -> str:
        """Return it as it is."""
        return value

    def load(self, data: Any) -> str:
        """Return it as text."""
        return str(data)


MONITOR: Monitor = TroubleMonitor()
