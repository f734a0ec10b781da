"""Read flavors, zones and quotas for planning."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.cloud import paging
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, NotFoundError
from osc_imagebuild.model.numbers import whole_number
from osc_imagebuild.model.resources import Flavor, Room, VolumeRoom

# No build takes longer; anybody who shares images can claim it.
_LONGEST_S = 24 * 3600


def flavors(api: Api) -> list[Flavor]:
    """Return the flavors that the project can use.

    :raises: CloudError
    """
    data = paging.read(api, "compute", "/flavors/detail", "flavors")
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

    return Room(
        servers=_left(limits, "maxTotalInstances", "totalInstancesUsed"),
        cores=_left(limits, "maxTotalCores", "totalCoresUsed"),
        ram_mib=_left(limits, "maxTotalRAMSize", "totalRAMUsed"),
    )


def _left(limits: Mapping[str, Any], most: str, used: str) -> int | None:
    """What a quota still allows, None where it is unlimited."""
    total = int(limits.get(most, -1))
    return None if total < 0 else total - int(limits.get(used, 0))


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


def volume_room(api: Api) -> VolumeRoom:
    """Return what the project's volume quota has left.

    :raises: CloudError
    """
    limits = api.get("volume", "/limits")["limits"]["absolute"]

    return VolumeRoom(
        volumes=_left(limits, "maxTotalVolumes", "totalVolumesUsed"),
        snapshots=_left(limits, "maxTotalSnapshots", "totalSnapshotsUsed"),
        gigabytes=_left(limits, "maxTotalVolumeGigabytes", "totalGigabytesUsed"),
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
    told = (whole_number(i.get("imagebuild_duration_s"), 1, _LONGEST_S) for i in images)
    return statistics.median_low([s for s in told if s is not None] or [0])
