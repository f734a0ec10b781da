"""Read flavors, zones and quotas for planning."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from functools import partial
from typing import Any

from osc_imagebuild.cloud import answers, paging
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
    return paging.read_pages(api, "compute", "/flavors/detail", "flavors", _flavor)


def _flavor(data: Mapping[str, Any]) -> Flavor:
    return Flavor(
        id=answers.text(data, "id"),
        name=answers.text(data, "name"),
        vcpus=int(data["vcpus"]),
        ram_mib=int(data["ram"]),
        disk_gib=int(data["disk"]),
        # Source: Nova's API reference, flavors: swap is '' for none.
        other_disks=any(
            answers.whole(data, key) for key in ("swap", "OS-FLV-EXT-DATA:ephemeral")
        ),
    )


def zones(api: Api, service: str = "compute") -> list[str]:
    """Return the availability zones that take servers, or volumes.

    :raises: CloudError
    """
    return api.read(service, "/os-availability-zone", _zones)


def _zones(data: Mapping[str, Any]) -> list[str]:
    listed = answers.objects(data, "availabilityZoneInfo")
    return [answers.text(z, "zoneName") for z in listed if z["zoneState"]["available"]]


def most_server_properties(api: Api) -> int | None:
    """Return how many metadata a server may have, None where there is no such limit.

    :raises: CloudError
    """
    return api.read("compute", "/limits", _most_server_properties)


def _most_server_properties(data: Mapping[str, Any]) -> int | None:
    limit = int(answers.obj(data["limits"]["absolute"]).get("maxServerMeta", -1))
    return None if limit < 0 else limit


def room(api: Api) -> Room:
    """Return what the project's compute quota has left.

    :raises: CloudError
    """
    return api.read("compute", "/limits", _room)


def _room(data: Mapping[str, Any]) -> Room:
    limits = answers.obj(data["limits"]["absolute"])
    return Room(
        servers=_remaining(limits, "maxTotalInstances", "totalInstancesUsed"),
        cores=_remaining(limits, "maxTotalCores", "totalCoresUsed"),
        ram_mib=_remaining(limits, "maxTotalRAMSize", "totalRAMUsed"),
    )


def _remaining(limits: Mapping[str, Any], most: str, used: str) -> int | None:
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
        return api.read("image", "/info/usage", _image_room)
    except NotFoundError:
        return None, None


def _image_room(data: Mapping[str, Any]) -> tuple[int | None, int | None]:
    usage = answers.obj(data["usage"])

    def remaining(name: str) -> int | None:
        entry = answers.obj(usage.get(name) or {})
        if int(entry.get("limit", -1)) < 0:
            return None
        return int(entry["limit"]) - int(entry.get("usage", 0))

    return remaining("image_count_total"), remaining("image_size_total")


def volume_room(api: Api) -> VolumeRoom:
    """Return what the project's volume quota has left.

    :raises: CloudError
    """
    return api.read("volume", "/limits", _volume_room)


def _volume_room(data: Mapping[str, Any]) -> VolumeRoom:
    limits = answers.obj(data["limits"]["absolute"])
    return VolumeRoom(
        volumes=_remaining(limits, "maxTotalVolumes", "totalVolumesUsed"),
        snapshots=_remaining(limits, "maxTotalSnapshots", "totalSnapshotsUsed"),
        gigabytes=_remaining(limits, "maxTotalVolumeGigabytes", "totalGigabytesUsed"),
    )


def import_methods(api: Api) -> list[str]:
    """Return the ways in which Glance takes data by itself.

    :raises: CloudError
    """
    try:
        return api.read("image", "/info/import", _import_methods)
    except NotFoundError:
        return []


def _import_methods(data: Mapping[str, Any]) -> list[str]:
    methods = answers.obj(data.get("import-methods") or {})
    return answers.texts(methods.get("value"))


def stores(api: Api) -> list[str]:
    """Return the IDs of the stores that Glance writes to; none where it has but one.

    Source: GET /v2/info/stores; a store of HTTP addresses is read-only.

    :raises: CloudError
    """

    def parse(data: Mapping[str, Any]) -> list[str]:
        listed = answers.objects(data, "stores")
        return [
            answers.text(store, "id")
            for store in listed
            if str(store.get("read-only", "")).lower() != "true"
        ]

    try:
        return api.read("image", "/info/stores", parse)
    except NotFoundError:
        return []


def container_hypervisors(api: Api) -> list[str]:
    """Return hypervisor types that run containers, where this may be seen.

    :raises: CloudError
    """
    try:
        kinds = api.read("compute", "/os-hypervisors/detail", _hypervisors)
    except CloudError as error:
        if error.status in (403, 404):
            return []  # for admins only, by default
        raise
    return sorted(kinds) if kinds and kinds <= {"lxc", "docker", "openvz"} else []


def _hypervisors(data: Mapping[str, Any]) -> set[str]:
    listed = answers.objects(data, "hypervisors")
    return {str(h.get("hypervisor_type", "")).lower() for h in listed}


def earlier_duration_s(
    api: Api, os_name: str, flavor: str, *, layers: bool = False
) -> int:
    """Return how long the installer took in earlier builds, 0 if there are none.

    The median of the last ones of the same OS and flavor that can be seen; with ``layers``
    of those that were made of another image, else of the others.

    :raises: CloudError
    """
    params = [
        ("imagebuild_os", os_name),
        ("imagebuild_flavor", flavor),
        ("status", "active"),
        ("sort", "created_at:desc"),
        ("limit", "9"),
    ]
    told = api.read("image", "/images", partial(_durations, layers), params)
    return statistics.median_low([s for s in told if s is not None] or [0])


def _durations(layers: bool, data: Mapping[str, Any]) -> list[int | None]:
    images = answers.objects(data, "images")
    return [
        whole_number(i.get("imagebuild_duration_s"), 1, _LONGEST_S)
        for i in images
        if bool(i.get("imagebuild_parent_id")) == layers
    ]
