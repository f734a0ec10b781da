"""Monitors: what a running guest shows. Pure functions over what was read.

One module a monitor. Its ``MONITOR`` offers what `Monitor` lists: it reads through a
`Reader`, compares two readings, and turns one into JSON and back. The other modules
here have no ``MONITOR``.
"""

from __future__ import annotations

import enum
import functools
import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, Protocol

from osc_imagebuild.model.readings import Counters, Picture
from osc_imagebuild.model.resources import Server
from osc_imagebuild.monitors.console.signs import Signs


class Life(enum.Enum):
    """What it says of a guest that a reading has changed."""

    NOTHING = "nothing"
    SERVER = "something was done to its server"
    GUEST = "it is at work"


class Reader(Protocol):
    """What a monitor can read of one server; the engine brings it.

    Its methods raise errors of this package, as what they call does.
    """

    @property
    def server(self) -> Server:
        """The server, as Nova has just shown it."""

    @property
    def console(self) -> str:
        """The console's last lines, as they were just read; '' where it is silent."""

    @property
    def signs(self) -> Signs:
        """What consoles of such guests say."""

    def diagnostics(self) -> Counters | None:
        """Return the hypervisor's counters, None where they may not be seen."""

    def metrics(self) -> Counters | None:
        """Return the metric service's counters, None where it has none."""

    def picture(self) -> Picture:
        """Return what is on the screen."""


class Monitor(Protocol):
    """What the object ``MONITOR`` of a module of this package must offer."""

    @property
    def name(self) -> str:
        """Its name in the record, and for users."""

    @property
    def life(self) -> Life:
        """What it says of the guest that a reading has changed."""

    @property
    def is_cheap(self) -> bool:
        """Whether it is read at each look; the others once the cheap ones are quiet."""

    @property
    def every_s(self) -> float:
        """Least seconds between two readings of one that is not cheap."""

    @property
    def unseen_s(self) -> float:
        """Seconds after which a reading is too old to be compared with the next."""

    @property
    def replaced_by(self) -> frozenset[str]:
        """Names of monitors that make this one superfluous where they can be read."""

    def read(self, reader: Reader) -> Any:
        """Return what is to be seen now, None where it cannot be read."""

    def alive(self, old: Any, new: Any, seconds: float) -> bool:
        """Whether two readings, ``seconds`` apart, differ by more than noise."""

    def dump(self, value: Any) -> Any:
        """Return a reading as JSON knows it."""

    def load(self, data: Any) -> Any:
        """Return the reading that `dump` was given.

        :raises: ValueError, TypeError, OverflowError where ``data`` is none
        """


def every() -> Mapping[str, Monitor]:
    """Return all monitors by name, in the order of their modules' names."""
    return _in(tuple(__path__))


@functools.lru_cache
def _in(directories: tuple[str, ...]) -> Mapping[str, Monitor]:
    monitors: dict[str, Monitor] = {}
    for module in sorted(pkgutil.iter_modules(directories), key=lambda m: m.name):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        if monitor := getattr(loaded, "MONITOR", None):
            monitors[monitor.name] = monitor
    return monitors
