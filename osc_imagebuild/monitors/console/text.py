"""Split a console into lines whose places can be shown again."""

from __future__ import annotations

import bisect
import functools
import itertools
import re
from dataclasses import dataclass

from osc_imagebuild.monitors.console import clean

SCREEN_LINES = 24
# What boxes are drawn with.
FRAMES = " │┃|-=_*─━┌┐└┘├┤"
# Longer lines are broken: an expression may take time with the square of a line.
LONG_LINE = 500

_PLACE = re.compile(r"\{(?:line|\d)\}")
_KERNEL_TIME = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")


@dataclass(frozen=True)
class Found:
    """A sign that was found, and how often since something last went on.

    ``explains`` is False where it only says that something failed.
    """

    reason: str
    evidence: str
    times: int = 1
    explains: bool = True


class Text:
    """A console for rules: ``body`` without times, line by line as shown."""

    def __init__(self, shown: list[str], plain: list[str]) -> None:
        self.shown, self.plain = shown, plain
        self.body = "\n".join(plain)
        self.starts = [0, *itertools.accumulate(len(line) + 1 for line in plain)]

    def line(self, at: int) -> int:
        """The number of the line at a place in ``body``."""
        return max(0, bisect.bisect_right(self.starts, at) - 1)

    def lines_after(self, at: int) -> int:
        """How many lines follow that at a place in ``body``."""
        return len(self.plain) - 1 - self.line(max(0, at - 1))

    def last_screen(self) -> Text:
        """The last screenful."""
        return Text(self.shown[-SCREEN_LINES:], self.plain[-SCREEN_LINES:])


@functools.lru_cache(maxsize=4)
def read_console(raw: str) -> Text:
    """Return the text of a raw console."""
    shown = [
        line[at : at + LONG_LINE]
        for line in clean.lines(raw)
        for at in range(0, len(line), LONG_LINE)
    ]
    return Text(shown, [_KERNEL_TIME.sub("", line) for line in shown])


@dataclass(frozen=True)
class Spot:
    """What an expression found: its place in ``Text.body`` and its words."""

    start: int
    end: int
    words: str
    groups: tuple[str, ...] = ()


def quote(sentence: str, spot: Spot, text: Text, times: int = 1) -> Found:
    """Put a guest's words into a sentence; they are cleaned and cut."""
    evidence = text.shown[text.line(spot.start)].strip() if text.shown else ""
    words = {"{line}": _KERNEL_TIME.sub("", evidence), "{0}": spot.words, "{1}": ""}
    for number, group in enumerate(spot.groups, start=1):
        words[f"{{{number}}}"] = group
    reason = _PLACE.sub(lambda at: " ".join(words[at.group()].split())[:200], sentence)
    return Found(reason.rstrip(": "), evidence[:300], times)
