"""Signals as a build's record keeps them, so that another client goes on with them.

The record is in the cloud and may hold anything: what cannot be read is left out.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from osc_imagebuild.model.readings import Counters, Signal
from osc_imagebuild.monitors import (
    console_activity,
    diagnostics,
    metrics,
    power,
    screen,
)
from osc_imagebuild.monitors.signals import TROUBLE

# A property of an image takes 64 KiB. More than this is the picture of a very
# restless screen, whose stall another client then sees later.
LIMIT = 16 * 1024
_NUMBERS = 50_000
# Clients know the cloud's time to some seconds.
SKEW_S = 30

Signals = Mapping[str, Mapping[str, Signal]]


def dump(signals: Signals) -> str:
    """Return the signals of each role as text, '' where they are too much."""
    found = {
        role: {
            name: [_DUMP.get(name, _same)(s.value), int(s.since), int(s.at)]
            for name, s in seen.items()
        }
        for role, seen in signals.items()
    }
    text = json.dumps(found, separators=(",", ":"))
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
        if name not in _LOAD or not 0 <= since <= at <= now + SKEW_S:
            continue
        try:
            known = _LOAD[name](value)
            yield name, Signal(known, float(min(since, now)), float(min(at, now)))
        except (ValueError, TypeError, OverflowError, zlib.error, struct.error):
            continue


def _same(value: Any) -> Any:
    return value


def _pack(numbers: Iterable[int]) -> str:
    raw = b"".join(struct.pack(">I", number) for number in numbers)
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def _unpack(packed: str) -> tuple[int, ...]:
    # Bounded: a hostile record must not fill the memory.
    raw = zlib.decompressobj().decompress(base64.b64decode(packed), 4 * _NUMBERS)
    return tuple(number for (number,) in struct.iter_unpack(">I", raw))


def _counters(value: Any) -> Counters:
    disk, network, cpu, *cut_off = map(float, value)
    return Counters(disk, network, cpu, cut_off == [1.0])


def _list(value: Counters) -> list[float]:
    return [value.disk_bytes, value.network_bytes, value.cpu_s, float(value.cut_off)]


_DUMP: Mapping[str, Callable[[Any], Any]] = {
    console_activity.NAME: lambda value: _pack(sorted(value)),
    screen.NAME: _pack,
    diagnostics.NAME: _list,
    metrics.NAME: _list,
}
_LOAD: Mapping[str, Callable[[Any], Any]] = {
    power.NAME: tuple,
    TROUBLE: str,
    console_activity.NAME: lambda value: frozenset(_unpack(value)),
    screen.NAME: _unpack,
    diagnostics.NAME: _counters,
    metrics.NAME: _counters,
}
