"""What a build tells those who listen while it is driven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from osc_imagebuild.errors import Evidence


@dataclass(frozen=True)
class Event:
    """Something to show: a step begins, a wait goes on, a note, or another attempt.

    ``kind`` is created, step, wait, note or again; ``evidence`` is what showed that the
    attempt before failed, with kind again alone.

    ``percent`` is the guest's own sign of progress, None where it gives none;
    it never falls. ``left_s`` is how long the installer needs by earlier builds.
    """

    kind: str
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
