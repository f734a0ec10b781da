"""Nova: servers of scripted guests, as a member of a project sees them."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable
from typing import Any

from tests.fakes.cinder import Cinder, FakeVolume
from tests.fakes.clock import World, iso
from tests.fakes.glance import Glance
from tests.fakes.guests import GuestPlan
from tests.fakes.image import FakeImage
from tests.fakes.machines import (
    DELETE_S,
    SAVED_S,
    SAVING_S,
    STOP_S,
    Disk,
    FakeServer,
)
from tests.fakes.neutron import Neutron
from tests.fakes.planning import NovaPlanning
from tests.fakes.wire import Call, Refusal, Reply, route

_SERVER = "/v2.1/servers/(?P<server_id>[^/]+)"
_USER_DATA_LIMIT = 65535
_KINDS = {400: "badRequest", 403: "forbidden", 404: "itemNotFound"}


class Nova(NovaPlanning):
    """``plan`` is how guests behave; the other attributes are the cloud's make."""

    def __init__(
        self, world: World, glance: Glance, neutron: Neutron, cinder: Cinder
    ) -> None:
        super().__init__()
        self._world, self._glance, self._neutron = world, glance, neutron
        self._cinder = cinder
        self.plan = GuestPlan()
        self.server_fault = ""
        self.first_faults: list[str] = []
        # Deleted servers that lists still show.
        self.ghosts: list[FakeServer] = []
        self.snapshots_fail = False
        # None: the policy lets administrators alone see them, as by default.
        self.counters: Callable[[FakeServer, float], dict[str, Any]] | None = None
        self.screens = False

    # --- time

    def tick(self) -> None:
        """Catch up with the time."""
        now = self._world.now
        for server in list(self.servers.values()):
            server.tick(now, self.plan)
            if server.snapshot:
                self._save(server, now - server.snapshot_at)
            if server.gone_at is not None and now >= server.gone_at:
                self._neutron.unplug(server.id)
                self._cinder.detach(server.id)
                del self.servers[server.id]

    def _save(self, server: FakeServer, since: float) -> None:
        image = self._glance.images.get(server.snapshot)
        if image is None:
            server.snapshot, server.task_state = "", None
            return
        if since >= SAVING_S and image.status == "queued":
            self._glance.begin(image)
            server.task_state = "image_uploading"
        if since >= SAVED_S:
            server.snapshot, server.task_state = "", None
            if self.snapshots_fail or server.gone_at is not None:
                del self._glance.images[image.id]
            else:
                self._glance.end(image, server.disk)

    # --- the API

    def refusal(self, status: int, message: str) -> Reply:
        """An error in Nova's shape."""
        kind = _KINDS.get(status, "conflictingRequest")
        return Reply(status, {kind: {"code": status, "message": message}})

    @route("GET", "/v2.1/?")
    def discover(self, call: Call) -> Reply:
        """Tell the version."""
        link = {"rel": "self", "href": "http://nova.fake/v2.1/"}
        version = {"id": "v2.1", "status": "CURRENT", "links": [link]}
        return Reply(
            200, {"version": {**version, "version": "2.104", "min_version": "2.1"}}
        )

    @route("GET", "/v2.1/servers(/detail)?")
    def list_servers(self, call: Call) -> Reply:
        """List the project's, by tags and name."""
        tags = set(filter(None, (call.one("tags") or "").split(",")))
        name = re.compile(call.one("name") or "")
        found = [
            server.shown() | self._attached(server)
            for server in {
                s.id: s for s in (*self.ghosts, *self.servers.values())
            }.values()
            if server.project == call.project
            and tags <= set(server.tags)
            and name.search(server.name)
        ]
        return self.listing(call, "servers", found)

    def _attached(self, server: FakeServer) -> dict[str, Any]:
        volumes = self._cinder.volumes.values()
        attached = [{"id": v.id} for v in volumes if v.server == server.id]
        return {"os-extended-volumes:volumes_attached": attached}

    @route("POST", "/v2.1/servers", "create server")
    def create(self, call: Call) -> Reply:
        """Start a server."""
        body = call.json["server"]
        if "tags" in body and "2.52" not in call.headers.get(
            "OpenStack-API-Version", ""
        ):
            raise Refusal(400, "Additional properties are not allowed ('tags')")
        size, devices = self._flavor(body), self._devices(call, body)
        self._require_quota(call.project, size)
        root = self._root(call, body, size, devices)
        server = FakeServer(
            id=str(uuid.uuid4()),
            name=body["name"],
            project=call.project,
            created=self._world.now,
            image_id=body.get("imageRef", ""),
            flavor=size,
            root=root,
            cds=tuple(cd.data for cd in devices if cd is not root),
            config_drive=bool(body.get("config_drive")),
            user_data=_user_data(body.get("user_data", "")),
            networks=self._networks(call, body),
            metadata=_metadata(body.get("metadata", {})),
            tags=_tags(body.get("tags", [])),
            zone=body.get("availability_zone", "nova"),
            hints=call.json.get("os:scheduler_hints", {}),
            fault=self._fault(root),
        )
        self._require_groups(body)
        if server.zone.split(":")[0] not in self.zones:
            raise Refusal(400, "The requested availability zone is not available")
        if self.plan.no_host & server.place:
            server.fault = "No valid host was found."
        server.asks("create", self._world.now)
        self.servers[server.id] = server
        for volume in devices:
            volume.attach(server.id)
        for nic in body["networks"] if server.networks else ():
            self._plug(call, server, nic)
        return Reply(202, {"server": {"id": server.id, "links": []}})

    def _plug(self, call: Call, server: FakeServer, nic: dict[str, str]) -> None:
        port = self._neutron.port(call.project, nic.get("port", ""))
        if port is not None:
            port |= {"device_id": server.id, "device_owner": "compute:nova"}
        else:
            address = nic.get("fixed_ip", "")
            self._neutron.plug(server.id, nic["uuid"], address=address)

    def _fault(self, root: Disk) -> str:
        """Why the server will not start, '' if it will."""
        first = self.first_faults.pop(0) if self.first_faults else ""
        return first or self.server_fault or self._unbootable(root.properties)

    def _image(self, call: Call, body: dict[str, Any]) -> FakeImage:
        image = self._glance.images.get(body.get("imageRef", ""))
        if image is None or image.owner != call.project:
            raise Refusal(400, "Can not find requested image")
        if image.status != "active":
            raise Refusal(400, f"Image {image.id} is not active.")
        return image

    def _devices(self, call: Call, body: dict[str, Any]) -> list[FakeVolume]:
        """The volumes in the order of their mapping, without a local disk.

        The image's own disk has to be named too where there are volumes beside it.
        """
        mapping = body.get("block_device_mapping_v2", [])
        indexes = [m["boot_index"] for m in mapping if m["boot_index"] is not None]
        if indexes != list(range(len(indexes))):
            raise Refusal(400, "Boot sequence for the instance is not valid")
        local = [m for m in mapping if m["destination_type"] == "local"]
        if mapping and bool(body.get("imageRef")) != bool(local):
            raise Refusal(400, "Block Device Mapping is Invalid: Boot sequence")
        if any(m["uuid"] != body["imageRef"] or m["boot_index"] != 0 for m in local):
            raise Refusal(400, "Block Device Mapping is Invalid: another root disk")
        mapping = [m for m in mapping if m not in local]
        found = [self._cinder.volume(call.project, m["uuid"]) for m in mapping]
        for volume in found:
            if volume is None or volume.status != "available":
                raise Refusal(400, "Block Device Mapping is Invalid: no such volume")
        return [volume for volume in found if volume is not None]

    def _root(
        self,
        call: Call,
        body: dict[str, Any],
        size: dict[str, Any],
        devices: list[FakeVolume],
    ) -> Disk:
        """Where the server's root disk is, and what is known of it."""
        if devices and not body.get("imageRef"):
            return devices[0]
        image = self._image(call, body)
        if image.min_disk > size["disk"] or image.min_ram > size["ram"]:
            raise Refusal(400, "Flavor's disk or memory is too small for the image")
        return Disk(image.data, dict(image.properties))

    def _unbootable(self, properties: dict[str, str]) -> str:
        for key, container in (("kernel_id", "aki"), ("ramdisk_id", "ari")):
            wanted = properties.get(key)
            part = self._glance.images.get(wanted or "")
            if wanted and not (part and part.container_format == container):
                return f"Image {wanted} could not be found."
        return ""

    def _flavor(self, body: dict[str, Any]) -> dict[str, Any]:
        for known in self.flavors:
            if known["id"] == body["flavorRef"]:
                return known
        raise Refusal(400, f"Flavor {body['flavorRef']} could not be found.")

    def _require_quota(self, project: str, size: dict[str, Any]) -> None:
        needs = {"Instances": 1, "Cores": size["vcpus"], "RAMSize": size["ram"]}
        used = self.used(project)
        for key, limit in self.limits.items():
            if 0 <= limit < used[key] + needs[key]:
                raise Refusal(403, f"Quota exceeded for {key.lower()}")

    def _network_of(self, call: Call, nic: dict[str, str]) -> str:
        """The network that a server is to be on, by its ID or by a port."""
        if "port" not in nic:
            return nic["uuid"]
        if set(nic) != {"port"}:
            raise Refusal(400, "a port has a network and addresses of its own")
        port = self._neutron.port(call.project, nic["port"])
        if port is None:
            raise Refusal(400, f"Port {nic['port']} could not be found.")
        if port["device_id"]:
            raise Refusal(409, f"Port {nic['port']} is still in use.")
        if not port["fixed_ips"]:
            raise Refusal(400, f"Port {nic['port']} requires a FixedIP.")
        return str(port["network_id"])

    def _networks(self, call: Call, body: dict[str, Any]) -> tuple[str, ...]:
        if "networks" not in body:
            raise Refusal(400, "'networks' is a required property")
        if isinstance(body["networks"], str):
            return ()
        wanted = tuple(self._network_of(call, nic) for nic in body["networks"])
        known = {n["id"] for n in self._neutron.networks}
        if not set(wanted) <= known:
            raise Refusal(400, "Network could not be found.")
        for nic in body["networks"]:
            address = nic.get("fixed_ip", "")
            if address and self._neutron.is_used(address, nic["uuid"]):
                raise Refusal(400, f"Fixed IP address {address} is already in use")
        return wanted

    def _require_groups(self, body: dict[str, Any]) -> None:
        groups = self._neutron.groups
        for group in body.get("security_groups", ()):
            wanted = group["name"]
            ids = [g["id"] for g in groups if wanted in (g["id"], g["name"])]
            if not ids:
                raise Refusal(400, f"Security group {wanted} not found.")
            if len(ids) > 1:
                text = f"Multiple security groups found matching '{wanted}'."
                raise Refusal(409, text)

    def _server(self, call: Call, server_id: str) -> FakeServer:
        server = self.servers.get(server_id)
        if server is None or server.project != call.project:
            raise Refusal(404, f"Instance {server_id} could not be found.")
        return server

    @route("GET", _SERVER)
    def show(self, call: Call, server_id: str) -> Reply:
        """Show one."""
        return Reply(200, {"server": self._server(call, server_id).shown()})

    @route("DELETE", _SERVER, "delete server")
    def delete(self, call: Call, server_id: str) -> Reply:
        """Delete it, which takes its time."""
        server = self._server(call, server_id)
        self._require_unlocked(server)
        if server.gone_at is None:
            server.asks("delete", self._world.now)
            server.gone_at = self._world.now + DELETE_S
            server.task_state = "deleting"
        return Reply(204)

    def _require_unlocked(self, server: FakeServer) -> None:
        if server.locked:
            raise Refusal(409, f"Instance {server.id} is locked")

    @route("GET", f"{_SERVER}/os-instance-actions")
    def list_actions(self, call: Call, server_id: str) -> Reply:
        """What was asked of it, the last first."""
        server = self._server(call, server_id)
        found = [
            {
                "action": action,
                "instance_uuid": server.id,
                "request_id": "req-fake",
                "user_id": "u-1",
                "project_id": server.project,
                # Nova writes no time zone here.
                "start_time": iso(at).removesuffix("Z") + ".000000",
                "message": None,
            }
            for action, at in reversed(server.asked)
        ]
        return Reply(200, {"instanceActions": found})

    @route("GET", f"{_SERVER}/os-server-password")
    def show_password(self, call: Call, server_id: str) -> Reply:
        """What the guest left."""
        return Reply(200, {"password": self._server(call, server_id).password})

    @route("GET", f"{_SERVER}/diagnostics")
    def show_diagnostics(self, call: Call, server_id: str) -> Reply:
        """The hypervisor's counters."""
        server = self._server(call, server_id)
        if self.counters is None:
            raise Refusal(403, "Policy doesn't allow os_compute_api:os-server-diag")
        return Reply(200, self.counters(server, self._world.now))

    @route("POST", f"{_SERVER}/remote-consoles")
    def show_screen(self, call: Call, server_id: str) -> Reply:
        """Where the screen can be seen; there is nobody behind that address."""
        server = self._server(call, server_id)
        console = call.json["remote_console"]
        if not self.screens or console["type"] != "novnc":
            raise Refusal(400, f"Unavailable console type {console['type']}.")
        if not server.runs:
            raise Refusal(409, f"Instance {server.id} is not running")
        url = f"http://novnc.fake/vnc_auto.html?path=%3Ftoken%3D{server.id}"
        return Reply(200, {"remote_console": {**console, "url": url}})

    @route("POST", f"{_SERVER}/action")
    def read_console(self, call: Call, server_id: str) -> Reply:
        """The one action that changes nothing; `actions` has the others."""
        return self.action(call, self._server(call, server_id))

    def action(self, call: Call, server: FakeServer) -> Reply:
        """Carry out one action."""
        name, arguments = next(iter(call.json.items()))
        if server.gone_at is not None and name != "os-getConsoleOutput":
            raise Refusal(409, f"Cannot '{name}' while task_state is deleting")
        if name == "os-getConsoleOutput":
            return self._console(server, arguments)
        if name == "os-stop":
            return self._stop(server)
        if name == "reboot":
            return self._reboot(server)
        if name == "createImage":
            return self._create_image(server, arguments)
        raise Refusal(400, f"There is no such action: {name}")

    def _console(self, server: FakeServer, arguments: dict[str, Any]) -> Reply:
        if server.status == "BUILD":
            raise Refusal(409, f"Instance {server.id} is not ready")
        if not server.runs or not self.plan.console:
            raise Refusal(404, "Unable to get console")
        lines = "\n".join(server.lines.values()).split("\n")
        kept = lines[-int(arguments.get("length") or 10_000) :]
        return Reply(200, {"output": "\n".join(kept)})

    def _stop(self, server: FakeServer) -> Reply:
        if server.status != "ACTIVE" or server.task_state is not None:
            raise Refusal(409, f"Cannot 'stop' while {server.status}")
        self._require_unlocked(server)
        server.asks("stop", self._world.now)
        server.task_state = "powering-off"
        server.power_off(self._world.now, STOP_S)
        return Reply(202)

    def _reboot(self, server: FakeServer) -> Reply:
        """Hard: from nearly any state, but not while something else is done."""
        if server.status == "BUILD" or server.task_state is not None:
            raise Refusal(409, f"Cannot 'reboot' while {server.task_state}")
        self._require_unlocked(server)
        server.asks("reboot", self._world.now)
        server.reboot(self._world.now)
        return Reply(202)

    def _create_image(self, server: FakeServer, arguments: dict[str, Any]) -> Reply:
        if server.status not in ("ACTIVE", "SHUTOFF") or server.task_state is not None:
            raise Refusal(409, f"Cannot 'createImage' while {server.task_state}")
        if isinstance(server.root, FakeVolume):
            raise AssertionError("createImage of a volume is no image of a disk")
        image = self._glance.add(
            server.project,
            name=arguments["name"],
            visibility="private",
            disk_format="qcow2",
            container_format="bare",
            min_disk=server.flavor["disk"],
            properties=server.inherited() | arguments.get("metadata", {}),
        )
        server.asks("createImage", self._world.now)
        server.snapshot, server.snapshot_at = image.id, self._world.now
        server.task_state = "image_snapshot"
        return Reply(202, {"image_id": image.id})


def _user_data(encoded: str) -> str:
    if len(encoded) > _USER_DATA_LIMIT:
        raise Refusal(400, "Invalid input for field/attribute user_data: too long")
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refusal(400, "user_data is not base64") from error


def _metadata(metadata: dict[str, str]) -> dict[str, str]:
    """Source: nova/api/validation/parameter_types.py, and the quota metadata_items."""
    for key, value in metadata.items():
        if not re.fullmatch("[a-zA-Z0-9-_:. ]{1,255}", key):
            raise Refusal(400, "Invalid input for field/attribute metadata")
        if not isinstance(value, str) or len(value) > 255:
            raise Refusal(400, "Invalid input for field/attribute metadata")
    if len(metadata) > 128:
        raise Refusal(403, "Quota exceeded for metadata_items")
    return dict(metadata)


def _tags(tags: list[str]) -> tuple[str, ...]:
    if len(tags) > 50 or any(len(t) > 60 or set(t) & {",", "/"} for t in tags):
        raise Refusal(400, "Invalid input for field/attribute tags")
    return tuple(tags)
