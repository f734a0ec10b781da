"""What Nova tells before a server is made: flavors, zones, quotas."""

from __future__ import annotations

from typing import Any

from tests.fakes.machines import FakeServer
from tests.fakes.wire import Call, Refusal, Reply, Service, route


def flavor(name: str, ram: int, disk: int, vcpus: int = 1) -> dict[str, Any]:
    """Return a flavor as JSON."""
    shown = {"id": f"f-{name}", "name": name, "ram": ram, "disk": disk}
    return {**shown, "vcpus": vcpus, "OS-FLV-EXT-DATA:ephemeral": 0, "swap": ""}


class NovaPlanning(Service):
    """``limits`` are quotas of each project; ``hypervisors`` for admins only."""

    name = "compute"

    def __init__(self) -> None:
        super().__init__()
        self.servers: dict[str, FakeServer] = {}
        self.flavors = [
            flavor("m1.nano", 128, 1),
            flavor("m1.tiny", 512, 1),
            flavor("m1.small", 2048, 10),
        ]
        self.limits = {"Instances": 10, "Cores": 20, "RAMSize": 51200}
        self.most_metadata = 128
        self.zones = ["nova"]
        self.hypervisors: list[str] | None = None

    @route("GET", "/v2.1/flavors/detail")
    def list_flavors(self, call: Call) -> Reply:
        """List all."""
        return self.listing(call, "flavors", self.flavors)

    @route("GET", "/v2.1/os-availability-zone")
    def list_zones(self, call: Call) -> Reply:
        """List all."""
        zones = [{"zoneName": z, "zoneState": {"available": True}} for z in self.zones]
        return Reply(200, {"availabilityZoneInfo": zones})

    @route("GET", "/v2.1/os-hypervisors/detail")
    def list_hypervisors(self, call: Call) -> Reply:
        """For admins only, unless `hypervisors` is set."""
        if self.hypervisors is None:
            raise Refusal(403, "Policy doesn't allow os_compute_api:os-hypervisors")
        kinds = [{"hypervisor_type": kind} for kind in self.hypervisors]
        return Reply(200, {"hypervisors": kinds})

    @route("GET", "/v2.1/limits")
    def show_limits(self, call: Call) -> Reply:
        """Tell quotas and what is used of them."""
        used = self.used(call.project)
        absolute = {f"maxTotal{key}": value for key, value in self.limits.items()}
        absolute["maxServerMeta"] = self.most_metadata
        absolute |= {f"total{key.replace('Size', '')}Used": used[key] for key in used}
        return Reply(200, {"limits": {"absolute": absolute, "rate": []}})

    def used(self, project: str) -> dict[str, int]:
        mine = [s.flavor for s in self.servers.values() if s.project == project]
        return {
            "Instances": len(mine),
            "Cores": sum(f["vcpus"] for f in mine),
            "RAMSize": sum(f["ram"] for f in mine),
        }
