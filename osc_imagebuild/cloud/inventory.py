"""What planning asks the cloud: flavors, networks, limits. Reads only."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osc_imagebuild.cloud import pages
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, NotFoundError


@dataclass(frozen=True)
class Flavor:
    """A flavor, as far as a build needs it.

    ``other_disks`` is whether its servers have a swap or an ephemeral disk too.
    """

    id: str
    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int
    other_disks: bool = False


@dataclass(frozen=True)
class Subnet:
    """An IPv4 subnet; ``pools`` are pairs of first and last address."""

    cidr: str
    gateway: str
    nameservers: tuple[str, ...]
    pools: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Network:
    """A network; ``routed`` where one of its subnets hangs on a router.

    ``router`` is whether that is seen to be one of Neutron's, which answers for the
    metadata service. ``subnet`` is the one to take an address of where none of its
    subnets has ``dhcp``.
    """

    id: str
    name: str
    external: bool
    dhcp: bool
    routed: bool
    router: bool = False
    subnet: Subnet | None = None


@dataclass(frozen=True)
class Room:
    """What quotas still allow; None where unlimited or unknown."""

    servers: int | None
    cores: int | None
    ram_mib: int | None


def flavors(api: Api) -> list[Flavor]:
    """Return the flavors that the project can use.

    :raises: CloudError
    """
    data = pages.read(api, "compute", "/flavors/detail", "flavors")
    return [
        Flavor(
            id=f["id"],
            name=f["name"],
            vcpus=int(f["vcpus"]),
            ram_mib=int(f["ram"]),
            disk_gib=int(f["disk"]),
            # Source: Nova's API reference, flavors: swap is '' for none.
            other_disks=any(
                int(f.get(key) or 0) for key in ("swap", "OS-FLV-EXT-DATA:ephemeral")
            ),
        )
        for f in data
    ]


def networks(api: Api) -> list[Network]:
    """Return the networks that the project can see.

    :raises: CloudError
    """
    found = pages.read(api, "network", "/networks", "networks")
    subnets = pages.read(api, "network", "/subnets", "subnets")
    dhcp = {s["network_id"] for s in subnets if s.get("enable_dhcp")}
    routers = _routers(api)
    routed = routers | _gateways(api, subnets)
    return [
        Network(
            id=n["id"],
            name=n["name"],
            external=bool(n.get("router:external")),
            dhcp=n["id"] in dhcp,
            routed=n["id"] in routed,
            router=n["id"] in routers,
            subnet=_subnet([s for s in subnets if s["network_id"] == n["id"]]),
        )
        for n in found
    ]


def _subnet(subnets: Sequence[Mapping[str, Any]]) -> Subnet | None:
    for subnet in subnets:
        if subnet.get("ip_version", 4) == 4:
            return Subnet(
                cidr=subnet["cidr"],
                gateway=subnet.get("gateway_ip") or "",
                nameservers=tuple(subnet.get("dns_nameservers") or ()),
                pools=tuple(
                    (pool["start"], pool["end"])
                    for pool in subnet.get("allocation_pools") or ()
                ),
            )
    return None


def used_addresses(api: Api, network_id: str) -> set[str]:
    """Return the addresses of a network's ports, as far as the project sees them.

    :raises: CloudError
    """
    ports = pages.read(api, "network", "/ports", "ports", [("network_id", network_id)])
    return {ip["ip_address"] for port in ports for ip in port.get("fixed_ips", ())}


def _routers(api: Api) -> set[str]:
    """Networks on which a router of Neutron's is seen.

    Source: neutron_lib.constants: the owners of a router's ports on tenants' networks.
    """
    owners = [
        ("device_owner", f"network:{kind}")
        for kind in (
            "router_interface",
            "router_interface_distributed",
            "ha_router_replicated_interface",
        )
    ]
    ports = pages.read(api, "network", "/ports", "ports", owners)
    return {p["network_id"] for p in ports}


def _gateways(api: Api, subnets: Sequence[Mapping[str, Any]]) -> set[str]:
    """Networks with a gateway that may be a router which a project does not see."""
    mine = _project(api)
    return {
        s["network_id"]
        for s in subnets
        if s.get("gateway_ip") and s.get("project_id") != mine
    }


def _project(api: Api) -> str:
    found: str | None = api.connection.current_project_id
    return found or ""


def security_groups(api: Api) -> dict[str, str]:
    """Return name and ID of the project's security groups, each to the name.

    :raises: CloudError
    """
    groups = pages.read(api, "network", "/security-groups", "security_groups")
    return {key: g["name"] for g in groups for key in (g["id"], g["name"])}


def zones(api: Api, service: str = "compute") -> list[str]:
    """Return the availability zones that take servers, or volumes.

    :raises: CloudError
    """
    data = api.get(service, "/os-availability-zone")["availabilityZoneInfo"]
    return [z["zoneName"] for z in data if z["zoneState"]["available"]]


def room(api: Api) -> Room:
    """Return what the project's compute quota has left.

    :raises: CloudError
    """
    limits = api.get("compute", "/limits")["limits"]["absolute"]

    def left(most: str, used: str) -> int | None:
        total = int(limits.get(most, -1))
        return None if total < 0 else total - int(limits.get(used, 0))

    return Room(
        servers=left("maxTotalInstances", "totalInstancesUsed"),
        cores=left("maxTotalCores", "totalCoresUsed"),
        ram_mib=left("maxTotalRAMSize", "totalRAMUsed"),
    )


def image_room(api: Api) -> tuple[int | None, int | None]:
    """Return how many images and how many MiB Glance's quota still allows.

    None where there is no such quota, or Glance is too old to tell.
    Source: GET /v2/info/usage, Image API 2.13.

    :raises: CloudError
    """
    try:
        usage = api.get("image", "/info/usage")["usage"]
    except NotFoundError:
        return None, None

    def left(name: str) -> int | None:
        entry = usage.get(name)
        if not entry or int(entry.get("limit", -1)) < 0:
            return None
        return int(entry["limit"]) - int(entry.get("usage", 0))

    return left("image_count_total"), left("image_size_total")


@dataclass(frozen=True)
class VolumeRoom:
    """What Cinder's quotas still allow; None where unlimited."""

    volumes: int | None
    snapshots: int | None
    gigabytes: int | None


def volume_room(api: Api) -> VolumeRoom:
    """Return what the project's volume quota has left.

    :raises: CloudError
    """
    limits = api.get("volume", "/limits")["limits"]["absolute"]

    def left(most: str, used: str) -> int | None:
        total = int(limits.get(most, -1))
        return None if total < 0 else total - int(limits.get(used, 0))

    return VolumeRoom(
        volumes=left("maxTotalVolumes", "totalVolumesUsed"),
        snapshots=left("maxTotalSnapshots", "totalSnapshotsUsed"),
        gigabytes=left("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
    )


def import_methods(api: Api) -> list[str]:
    """Return the ways in which Glance takes data by itself.

    :raises: CloudError
    """
    try:
        found = api.get("image", "/info/import")["import-methods"]["value"]
    except (NotFoundError, KeyError):
        return []
    return list(found)


def container_hypervisors(api: Api) -> list[str]:
    """Return hypervisor types that run containers, where this may be seen.

    :raises: CloudError
    """
    try:
        data = api.get("compute", "/os-hypervisors/detail")["hypervisors"]
    except CloudError as error:
        if error.status in (403, 404):
            return []  # for admins only, by default
        raise
    kinds = {str(h.get("hypervisor_type", "")).lower() for h in data}
    return sorted(kinds) if kinds and kinds <= {"lxc", "docker", "openvz"} else []


def earlier_duration_s(api: Api, os_name: str, flavor: str) -> int:
    """Return how long the installer took in earlier builds, 0 if there are none.

    The median of the last ones of the same OS and flavor that can be seen.

    :raises: CloudError
    """
    params = [
        ("imagebuild_os", os_name),
        ("imagebuild_flavor", flavor),
        ("status", "active"),
        ("sort", "created_at:desc"),
        ("limit", "9"),
    ]
    images = api.get("image", "/images", params).get("images", [])
    known = [str(i.get("imagebuild_duration_s", "")) for i in images]
    return int(statistics.median_low([int(d) for d in known if d.isdigit()] or [0]))
