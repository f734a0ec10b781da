"""Write signals into a build's record and read them, for the client that takes over.

The record is in the cloud and may hold anything: what cannot be read is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from osc_imagebuild.model.readings import Signal
from osc_imagebuild.monitors import every

# A property of an image takes 64 KiB. More than this is the picture of a very
# restless screen, whose stall another client then sees later.
LIMIT = 16 * 1024
# Clients know the cloud's time to some seconds.
SKEW_S = 30

Signals = Mapping[str, Mapping[str, Signal]]


def dump(signals: Signals) -> str:
    """Return the signals of each role as text, '' where they are too much."""
    monitors = every()
    roles = {
        role: {
            name: [monitors[name].dump(s.value), int(s.since), int(s.at)]
            for name, s in seen.items()
            if name in monitors
        }
        for role, seen in signals.items()
    }
    text = json.dumps(roles, separators=(",", ":"))
    return text if len(text) <= LIMIT else ""


def load(text: str, now: float) -> dict[str, Mapping[str, Signal]]:
    """Return what `dump` was given, without what cannot be true."""
    try:
        roles = json.loads(text or "{}").items()
        return {str(role): dict(_signals(seen, now)) for role, seen in roles}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _signals(seen: Mapping[str, Any], now: float) -> Iterable[tuple[str, Signal]]:
    for name, (value, since, at) in seen.items():
        monitor = every().get(name)
        if monitor is None or not 0 <= since <= at <= now + SKEW_S:
            continue
        try:
            reading = monitor.load(value)
            yield name, Signal(reading, float(min(since, now)), float(min(at, now)))
        except (ValueError, TypeError, OverflowError):
            continue
