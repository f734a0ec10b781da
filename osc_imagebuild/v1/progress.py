"""Show a build's events on stderr: a live line on a terminal, else plain lines."""

from __future__ import annotations

import contextlib
import os
import sys
import unicodedata
from typing import TYPE_CHECKING, TextIO

from osc_imagebuild.v1.columns import line, plain
from osc_imagebuild.v1.door import Door
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.engine.events import Event

PLAIN_EVERY_S = 60.0
# Of a terminal that does not tell its size.
COLUMNS, LINES = 80, 24


def about(seconds: float) -> str:
    """Return a time as people say it."""
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes > 1 else "about a minute"


def fitting(text: str, columns: int) -> tuple[str, int]:
    """Return the begin of ``text`` that fits into ``columns``, and how many it takes.

    Source: Unicode's UAX 11: wide characters take two columns.
    """
    used = 0
    for at, char in enumerate(text):
        width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        width = 0 if unicodedata.combining(char) else width
        if used + width > columns:
            return text[:at], used
        used += width
    return text, used


def size(stream: Door) -> tuple[int, int]:
    """Return columns and lines of a terminal, which may change at any time."""
    from osc_imagebuild.model.numbers import whole_number

    told = whole_number(os.environ.get("COLUMNS"), 1, 9999) or 0
    lines = 0
    with contextlib.suppress(OSError, ValueError):
        found = os.get_terminal_size(stream.fileno())
        told, lines = told or found.columns, found.lines
    return told or COLUMNS, lines or LINES


class Progress:
    """A listener for one build; ``build_id`` holds its ID once known."""

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self._stream = Door.of(stream or sys.stderr)
        self._live = self._stream.isatty()
        self._quiet = quiet
        self._began = 0.0
        self._printed = float("-inf")
        self._last_text = ""
        self._width = 0
        self._best = 0
        self.build_id: list[str] = []

    def note(self, text: str) -> None:
        """Print a line that stays; what has several, under the first one."""
        if not self._quiet:
            self._clear()
            self._stream.write("\n    ".join(plain(text).splitlines()) + "\n")
            self._stream.flush()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        from osc_imagebuild.engine.events import EventKind

        self._began = self._began or event.at
        if event.kind == EventKind.CREATED:
            self.build_id[:] = [event.build_id]
            self.note(line(f"build {event.build_id} of {event.text}"))
        elif event.kind in (EventKind.NOTE, EventKind.AGAIN):
            self.note(f"{self._elapsed(event)} {worded(event.text)}")
        elif event.kind == EventKind.STEP:
            self.build_id[:] = [event.build_id]
            self.note(f"{self._elapsed(event)} {event.step}")
        else:
            self._wait(event)

    def _wait(self, event: Event) -> None:
        # A look that sees less of the console must not turn progress back.
        self._best = max(self._best, event.percent or 0)
        part = f"{self._best:3d} % " if self._best else ""
        remaining = "" if event.left_s is None else f", {about(event.left_s)} left"
        told = plain(
            f"{self._elapsed(event)} {event.step}: {part}{event.text}{remaining}"
        )
        if self._live and not self._quiet:
            self._clear()
            # One less: some terminals go on to the next line with the last column.
            shown, self._width = fitting(
                " ".join(told.splitlines()), self._columns() - 1
            )
            self._stream.write(shown)
            self._stream.flush()
        elif event.text != self._last_text or event.at - self._printed >= PLAIN_EVERY_S:
            self._printed, self._last_text = event.at, event.text
            self.note(told)

    def _elapsed(self, event: Event) -> str:
        minutes, seconds = divmod(int(event.at - self._began), 60)
        return f"[{minutes:3d}:{seconds:02d}]"

    def _columns(self) -> int:
        return size(self._stream)[0]

    def _clear(self) -> None:
        if self._width:
            width = min(self._width, self._columns() - 1)
            self._stream.obeyed("\r" + " " * width + "\r")
            self._width = 0

    def console(self, tail: str) -> None:
        """Print the last screenful of a failed guest's console."""
        if tail:
            self.note("--- the last of the console:")
            for line in tail.splitlines()[-24:]:
                self.note(f"    {line}")
            self.note("---")

    def end(self) -> None:
        """Take the live line away."""
        self._clear()
        self._stream.flush()
