"""Events of a build, for those who watch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from osc_imagebuild.errors import Evidence


class EventKind(StrEnum):
    """What an event tells of."""

    CREATED = "created"
    STEP = "step"  # begins
    WAIT = "wait"  # goes on
    NOTE = "note"
    AGAIN = "again"  # another attempt begins


@dataclass(frozen=True)
class Event:
    """Something to show.

    ``evidence`` is what showed that the attempt before failed, with kind ``AGAIN`` alone.

    ``percent`` is the guest's own sign of progress, None where it gives none;
    it never falls. ``left_s`` is how long the installer needs by earlier builds.
    """

    kind: EventKind
    build_id: str
    step: str
    text: str
    at: float
    percent: int | None = None
    left_s: float | None = None
    evidence: Evidence | None = field(default=None, repr=False)


Listener = Callable[[Event], None]
# Build ID, role of the server, and the window of its console.
ConsoleListener = Callable[[str, str, str], None]
