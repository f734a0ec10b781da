"""Tell how long the steps of a build took, and how long they were to take. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from osc_imagebuild.builds.record import RETRY, Record
from osc_imagebuild.engine import recipe
from osc_imagebuild.model.names import Status
from osc_imagebuild.steps.install import Install

# More than the steps of a build that was tried again as often as one may.
MOST_STEPS = 120


class Pace(StrEnum):
    """What became of one step."""

    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"  # by somebody who cancelled the build
    RUNNING = "running"
    AHEAD = "to come"
    MISSED = "not reached"
    AGAIN = "tried again"  # no step: from here on somebody tried it again


# What becomes of the last step of a build that is not complete.
_LAST = {
    Status.FAILED: Pace.FAILED,
    Status.CANCELLED: Pace.STOPPED,
    Status.BUILDING: Pace.RUNNING,
}


@dataclass(frozen=True)
class Stretch:
    """A step in its time; seconds, None where they are not known.

    ``after_s`` is from the build's begin to the step's, ``expected_s`` how long the step
    took in earlier builds.
    """

    step: str
    pace: Pace
    after_s: float | None = None
    took_s: float | None = None
    expected_s: float | None = None


def stretches(
    build: Record, now: float, earlier: Record | None = None
) -> tuple[Stretch, ...]:
    """Return the steps of a build in order: those that were, and those that were planned.

    ``now`` is the cloud's time. ``earlier`` is the build that the times are compared
    with, None where there is none.
    """
    expected = durations(earlier, now) if earlier else {}
    if build.spec.installer.expected_s:
        expected[Install.name] = float(build.spec.installer.expected_s)
    were = build.steps[-MOST_STEPS:]
    over_at = build.updated_at if build.is_over else now
    follows = (*were[1:], ("", over_at))
    passed = [
        _passed(build, at, then, expected.get(at[0]))
        for at, then in zip(were, follows, strict=False)
    ]
    pace = Pace.MISSED if build.is_over else Pace.AHEAD
    ahead = () if build.status == Status.COMPLETE else _ahead(build)
    return (*passed, *(Stretch(s, pace, expected_s=expected.get(s)) for s in ahead))


def durations(build: Record, now: float) -> dict[str, float]:
    """Return how long each step of a build took, the last time that it was gone through."""
    own = stretches(build, now)
    return {s.step: s.took_s for s in own if s.took_s is not None and s.step != RETRY}


def total_s(build: Record, now: float) -> float:
    """Return how long a build took, or has been at work, since its begin."""
    return max(0.0, (build.updated_at if build.is_over else now) - build.begun_at)


def _passed(
    build: Record,
    begun: tuple[str, float],
    then: tuple[str, float],
    expected_s: float | None,
) -> Stretch:
    """Return a step that was begun, before what came ``then``, '' for nothing yet.

    When a step failed that was tried again later is not known: nothing was done between.
    """
    (name, at), (next_name, end) = begun, then
    after_s = max(0.0, at - build.created_at)
    if name == RETRY:
        return Stretch(name, Pace.AGAIN, after_s)
    if next_name == RETRY:
        return Stretch(name, Pace.FAILED, after_s, None, expected_s)
    pace = Pace.DONE if next_name else _LAST.get(build.status, Pace.DONE)
    return Stretch(name, pace, after_s, max(0.0, end - at), expected_s)


def _ahead(build: Record) -> Sequence[str]:
    """Return the steps that are planned behind the last one that was begun."""
    planned = [step.name for step in recipe.of(build.spec)]
    seen = [name for name, _ in build.steps if name in planned]
    return planned[planned.index(seen[-1]) + 1 :] if seen else planned


def is_slow(stretch: Stretch) -> bool:
    """Whether a step took much longer than it was to take."""
    if stretch.took_s is None or not stretch.expected_s:
        return False
    return stretch.took_s > 1.5 * stretch.expected_s + 30


def share(stretches: Sequence[Stretch]) -> Mapping[int, tuple[float, float]]:
    """Return where each step is in the time of all of them, and its length, in per cent."""
    whole = sum(s.took_s or 0.0 for s in stretches) or 1.0
    found, passed = {}, 0.0
    for number, stretch in enumerate(stretches):
        if stretch.took_s is not None:
            found[number] = 100 * passed / whole, 100 * stretch.took_s / whole
            passed += stretch.took_s
    return found
