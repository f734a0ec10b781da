"""Monitor power: what Nova says of the server, and how often to look."""

from __future__ import annotations

from osc_imagebuild.model.resources import Server

NAME = "power"

# A guest without a console is asked for its word instead, which is a call more.
SILENT_INTERVAL_S = 60.0


def state(server: Server) -> tuple[str, int, str | None]:
    """Return what a change of would be a sign of life."""
    return server.status, server.power_state, server.task_state


def poll_interval(elapsed_s: float, *, silent: bool = False) -> float:
    """Seconds between two looks: quick at first, two a minute later on.

    A look is two calls, the sign of life one a minute: below six a minute.
    """
    longest = SILENT_INTERVAL_S if silent else 30.0
    return min(longest, max(10.0, elapsed_s / 6))
