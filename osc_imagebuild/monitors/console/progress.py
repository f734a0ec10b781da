"""Tell how far an installer is by what its console says. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PERCENT = re.compile(r"\b(\d{1,2}|100) ?%")


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
