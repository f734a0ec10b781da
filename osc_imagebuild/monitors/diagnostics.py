"""Monitor diagnostics: the hypervisor's counters of disks, network and CPU."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from osc_imagebuild.model.readings import Counters
from osc_imagebuild.monitors import Life, Monitor, Reader

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
    counters = Counters(
        disk_bytes=_sum(disks, "read_bytes", "write_bytes"),
        network_bytes=_sum(nics, "rx_octets", "tx_octets"),
        cpu_s=_sum(data.get("cpu_details") or (), "time") / 1e9,
        cut_off=_cut_off(nics),
    )
    return counters if counters != Counters(cut_off=counters.cut_off) else None


def _cut_off(nics: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one way was never used; which one it is depends on the interface's type.

    Source: libvirt, virNetDevTapInterfaceStats is told to swap the two, unless
    virDomainNetTypeSharesHostView (of src/conf/domain_conf.c).
    """
    counted = [n for n in nics if None not in (n.get("rx_octets"), n.get("tx_octets"))]
    ways = (_sum(counted, "rx_octets"), _sum(counted, "tx_octets"))
    return bool(counted) and len(counted) == len(list(nics)) and min(ways) == 0


def _sum(items: Iterable[Mapping[str, Any]], *keys: str) -> float:
    return float(sum(item.get(key) or 0 for item in items for key in keys))


def alive(old: Counters, new: Counters, seconds: float) -> bool:
    """Whether the guest has done anything in ``seconds`` worth the name."""
    if old.cut_off and not new.cut_off:
        return True
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


class DiagnosticsMonitor:
    """Nova's counters, for those who may see them."""

    name = NAME
    life = Life.GUEST
    is_cheap = False
    # A second time before a trouble ends the build (`verdict.TROUBLE_S`).
    every_s = 110.0
    unseen_s = math.inf
    replaced_by: frozenset[str] = frozenset()

    def read(self, reader: Reader) -> Counters | None:
        """Ask Nova."""
        return reader.diagnostics()

    def alive(self, old: Counters, new: Counters, seconds: float) -> bool:
        """Whether the guest has done anything worth the name."""
        return alive(old, new, seconds)

    def dump(self, value: Counters) -> list[float]:
        """Return them as a list."""
        counters = [value.disk_bytes, value.network_bytes, value.cpu_s]
        return [*counters, float(value.cut_off)]

    def load(self, data: Any) -> Counters:
        """Return the counters of such a list."""
        disk, network, cpu, *cut_off = map(float, data)
        return Counters(disk, network, cpu, cut_off == [1.0])


MONITOR: Monitor = DiagnosticsMonitor()
