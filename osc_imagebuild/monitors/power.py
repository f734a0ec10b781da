"""Monitor power: how often to look, and what being off means."""

from __future__ import annotations


def poll_interval(elapsed_s: float) -> float:
    """Seconds between two looks: quick at first, two a minute later on.

    Two looks a minute and one sign of life are six calls.
    """
    return min(30.0, max(4.0, elapsed_s / 8))
