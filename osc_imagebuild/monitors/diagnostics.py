"""Monitor diagnostics: the hypervisor's counters of disks, network and CPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from osc_imagebuild.monitors.readings import Counters

NAME = "diagnostics"

# Others' broadcasts reach every guest; an idle one writes a log now and then.
LEAST_NETWORK_BYTES = 1024 * 1024
LEAST_DISK_BYTES = 64 * 1024
# Of a waiting installer's CPU time a fiftieth was measured; a busy one is above
# this part of one CPU.
LEAST_CPU = 0.1


def parse(data: Mapping[str, Any]) -> Counters | None:
    """Return the counters in Nova's answer, None where there are none.

    Source: Nova's API reference, GET /servers/{id}/diagnostics from 2.48 on;
    drivers leave out what they do not know.
    """
    disks, nics = data.get("disk_details") or (), data.get("nic_details") or ()
    found = Counters(
        disk_bytes=_sum(disks, "read_bytes", "write_bytes"),
        network_bytes=_sum(nics, "rx_octets", "tx_octets"),
        cpu_s=_sum(data.get("cpu_details") or (), "time") / 1e9,
    )
    return found if found != Counters() else None


def _sum(items: Iterable[Mapping[str, Any]], *keys: str) -> float:
    return float(sum(item.get(key) or 0 for item in items for key in keys))


def alive(old: Counters, new: Counters, seconds: float) -> bool:
    """Whether the guest has done anything in ``seconds`` worth the name."""
    grown = (
        new.disk_bytes - old.disk_bytes,
        new.network_bytes - old.network_bytes,
        new.cpu_s - old.cpu_s,
    )
    if min(grown) < 0:
        return True  # counted anew: the guest was restarted
    disk, network, cpu = grown
    return (
        disk >= LEAST_DISK_BYTES
        or network >= LEAST_NETWORK_BYTES
        or cpu > LEAST_CPU * max(seconds, 1.0)
    )
