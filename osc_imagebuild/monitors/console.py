"""Monitor console: its text made readable, and whether it says anything new."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

NAME = "console"

# Serial consoles carry cursor movement and colours; Nova strips the escape
# byte itself, so what follows it is removed with or without it.
_ANSI = re.compile(
    r"\x1b\[[0-9;?]{0,12}[A-Za-z]|\[[0-9;?]{1,12}[A-Za-z]|\x1b[()][A-Z0-9]"
    r"|\x1b\][^\x07\x1b\n]{0,80}(?:\x07|\x1b\\)|\[[JKm](?!\w)|\x1b[=>78cM]"
)
# A text placed somewhere on the screen begins a line of its own.
_MOVE = re.compile(r"\x1b?\[\d{1,3};\d{1,3}H|\x1b\[[HE]|\[H(?=\[\d)")
_MOVED = "\x00"
_CONTROL = re.compile(r"[\x01-\x08\x0b-\x1f\x7f-\x9f]")
# GNU screen repaints its status line every minute: not a sign of life. Then
# the cursor goes back to where it was.
_STATUS_LINE = re.compile(
    r"\x00?\[ *(?:\d\S{0,2} \w{1,20} +){0,9}\(\d\*?\w{1,20}\)[^\]\n]{0,90}\]"
    r"\[ ?\w{3} +\d+ +\d+:\d\d \][\n\x00]*"
)
# What differs each time a line is said again.
_TIMES = re.compile(
    r"\[ *\d+\.\d+\]|\b\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?\b|\b\d{4}-\d\d-\d\dT?"
    r"|\b\d+(?:\.\d+)? ?s(?:ec\w*)?\b"
)
_PERCENT = re.compile(r"\b(\d{1,2}|100) ?%")


def clean(text: str) -> str:
    """Return ``text`` without terminal control, safe to print."""
    text = text.replace(_MOVED, "").replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", _ANSI.sub("", _MOVE.sub(_MOVED, text)))
    return _STATUS_LINE.sub("", text).replace(_MOVED, "\n")


def lines(text: str) -> list[str]:
    """Return the lines of ``text`` that are not blank, cleaned."""
    return [line.rstrip() for line in clean(text).split("\n") if line.strip()]


def tail(text: str, count: int) -> str:
    """Return the last ``count`` lines that are not blank, cleaned."""
    return "\n".join(lines(text)[-count:])


def news(text: str) -> frozenset[int]:
    """Return checksums of what ``text`` says, without order and without times.

    What only says again what was said before is no sign of life.
    """
    said = {_TIMES.sub("", line).strip() for line in lines(text)}
    return frozenset(zlib.crc32(line.encode("utf-8", "replace")) for line in said)


def alive(old: frozenset[int], new: frozenset[int], seconds: float) -> bool:
    """Whether ``new`` has a line that ``old`` had not."""
    return bool(new - old)


def progress(
    patterns: Sequence[tuple[str, str, int]], text: str
) -> tuple[str, int] | None:
    """Return label and per cent of the furthest pattern found in ``text``.

    ``patterns`` are (regular expression, label, per cent) in rising order. Where
    the installer counts by itself within a step, so does the per cent.
    """
    following = 100
    for pattern, label, percent in reversed(patterns):
        found = re.search(pattern, text, re.MULTILINE)
        if found:
            return label, counted(percent, following, text[found.end() :])
        following = percent
    return None


def counted(percent: int, following: int, after: str) -> int:
    """Return how far it is between two steps by what the installer counts ``after``."""
    inside = _PERCENT.findall(after)
    share = int(inside[-1]) / 100 if inside else 0.0
    return percent + int(max(0, min(following, 99) - percent) * share)
