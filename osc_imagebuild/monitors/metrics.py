"""Monitor metrics: the same counters as the cloud's metric service keeps them.

Ceilometer measures every few minutes, so these are late but need no rights of
an administrator.
"""

from __future__ import annotations

from collections.abc import Mapping

from osc_imagebuild.model.readings import Counters
from osc_imagebuild.monitors import Monitor, Reader, diagnostics

NAME = "metrics"

# Older than this, what is kept says nothing of the present.
STALE_S = 15 * 60.0

# Source: Ceilometer's gnocchi_resources.yaml: these are cumulative, of the
# instance itself, of its disks and of its interfaces.
DISK = ("disk.device.write.bytes",)
NETWORK = ("network.incoming.bytes", "network.outgoing.bytes")
CPU = ("cpu",)
WANTED = (*DISK, *NETWORK, *CPU)

alive = diagnostics.alive


def combine(
    latest: Mapping[tuple[str, str], tuple[float, float]], now: float
) -> Counters | None:
    """Return counters from the newest measures, None where all are stale.

    ``latest`` maps (metric's name, its ID) to (time, value).
    """
    fresh = {key: value for key, (at, value) in latest.items() if now - at <= STALE_S}
    if not fresh:
        return None

    def total(names: tuple[str, ...]) -> float:
        return sum(value for (name, _), value in fresh.items() if name in names)

    counted = {name for name, _ in fresh} >= set(NETWORK)
    cut_off = counted and min(total((name,)) for name in NETWORK) == 0
    # Ceilometer counts CPU time in nanoseconds.
    return Counters(total(DISK), total(NETWORK), total(CPU) / 1e9, cut_off)


class MetricsMonitor(diagnostics.DiagnosticsMonitor):
    """The metric service's counters: later than Nova's own, and at a higher price."""

    name = NAME
    # Ceilometer measures every five minutes.
    every_s = 290.0
    replaced_by = frozenset({diagnostics.NAME})

    def read(self, reader: Reader) -> Counters | None:
        """Ask the metric service."""
        return reader.metrics()


MONITOR: Monitor = MetricsMonitor()
