"""Keep the last picture of each phase of a build, and say when the next one is due. Pure.

A picture takes a call of its own: it is due where the phase is another one than on the
last picture, and within a phase each time after twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.model.manifest import MOST_SCREENSHOTS, PhaseScreen

# Between two pictures of one server, whatever happens on it.
LEAST_S = 20.0
# Before the end of a phase there needs to be none.
JUST_S = 2.0
# In one phase, before the first time that its picture is taken again.
AGAIN_S = 60.0
# So often in vain, and a server's screen is let alone.
MOST_TROUBLE = 2


@dataclass(frozen=True)
class _Last:
    """The last picture that was tried of one server."""

    phase: str
    at: float
    again_s: float = AGAIN_S
    trouble: int = 0


class Album:
    """The pictures of one build, as long as one client drives it.

    It is closed where the cloud shows no screens: then none is due any more.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], PhaseScreen] = {}
        self._last: dict[str, _Last] = {}
        self.is_closed = False

    @property
    def screenshots(self) -> tuple[PhaseScreen, ...]:
        """The last picture of each phase, in the order in which they were taken."""
        return tuple(self._kept.values())

    def is_due(
        self, server_id: str, phase: str, now: float, *, ends: bool = False
    ) -> bool:
        """Whether a picture of a server is of use that is in a phase now.

        One of a phase that ``ends`` is, unless there was one just before.
        """
        last = self._last.get(server_id)
        if last is None or self.is_closed:
            return not self.is_closed
        passed = now - last.at
        if last.trouble >= MOST_TROUBLE:
            return False
        if ends:
            return passed >= JUST_S
        return passed >= (LEAST_S if phase != last.phase else last.again_s)

    def add(self, server_id: str, new: PhaseScreen) -> None:
        """Keep a picture instead of the one before of this phase; the oldest may go."""
        self._note(server_id, new.phase, new.at, 0)
        self._kept.pop((new.role, new.phase), None)
        self._kept[new.role, new.phase] = new
        while len(self._kept) > MOST_SCREENSHOTS:
            del self._kept[next(iter(self._kept))]

    def in_vain(self, server_id: str, phase: str, now: float) -> None:
        """Note that there was no picture of a server."""
        before = self._last.get(server_id)
        self._note(server_id, phase, now, 1 + (before.trouble if before else 0))

    def _note(self, server_id: str, phase: str, now: float, trouble: int) -> None:
        before, again_s = self._last.get(server_id), AGAIN_S
        if before is not None and before.phase == phase:
            again_s = 2 * before.again_s
        self._last[server_id] = _Last(phase, now, again_s, trouble)
