"""A console as the rules read it: lines, with places that can be shown again."""

from __future__ import annotations

import bisect
import functools
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from osc_imagebuild.monitors import console

SCREEN_LINES = 24
# Longer lines are broken: an expression may take time with the square of a line.
LONG_LINE = 500

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
        self.shown = shown
        self._plain = plain
        self.body = "\n".join(plain)
        self._starts = [0, *itertools.accumulate(len(line) + 1 for line in plain)]

    def line(self, at: int) -> int:
        """The number of the line at a place in ``body``."""
        return max(0, bisect.bisect_right(self._starts, at) - 1)

    def lines_after(self, at: int) -> int:
        """How many lines follow that at a place in ``body``."""
        return len(self._plain) - 1 - self.line(max(0, at - 1))

    def without(self, harmless: re.Pattern[str]) -> Text:
        """The same lines, those that are harmless empty."""
        plain = ["" if harmless.search(line) else line for line in self._plain]
        # Places must stay comparable.
        return Text(
            self.shown,
            [p.ljust(len(q)) for p, q in zip(plain, self._plain, strict=True)],
        )

    def screen(self) -> str:
        """The last screenful of ``body``."""
        return "\n".join(self._plain[-SCREEN_LINES:])


@functools.lru_cache(maxsize=4)
def read(raw: str) -> Text:
    """Return the text of a raw console."""
    shown = [
        line[at : at + LONG_LINE]
        for line in console.lines(raw)
        for at in range(0, len(line), LONG_LINE)
    ]
    return Text(shown, [_KERNEL_TIME.sub("", line) for line in shown])


def either(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns))


def told(sentence: str, match: re.Match[str], text: Text, times: int = 1) -> Found:
    """Put a guest's words into a sentence; they are cleaned and cut."""
    evidence = text.shown[text.line(match.start())].strip() if text.shown else ""
    first = match.group(1) if match.re.groups else ""
    for key, words in (
        ("{line}", _KERNEL_TIME.sub("", evidence)),
        ("{0}", match.group()),
        ("{1}", first or ""),
    ):
        sentence = sentence.replace(key, " ".join(words.split())[:200])
    return Found(sentence.rstrip(": "), evidence[:300], times)
