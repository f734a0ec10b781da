"""Mark the turning points of a console, and leave out what is between them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from osc_imagebuild.monitors.console import frames
from osc_imagebuild.monitors.console.scan import KERNEL, Scan
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.text import Text, quote, read_console

# Of a console, the last of which is read; lines that are shown; turning points.
LONGEST_TEXT, MOST_LINES, MOST_POINTS = 512 * 1024, 400, 60
# Lines that are shown around a turning point, at the begin, and at least at the end.
_AROUND, _FIRST, _LAST = 2, 8, 120
# What the guests of this plugin write on their consoles for it.
_OWN = "IMAGEBUILD-"


class Kind(StrEnum):
    """What a turning point is."""

    STEP = "step"
    REPORT = "report"
    FAILURE = "failure"


@dataclass(frozen=True)
class Line:
    """A line of a console; ``label`` is what it means where it is a turning point."""

    number: int
    text: str
    kind: Kind | None = None
    label: str = ""


@dataclass(frozen=True)
class Excerpt:
    """The lines of a console that are shown, of ``total`` that there are."""

    lines: tuple[Line, ...] = ()
    total: int = 0

    @property
    def left_out(self) -> int:
        """How many lines are not shown."""
        return self.total - len(self.lines)

    @property
    def points(self) -> tuple[Line, ...]:
        """The turning points."""
        return tuple(line for line in self.lines if line.kind)


def excerpt(signs: Signs, raw: str, evidence: str = "") -> Excerpt:
    """Return the part of a console that tells how it went.

    ``evidence`` is the line that the build's failure was judged by, '' where there is
    none.
    """
    text = read_console(raw[-LONGEST_TEXT:])
    points = _points(Scan(signs, text), evidence)
    shown = _shown(text, points)
    return Excerpt(
        tuple(Line(n + 1, text.shown[n], *points.get(n, (None, ""))) for n in shown),
        len(text.shown),
    )


def _points(scan: Scan, evidence: str) -> dict[int, tuple[Kind, str]]:
    """Return turning points by the numbers of their lines; the gravest wins a line."""
    text, found = scan.text, dict[int, tuple[Kind, str]]()
    for number in sorted(scan.lines([KERNEL])):
        found[number] = Kind.STEP, "a kernel starts"
    for number, line in enumerate(text.plain):
        if line.startswith(_OWN) and frames.SENTINEL not in line:
            found[number] = Kind.REPORT, "the guest reports"
    for pattern, label, percent in scan.signs.progress:
        if spot := scan.first(pattern):
            found[text.line(spot.start)] = Kind.STEP, f"{label} ({percent} %)"
    first = dict(sorted(found.items())[:MOST_POINTS])
    for pattern, sentence in scan.signs.failures:
        if spot := scan.first(pattern):
            reason = quote(sentence, spot, text).reason
            first[text.line(spot.start)] = Kind.FAILURE, reason
    shows = _last_line(text, evidence)
    if shows is not None and first.get(shows, ("",))[0] != Kind.FAILURE:
        first[shows] = Kind.FAILURE, "what shows why it failed"
    return first


def _last_line(text: Text, evidence: str) -> int | None:
    wanted = evidence.strip()
    numbers = [n for n, line in enumerate(text.shown) if wanted and wanted in line]
    return numbers[-1] if numbers else None


def _shown(text: Text, points: dict[int, tuple[Kind, str]]) -> Sequence[int]:
    """Return the numbers of the lines to show: all, or what is near to a turning point."""
    total = len(text.shown)
    packed = {n for n, line in enumerate(text.plain) if frames.SENTINEL in line}
    kept: dict[int, None] = {}
    grave = [n for n, (kind, _) in points.items() if kind == Kind.FAILURE]
    wanted = (
        *grave,
        *points,
        *(n + d for n in (*grave, *points) for d in range(-_AROUND, _AROUND + 1)),
        *range(_FIRST),
        *range(total - 1, max(-1, total - 1 - _LAST), -1),
        *range(total - 1, -1, -1),
    )
    for number in wanted:
        if len(kept) == MOST_LINES:
            break
        if 0 <= number < total and number not in packed:
            kept[number] = None
    return sorted(kept)
