"""Monitor console: what the text says about progress and failure.

The patterns belong to the family of the installer and come with the spec.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Serial consoles carry cursor movement and colours; Nova strips the escape
# byte itself, so what follows it is removed with or without it.
_ANSI = re.compile(
    r"\x1b\[[0-9;?]{0,12}[A-Za-z]|\[[0-9;?]{1,12}[A-Za-z]|\x1b[()][A-Z0-9]|\[[JKm](?!\w)"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# GNU screen repaints its status line every minute: not a sign of life.
_STATUS_LINE = re.compile(r"\[ *\(\d\*?\w+\)[^\]]*\]\[ ?\w{3} +\d+ +\d+:\d\d \]")


def clean(text: str) -> str:
    """Return ``text`` without terminal control, safe to print."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", _STATUS_LINE.sub("", _ANSI.sub("", text)))


def progress(
    patterns: Sequence[tuple[str, str, int]], text: str
) -> tuple[str, int] | None:
    """Return label and per cent of the furthest pattern found in ``text``.

    ``patterns`` are (regular expression, label, per cent) in rising order.
    """
    for pattern, label, percent in reversed(patterns):
        if re.search(pattern, text):
            return label, percent
    return None


def failure(patterns: Sequence[tuple[str, str]], text: str) -> str | None:
    """Return what the first matching failure pattern means, None if healthy.

    ``patterns`` are (regular expression, sentence); ``{0}`` in the sentence
    is what the expression matched.
    """
    for pattern, sentence in patterns:
        match = re.search(pattern, text)
        if match:
            # Of a guest's words nothing may reach a terminal as it is.
            return sentence.replace("{0}", clean(match.group(0)).strip()[:200])
    return None


def question(text: str) -> str | None:
    """Return the question that the last line asks, None where it asks nothing.

    A line that waits for an answer ends in what people are asked with; log
    lines and percentages hardly do, and not for long.
    """
    last = clean(text).rstrip().rpartition("\n")[2].strip()
    return last[:200] if re.search(r"[:?>]$", last) else None


def tail(text: str, lines: int) -> str:
    """Return the last ``lines`` lines that are not blank, cleaned."""
    kept = [line.rstrip() for line in clean(text).split("\n") if line.strip()]
    return "\n".join(kept[-lines:])
