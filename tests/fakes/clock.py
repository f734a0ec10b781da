"""Time that passes only when somebody waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

from osc_imagebuild.clock import Clock

# 2040: tokens never seem expired to keystoneauth, which looks at the real
# clock, so that expiry shows as it does in life: as a 401.
START = 2208988800.0


class World:
    """The one time of a test. ``sleep`` may be replaced by a scheduler's."""

    def __init__(self, start: float = START) -> None:
        self.start = start
        self.now = start
        self.sleep: Callable[[float], None] = self.advance
        self._due: list[tuple[float, Callable[[], None]]] = []

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds}")
        self.now += seconds
        for at, what in [due for due in self._due if due[0] <= self.now]:
            self._due.remove((at, what))
            what()

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Do ``what`` once ``seconds`` have passed."""
        self._due.append((self.now + seconds, what))


class FakeClock(Clock):
    """A client's clock, ``skew`` seconds ahead of the cloud's."""

    def __init__(self, world: World, skew: float = 0.0) -> None:
        self._world = world
        self._skew = skew

    def time(self) -> float:
        """The time that this client believes in."""
        return self._world.now + self._skew

    def steady(self) -> float:
        """Seconds since some moment."""
        return self._world.now - self._world.start + 1000.0

    def sleep(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self._world.sleep(seconds)


class TroubledClock(FakeClock):
    """A clock of a machine on which something happens in its sleep number ``place``.

    Somebody sets it by ``step_s``, or the machine is suspended for ``nap_s``, which its
    steady clock ``counts`` or does not, as systems differ.
    """

    def __init__(
        self,
        world: World,
        place: int,
        *,
        step_s: float = 0.0,
        nap_s: float = 0.0,
        counts: bool = True,
    ) -> None:
        super().__init__(world)
        self._place, self._step_s, self._nap_s = place, step_s, nap_s
        self._counts, self._lost_s = counts, 0.0
        self.sleeps = 0

    def steady(self) -> float:
        """Without what it does not count."""
        return super().steady() - self._lost_s

    def sleep(self, seconds: float) -> None:
        """Let time pass, more of it in one place."""
        self.sleeps += 1
        if self.sleeps == self._place:
            self._skew += self._step_s
            self._world.sleep(self._nap_s)
            self._lost_s += 0.0 if self._counts else self._nap_s
        super().sleep(seconds)


def iso(at: float, *, micro: bool = False) -> str:
    """Return a time as Glance and Nova write it, or as Keystone does."""
    moment = datetime.fromtimestamp(at, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")
