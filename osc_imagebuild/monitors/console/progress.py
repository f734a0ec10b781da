"""Tell how far an installer is by what its console says. Pure."""

from __future__ import annotations

import re

_PERCENT = re.compile(r"\b(\d{1,2}|100) ?%")


def counted(percent: int, following: int, after: str) -> int:
    """Return how far it is between two steps by what the installer counts ``after``."""
    inside = _PERCENT.findall(after)
    share = int(inside[-1]) / 100 if inside else 0.0
    return percent + int(max(0, min(following, 99) - percent) * share)
