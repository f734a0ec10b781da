"""Tell how a command of a shell script ends, as far as can be told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple


class Stop(IntEnum):
    """How far what stands behind a command is left out."""

    NOT, LOOP, FUNCTION, SCRIPT = range(4)


class Outcome(NamedTuple):
    """How a command ends: True for success, None for unknown; and what it stops."""

    status: bool | None = None
    stop: Stop = Stop.NOT


def either(outcomes: Sequence[Outcome]) -> Outcome:
    """What can be told where one of these comes true."""
    states = {outcome.status for outcome in outcomes}
    stop = min((outcome.stop for outcome in outcomes), default=Stop.NOT)
    return Outcome(states.pop() if len(states) == 1 else None, stop)
