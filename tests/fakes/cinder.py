"""Cinder: volumes and snapshots, as a member of a project sees them."""

from __future__ import annotations

import ast
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.clock import World, iso
from tests.fakes.glance import Glance
from tests.fakes.machines import Disk
from tests.fakes.wire import Call, Refusal, Reply, Service, route

CREATE_S = 4.0
DELETE_S = 3.0
UPLOADED_S = 6.0
_CORE = ("container_format", "disk_format", "image_id", "image_name", "min_ram", "size")
_SOURCES = ("snapshot_id", "source_volid", "imageRef")
_VOLUME = "/v3/volumes/(?P<item_id>[^/]+)"
_SNAPSHOT = "/v3/snapshots/(?P<item_id>[^/]+)"


@dataclass(kw_only=True)
class FakeVolume(Disk):
    """A volume; ``properties`` is its image metadata. ``due`` is its next change."""

    id: str
    name: str
    project: str
    created: float
    size: int
    metadata: dict[str, str]
    status: str = "creating"
    server: str = ""
    image: str = ""
    zone: str = ""
    kind: str = ""
    encrypted: bool = False
    bootable: bool = False
    due: float = 0.0
    made_of: dict[str, str] = field(default_factory=dict)

    def attach(self, server_id: str) -> None:
        """A server has it."""
        self.status, self.server = "in-use", server_id

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        found: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "size": self.size,
            "metadata": self.metadata,
            "availability_zone": self.zone,
            "volume_type": self.kind,
            "encrypted": self.encrypted,
            "bootable": str(self.bootable).lower(),
            "created_at": iso(self.created).removesuffix("Z") + ".000000",
            "attachments": [{"server_id": self.server}] if self.server else [],
            "snapshot_id": self.made_of.get("snapshot_id"),
            "source_volid": self.made_of.get("source_volid"),
            "os-vol-tenant-attr:tenant_id": self.project,
        }
        if self.properties:
            found["volume_image_metadata"] = self.properties
        return found


@dataclass(kw_only=True)
class FakeSnapshot(Disk):
    """A snapshot; its data are the volume's as they were."""

    id: str
    name: str
    project: str
    created: float
    size: int
    metadata: dict[str, str]
    volume_id: str
    bootable: bool = False
    status: str = "creating"
    due: float = 0.0

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "volume_id": self.volume_id,
            "size": self.size,
            "metadata": self.metadata,
            "created_at": iso(self.created).removesuffix("Z") + ".000000",
            "os-extended-snapshot-attributes:project_id": self.project,
        }


Item = FakeVolume | FakeSnapshot


@dataclass
class Troubles:
    """What goes wrong here, for a test to say."""

    creations_fail: bool = False
    uploads_fail: bool = False
    snapshots_fail: bool = False


class Cinder(Service):
    """``limits`` are quotas of each project; the first of the ``zones`` is default."""

    name = "volume"

    def __init__(self, world: World, glance: Glance) -> None:
        super().__init__()
        self._world, self._glance = world, glance
        self.volumes: dict[str, FakeVolume] = {}
        self.snapshots: dict[str, FakeSnapshot] = {}
        self.admins = False  # who then reach by ID what other projects have
        self.zones = ["nova"]
        self.limits = {"Volumes": 10, "VolumeGigabytes": 1000, "Snapshots": 10}
        self.troubles = Troubles()
        # The first one is the default; quotas of a type are in `limits` too.
        self.types: list[dict[str, Any]] = [
            {"id": "t-default", "name": "__DEFAULT__", "extra_specs": {}},
            {"id": "t-fast", "name": "fast", "extra_specs": {}},
        ]
        self.encrypted: set[str] = set()  # IDs of types
        self.converts = True  # else images are raw, and so are volumes made of them
        self.tells_encryption = False  # by default to admins only
        self.type_limits: dict[str, int] = {}  # such as volumes_fast

    # --- what the rest of the fake cloud uses

    def volume(self, project: str, volume_id: str) -> FakeVolume | None:
        """Return a project's volume."""
        found = self.volumes.get(volume_id)
        return found if found is not None and found.project == project else None

    def detach(self, server_id: str) -> None:
        """A server is gone."""
        for volume in self.volumes.values():
            if volume.server == server_id:
                volume.status, volume.server = "available", ""

    def tick(self) -> None:
        """Catch up with the time."""
        items: tuple[Item, ...] = (*self.volumes.values(), *self.snapshots.values())
        for item in items:
            if item.due and self._world.now >= item.due:
                item.due = 0.0
                self._end(item)

    def _end(self, item: Item) -> None:
        if item.status == "deleting":
            self.volumes.pop(item.id, None)
            self.snapshots.pop(item.id, None)
            return
        fails = self.troubles.creations_fail or (
            isinstance(item, FakeVolume) and self._is_to_convert(item)
        )
        if isinstance(item, FakeSnapshot):
            fails = self.troubles.snapshots_fail
        elif item.status == "uploading":
            self._end_upload(item)
            return
        item.status = "error" if fails else "available"

    def _is_to_convert(self, volume: FakeVolume) -> bool:
        """Whether it is made of an image that is not raw, and nothing is converted.

        Source: cinder.image.image_utils, check_image_conversion_disable.
        """
        image = self._glance.images.get(volume.made_of.get("imageRef", ""))
        return not self.converts and image is not None and image.disk_format != "raw"

    def _end_upload(self, volume: FakeVolume) -> None:
        image = self._glance.images.get(volume.image)
        volume.status, volume.image = "available", ""
        if image is None:
            return
        to_convert = image.disk_format != "raw" and not self.converts
        if self.troubles.uploads_fail or to_convert:
            del self._glance.images[image.id]
            return
        self._glance.end(image, volume.data)

    # --- the API

    def refusal(self, status: int, message: str) -> Reply:
        """An error in Cinder's shape."""
        kind = {400: "badRequest", 404: "itemNotFound", 413: "overLimit"}
        key = kind.get(status, "computeFault")
        return Reply(status, {key: {"code": status, "message": message}})

    @route("GET", "/v3/?")
    @route("GET", "/?")
    def discover(self, call: Call) -> Reply:
        """Tell the version."""
        link = {"rel": "self", "href": "http://cinder.fake/v3/"}
        version = {"id": "v3.0", "status": "CURRENT", "links": [link]}
        shown = {**version, "version": "3.71", "min_version": "3.0"}
        return Reply(200, {"versions": [shown]})

    @route("GET", "/v3/(?P<kind>volumes|snapshots)/detail")
    def list(self, call: Call, kind: str) -> Reply:
        """List the project's, by metadata."""
        if "3.22" not in call.headers.get("OpenStack-API-Version", ""):
            raise Refusal(400, "Invalid filters metadata are found in query options.")
        wanted = ast.literal_eval(call.one("metadata") or "{}").items()
        items: dict[str, Any] = getattr(self, kind)
        of = call.one("volume_id")
        found = [
            item.shown()
            for item in items.values()
            if item.project == call.project
            and wanted <= item.metadata.items()
            and (of is None or item.volume_id == of)
        ]
        found.sort(key=lambda item: (item["created_at"], item["id"]), reverse=True)
        return self.listing(call, kind, found)

    @route("GET", "/v3/os-availability-zone")
    def list_zones(self, call: Call) -> Reply:
        """List all."""
        zones = [{"zoneName": z, "zoneState": {"available": True}} for z in self.zones]
        return Reply(200, {"availabilityZoneInfo": zones})

    @route("GET", "/v3/limits")
    def show_limits(self, call: Call) -> Reply:
        """Tell quotas and what is used of them."""
        used = self._used(call.project)
        absolute = {f"maxTotal{key}": value for key, value in self.limits.items()}
        absolute |= {
            f"total{key.replace('VolumeG', 'G')}Used": used[key] for key in used
        }
        return Reply(200, {"limits": {"absolute": absolute, "rate": []}})

    def _used(self, project: str) -> dict[str, int]:
        mine = [v for v in self.volumes.values() if v.project == project]
        taken = [s for s in self.snapshots.values() if s.project == project]
        sizes = sum(v.size for v in mine) + sum(s.size for s in taken)
        return {
            "Volumes": len(mine),
            "Snapshots": len(taken),
            "VolumeGigabytes": sizes,
        }

    @route("GET", "/v3/types")
    def list_types(self, call: Call) -> Reply:
        """List all, each with what users may see of it."""
        return Reply(200, {"volume_types": self.types})

    @route("GET", "/v3/types/(?P<type_id>[^/]+)/encryption")
    def show_encryption(self, call: Call, type_id: str) -> Reply:
        """Tell whether volumes of a type are encrypted."""
        if not self.tells_encryption:
            raise Refusal(403, "Policy doesn't allow volume_type_encryption:get")
        luks = {"volume_type_id": type_id, "provider": "luks"}
        return Reply(200, luks if type_id in self.encrypted else {})

    @route("GET", "/v3/os-quota-sets/(?P<project_id>[^/]+)")
    def show_quotas(self, call: Call, project_id: str) -> Reply:
        """Tell quotas by type, with their use."""
        shown = {
            f"{what}_{kind['name']}": {
                "limit": self.type_limits.get(f"{what}_{kind['name']}", -1),
                "in_use": self._used_of(call.project, kind["name"], what),
                "reserved": 0,
            }
            for kind in self.types
            for what in ("volumes", "snapshots", "gigabytes")
        }
        return Reply(200, {"quota_set": {"id": project_id, **shown}})

    def _used_of(self, project: str, kind: str, what: str) -> int:
        mine = [
            volume
            for volume in self.volumes.values()
            if (volume.project, volume.kind) == (project, kind)
        ]
        return {"volumes": len(mine), "gigabytes": sum(v.size for v in mine)}.get(
            what, 0
        )

    def _kind(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """The type of a new volume: what is asked for, its source's, or the default.

        Source: cinder.volume.flows.api.create_volume, _get_volume_type.
        """
        wanted = body.get("volume_type")
        source = self.volumes.get(body.get("source_volid", ""))
        if snapshot := self.snapshots.get(body.get("snapshot_id", "")):
            source = self.volumes.get(snapshot.volume_id)
        own = source.kind if source else ""
        for kind in self.types:
            if (wanted or own or self.types[0]["name"]) in (kind["id"], kind["name"]):
                if own and kind["name"] != own:
                    raise Refusal(400, "Invalid volume_type provided: not compatible")
                return kind
        raise Refusal(404, f"Volume type {wanted} could not be found.")

    def _require_room(self, project: str, **needs: int) -> None:
        used = self._used(project)
        for key, need in needs.items():
            if 0 <= self.limits[key] < used[key] + need:
                raise Refusal(413, f"{key} quota exceeded")

    @route("POST", "/v3/volumes", "create volume")
    def create(self, call: Call) -> Reply:
        """Make a volume: blank, or of an image, a volume or a snapshot."""
        body = call.json["volume"]
        source, smallest = self._source(call, body)
        size = body.get("size") or smallest
        if size < smallest:
            raise Refusal(400, f"Size of specified source is larger: {smallest} GB")
        self._require_room(call.project, Volumes=1, VolumeGigabytes=size)
        zone = body.get("availability_zone") or self.zones[0]
        if zone not in self.zones:
            raise Refusal(400, f"Availability zone '{zone}' is invalid.")
        kind = self._kind(call, body)
        volume = FakeVolume(
            kind=kind["name"],
            encrypted=kind["id"] in self.encrypted,
            data=source.data,
            properties=dict(source.properties),
            id=str(uuid.uuid4()),
            name=body.get("name") or "",
            project=call.project,
            created=self._world.now,
            size=size,
            zone=zone,
            metadata=_checked(body.get("metadata") or {}),
            due=self._world.now + CREATE_S,
            bootable=bool(body.get("imageRef")) or getattr(source, "bootable", False),
            made_of={key: body[key] for key in _SOURCES if body.get(key)},
        )
        self.volumes[volume.id] = volume
        return Reply(202, {"volume": volume.shown()})

    def _source(self, call: Call, body: dict[str, Any]) -> tuple[Disk, int]:
        """What it is made of, and its least size."""
        if image_id := body.get("imageRef"):
            image = self._glance.images.get(image_id)
            if image is None or image.owner != call.project:
                raise Refusal(400, "Invalid image identifier or unable to access")
            if image.status != "active":
                raise Refusal(400, f"Image {image_id} is not active.")
            known = {**image.properties, **dict.fromkeys(_CORE, "x")}
            known["image_id"] = image_id
            return Disk(image.data, known), max(1, image.min_disk)
        if volume_id := body.get("source_volid"):
            volume = self._find(self.volumes, call, volume_id)
            if volume.status not in ("available", "in-use"):
                raise Refusal(400, "Invalid volume: Source volume is not available")
            return volume, volume.size
        if snapshot_id := body.get("snapshot_id"):
            snapshot = self._find(self.snapshots, call, snapshot_id)
            return snapshot, snapshot.size
        return Disk(b"", {}), 1

    def _find(self, kept: dict[str, Any], call: Call, item_id: str) -> Any:
        found = kept.get(item_id)
        if found is None or not (self.admins or found.project == call.project):
            raise Refusal(404, f"{item_id} could not be found.")
        return found

    @route("GET", _VOLUME)
    def show(self, call: Call, item_id: str) -> Reply:
        """Show a volume."""
        return Reply(200, {"volume": self._find(self.volumes, call, item_id).shown()})

    @route("GET", _SNAPSHOT)
    def show_snapshot(self, call: Call, item_id: str) -> Reply:
        """Show a snapshot."""
        found = self._find(self.snapshots, call, item_id)
        return Reply(200, {"snapshot": found.shown()})

    @route("PUT", _VOLUME, "rename volume")
    def rename(self, call: Call, item_id: str) -> Reply:
        """Give it another name."""
        self._find(self.volumes, call, item_id).name = call.json["volume"]["name"]
        return self.show(call, item_id)

    @route("PUT", _SNAPSHOT, "rename snapshot")
    def rename_snapshot(self, call: Call, item_id: str) -> Reply:
        """Give it another name; metadata are refused here."""
        if set(call.json["snapshot"]) > {"name", "description"}:
            raise Refusal(400, "Additional properties are not allowed")
        self._find(self.snapshots, call, item_id).name = call.json["snapshot"]["name"]
        return self.show_snapshot(call, item_id)

    @route("PUT", f"{_VOLUME}/metadata", "set volume metadata")
    def set_metadata(self, call: Call, item_id: str) -> Reply:
        """Replace them all."""
        found = self._find(self.volumes, call, item_id)
        found.metadata = _checked(call.json["metadata"])
        return Reply(200, {"metadata": found.metadata})

    @route("PUT", f"{_SNAPSHOT}/metadata", "set snapshot metadata")
    def set_snapshot_metadata(self, call: Call, item_id: str) -> Reply:
        """Replace them all."""
        found = self._find(self.snapshots, call, item_id)
        found.metadata = _checked(call.json["metadata"])
        return Reply(200, {"metadata": found.metadata})

    @route("POST", f"{_VOLUME}/action", "volume action")
    def act(self, call: Call, item_id: str) -> Reply:
        """Carry out one action."""
        volume = self._find(self.volumes, call, item_id)
        name, arguments = next(iter(call.json.items()))
        if name == "os-set_image_metadata":
            volume.properties |= _checked(arguments["metadata"])
            return Reply(200, {"metadata": volume.properties})
        if name == "os-unset_image_metadata":
            if arguments["key"] not in volume.properties:
                raise Refusal(404, "Glance metadata for volume cannot be found.")
            del volume.properties[arguments["key"]]
            return Reply(200)
        if name == "os-set_bootable":
            volume.bootable = arguments["bootable"]
            return Reply(200)
        if name == "os-volume_upload_image":
            return self._upload(call, volume, arguments)
        raise Refusal(400, f"There is no such action: {name}")

    def _upload(self, call: Call, volume: FakeVolume, arguments: Any) -> Reply:
        if volume.status != "available":
            raise Refusal(
                400, f"Invalid volume: status must be available, not {volume}"
            )
        kept = {k: v for k, v in volume.properties.items() if k not in _CORE}
        self._glance.require(kept | {"disk_format": arguments["disk_format"]})
        image = self._glance.add(
            call.project,
            name=arguments["image_name"],
            visibility=arguments["visibility"],
            disk_format=arguments["disk_format"],
            container_format=arguments["container_format"],
            properties=kept,
        )
        self._glance.begin(image)
        volume.status, volume.image = "uploading", image.id
        volume.due = self._world.now + UPLOADED_S
        return Reply(202, {"os-volume_upload_image": {"image_id": image.id}})

    @route("DELETE", _VOLUME, "delete volume")
    def delete(self, call: Call, item_id: str) -> Reply:
        """Delete it, unless something needs it."""
        volume = self._find(self.volumes, call, item_id)
        if volume.status not in ("available", "error"):
            raise Refusal(
                400, "Invalid volume: Volume status must be available or error"
            )
        snapshots = [s for s in self.snapshots.values() if s.volume_id == item_id]
        if snapshots and call.one("cascade") != "true":
            raise Refusal(400, "Invalid volume: it must not have snapshots")
        for snapshot in snapshots:
            if snapshot.status not in ("available", "error", "deleting"):
                raise Refusal(400, "Invalid volume: a snapshot of it is in use")
            snapshot.status, snapshot.due = "deleting", self._world.now + DELETE_S
        volume.status, volume.due = "deleting", self._world.now + DELETE_S
        return Reply(202)

    @route("POST", "/v3/snapshots", "create snapshot")
    def take(self, call: Call) -> Reply:
        """Take a snapshot of a volume that is available."""
        body = call.json["snapshot"]
        volume = self._find(self.volumes, call, body["volume_id"])
        if volume.status != "available":
            raise Refusal(400, "Invalid volume: Volume status must be available")
        self._require_room(call.project, Snapshots=1, VolumeGigabytes=volume.size)
        snapshot = FakeSnapshot(
            data=volume.data,
            properties=dict(volume.properties),
            id=str(uuid.uuid4()),
            name=body.get("name") or "",
            project=call.project,
            created=self._world.now,
            size=volume.size,
            metadata=_checked(body.get("metadata") or {}),
            volume_id=volume.id,
            bootable=volume.bootable,
            due=self._world.now + CREATE_S,
        )
        self.snapshots[snapshot.id] = snapshot
        return Reply(202, {"snapshot": snapshot.shown()})

    @route("DELETE", _SNAPSHOT, "delete snapshot")
    def delete_snapshot(self, call: Call, item_id: str) -> Reply:
        """Delete it."""
        snapshot = self._find(self.snapshots, call, item_id)
        if snapshot.status not in ("available", "error"):
            raise Refusal(400, "Invalid snapshot: status must be available or error")
        snapshot.status, snapshot.due = "deleting", self._world.now + DELETE_S
        return Reply(202)


def _checked(metadata: dict[str, str]) -> dict[str, str]:
    for key, value in metadata.items():
        if not 0 < len(key) <= 255:
            raise Refusal(400, "Metadata property key length is wrong")
        if len(value) > 255:
            raise Refusal(413, "Metadata property value greater than 255 characters")
    return dict(metadata)
