"""Ages as people write them, such as 90d. Standard library only."""

from __future__ import annotations

from osc_imagebuild.model.numbers import whole_number

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
# A hundred years.
_MOST_S = 36_525 * 86_400


def parse(text: str) -> int:
    """Return the seconds of an age: a number and m, h, d or w, such as 90d.

    :raises: ValueError, which says what it takes
    """
    unit = _UNITS.get(text[-1:], 0)
    count = whole_number(text[:-1], 0, _MOST_S // unit) if unit else None
    if count is None:
        raise ValueError(
            f"an age is a number of minutes, hours, days or weeks, such as 30m, 12h, 90d "
            f"or 2w, not {text!r:.40}"
        )
    return count * unit


def shown(seconds: float) -> str:
    """Return an age in its largest unit that is whole, days at most, such as 90d."""
    past = max(0, int(seconds))
    for unit in ("d", "h"):
        if past >= _UNITS[unit]:
            return f"{past // _UNITS[unit]}{unit}"
    return f"{past // _UNITS['m']}m"
