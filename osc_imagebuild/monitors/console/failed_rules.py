"""Read from a console which rules of a hardening profile fail. Pure.

A guest says all of them in frames; its report has room for some.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from osc_imagebuild.model.checks import FAILED_RULES, HARDENING
from osc_imagebuild.monitors.console import frames

# The word by which a guest's frames are known.
KIND = "rules"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,120}")
_MOST = 10_000
# What a text of the record may have at most, and a bit less.
_LONGEST = 16_000


def completed(
    report: Mapping[str, str], console: str | None, build_id: str
) -> dict[str, str]:
    """Return a guest's report with all rules that its console names, if it has them all.

    The console is None where it cannot be read.
    """
    if HARDENING not in report:
        return dict(report)
    names = _names(frames.decode(console or "", build_id, KIND) or b"")
    return (
        {**report, FAILED_RULES: " ".join(names)[:_LONGEST]} if names else dict(report)
    )


def _names(data: bytes) -> list[str]:
    """Return names as a guest gave them, none where one of them is not one."""
    try:
        names = json.loads(data)
    except (ValueError, RecursionError):
        return []
    if not isinstance(names, list) or len(names) > _MOST:
        return []
    good = all(isinstance(name, str) and _NAME.fullmatch(name) for name in names)
    return names if good else []
