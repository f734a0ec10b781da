"""Show the events of several builds on stderr: a live table on a terminal, else lines."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from osc_imagebuild.v1.columns import line, plain
from osc_imagebuild.v1.door import Door
from osc_imagebuild.v1.progress import PLAIN_EVERY_S, about, fitting, size

if TYPE_CHECKING:
    from osc_imagebuild.engine.events import Event

# A label that is longer is cut: what happens is more of use than a path.
_LABEL = 32


@dataclass
class _Row:
    """What is known of one build."""

    label: str
    began: float | None = None
    step: str = ""
    text: str = ""
    percent: int = 0
    left_s: float | None = None
    printed: float = float("-inf")
    printed_text: str = ""

    def told(self, at: float) -> str:
        """Return its line: time, step, per cent, what its guest does, time left."""
        minutes, seconds = divmod(
            int(at - (at if self.began is None else self.began)), 60
        )
        percent = f"{self.percent:3d} % " if self.percent else ""
        left = "" if self.left_s is None else f", {about(self.left_s)} left"
        label = line(self.label)[-_LABEL:]
        what = f"{percent}{line(self.text)}{left}"
        step = f"{self.step}: {what}" if what else self.step
        return f"{label:{_LABEL}} [{minutes:3d}:{seconds:02d}] {step}"


class Board:
    """A listener for several builds, which are known by labels of their own.

    ``build_id`` is what `resume` takes to go on with all of them.
    """

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self._stream = Door.of(stream or sys.stderr)
        self._live = self._stream.isatty() and not quiet
        self._quiet = quiet
        self._rows: dict[str, _Row] = {}
        self._shown = 0
        self._now = 0.0
        self.build_id = ["--all"]

    def begin(self, build_id: str, label: str) -> None:
        """Give a build a line of its own."""
        self._rows[build_id] = _Row(label)
        self.note(f"{line(label)}: build {build_id}")

    def over(self, build_id: str, text: str) -> None:
        """Take a build's line away, and say what became of it."""
        row = self._rows.pop(build_id, None)
        self.note(f"{line(row.label)}: {text}" if row else text)

    def note(self, text: str) -> None:
        """Print a line that stays, above the table."""
        if not self._quiet:
            self._clear()
            self._stream.write("\n    ".join(plain(text).splitlines()) + "\n")
            self._draw()
            self._stream.flush()

    def __call__(self, event: Event) -> None:
        """Show one event; what is told of builds of others is left out."""
        from osc_imagebuild.engine.events import EventKind

        row = self._rows.get(event.build_id)
        if row is None:
            return
        row.began = event.at if row.began is None else row.began
        row.step, self._now = event.step, event.at
        if event.kind in (EventKind.NOTE, EventKind.AGAIN):
            self.note(f"{line(row.label)}: {event.text}")
        elif event.kind == EventKind.STEP:
            row.text, row.left_s = "", None
            self._tell(row, event.at, is_new=True)
        elif event.kind == EventKind.WAIT:
            row.text, row.left_s = event.text, event.left_s
            # A look that sees less of the console must not turn progress back.
            row.percent = max(row.percent, event.percent or 0)
            self._tell(row, event.at, is_new=event.text != row.printed_text)

    def _tell(self, row: _Row, at: float, *, is_new: bool) -> None:
        if self._live:
            self._clear()
            self._draw()
            self._stream.flush()
        elif is_new or at - row.printed >= PLAIN_EVERY_S:
            row.printed, row.printed_text = at, row.text
            self.note(row.told(at))

    def _draw(self) -> None:
        """Draw a line for each build, as far as the terminal has room."""
        if not self._live:
            return
        width, lines = size(self._stream)
        rows = list(self._rows.values())[: lines - 1]
        for row in rows:
            shown, _ = fitting(row.told(self._now), width - 1)
            self._stream.write(f"{shown}\n")
        self._shown = len(rows)

    def _clear(self) -> None:
        """Take the table away, where there is one.

        Source: ECMA-48, cursor up (CUU) and erase in page (ED).
        """
        if self._shown:
            self._stream.obeyed(f"\x1b[{self._shown}A\x1b[J")
            self._shown = 0

    def console(self, tail: str) -> None:
        """Print nothing: which build it is of would not be seen."""

    def end(self) -> None:
        """Take the table away."""
        self._clear()
        self._stream.flush()
