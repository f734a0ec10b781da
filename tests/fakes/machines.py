"""Servers, and what happens to them by itself as time passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes import guests
from tests.fakes.clock import iso

SPAWN_S = 5.0
# libvirt's STOPPED event is held before Nova believes it.
NOTICED_S = 16.0
STOP_S = 5.0
REBOOT_S = 4.0
DELETE_S = 6.0
# createImage: the image is queued, then saving, then active.
SAVING_S = 2.0
SAVED_S = 12.0


@dataclass
class Disk:
    """A disk: what is on it, and what Nova is told of it."""

    data: bytes
    properties: dict[str, str]


@dataclass
class FakeServer:
    """A server. Its clock runs by `Nova.tick`."""

    id: str
    name: str
    project: str
    created: float
    image_id: str
    flavor: dict[str, Any]
    root: Disk
    cds: tuple[bytes, ...] = ()
    config_drive: bool = False
    user_data: str = ""
    networks: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    zone: str = "nova"
    hints: dict[str, Any] = field(default_factory=dict)
    status: str = "BUILD"
    task_state: str | None = "spawning"
    power_state: int = 0
    fault: str = ""
    password: str = ""
    lines: dict[str, str] = field(default_factory=dict)
    guest: guests.Guest | None = None
    powered_on_at: float = 0.0
    off_at: float | None = None
    noticed_at: float | None = None
    reboots_at: float | None = None
    gone_at: float | None = None
    snapshot: str = ""
    snapshot_at: float = 0.0
    locked: bool = False
    asked: list[tuple[str, float]] = field(default_factory=list)

    def asks(self, action: str, at: float) -> None:
        """Note what somebody asked Nova to do with it."""
        self.asked.append((action, at))

    def restart(self, plan: guests.GuestPlan, at: float) -> None:
        """The guest begins again, with whatever its disk holds."""
        self.status, self.power_state, self.task_state = "ACTIVE", 1, None
        self.off_at = self.noticed_at = None
        self.powered_on_at, self.lines = at, {}
        self.guest = guests.booted(self, plan)

    def reboot(self, at: float) -> None:
        """Nova takes the power away, and starts it again a moment later."""
        self.status, self.task_state = "HARD_REBOOT", "rebooting_hard"
        self.off_at, self.noticed_at, self.reboots_at = at, None, at + REBOOT_S

    @property
    def disk(self) -> bytes:
        """What is on the root disk."""
        return self.root.data

    @disk.setter
    def disk(self, data: bytes) -> None:
        self.root.data = data

    @property
    def place(self) -> frozenset[str]:
        """Its flavor, its networks, and its firmware."""
        firmware = self.root.properties.get("hw_firmware_type", "bios")
        return frozenset({self.flavor["name"], firmware, *self.networks})

    @property
    def image_properties(self) -> dict[str, str]:
        """What Nova knows of the image, or of the volume, that was booted."""
        return self.root.properties

    def prints(self, key: str, line: str) -> None:
        """Write ``line`` on the console, once a ``key``."""
        self.lines.setdefault(key, line)

    def power_off(self, at: float, noticed_after: float = NOTICED_S) -> None:
        """The guest goes off at ``at``; Nova sees it some time later."""
        if self.off_at is None:
            self.off_at, self.noticed_at = at, at + noticed_after

    @property
    def runs(self) -> bool:
        """Whether a guest runs, whatever Nova believes."""
        return self.guest is not None and self.off_at is None

    def tick(self, now: float, plan: guests.GuestPlan) -> None:
        """Catch up with the time, but for snapshots and deletion."""
        if self.status == "BUILD" and now >= self.created + SPAWN_S:
            self.task_state = None
            if self.fault:
                self.status = "ERROR"
                return
            self.status, self.power_state = "ACTIVE", 1
            self.powered_on_at = self.created + SPAWN_S
            self.guest = guests.booted(self, plan)
        if self.reboots_at is not None and now >= self.reboots_at:
            at, self.reboots_at = self.reboots_at, None
            self.restart(plan, at)
        awake = self.status == "ACTIVE" and self.runs
        if self.guest is not None and awake and not self.gone_at:
            self.guest.tick(self, now)
        if self.noticed_at is not None and now >= self.noticed_at:
            if self.task_state == "powering-off":
                self.task_state = None
            if self.status == "ACTIVE":
                self.status, self.power_state = "SHUTOFF", 4

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        found: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "tenant_id": self.project,
            "created": iso(self.created),
            "updated": iso(self.created),
            "tags": list(self.tags),
            "image": {"id": self.image_id},
            "flavor": {"original_name": self.flavor["name"]},
            "metadata": self.metadata,
            "OS-EXT-STS:power_state": self.power_state,
            "OS-EXT-STS:task_state": self.task_state,
            "OS-EXT-STS:vm_state": self.status.lower(),
            "OS-EXT-AZ:availability_zone": self.zone,
        }
        if self.powered_on_at:
            found["OS-SRV-USG:launched_at"] = iso(self.powered_on_at)
        if self.status == "ERROR":
            found["fault"] = {"code": 500, "message": self.fault}
        return found

    def inherited(self) -> dict[str, str]:
        """What createImage puts on the image: fact 7 of what the services do."""
        chunks = {
            f"password_{n}": self.password[n * 255 : n * 255 + 255] for n in range(4)
        }
        return {
            **self.image_properties,
            **chunks,
            "base_image_ref": self.image_id,
            "image_type": "snapshot",
            "instance_uuid": self.id,
            "user_id": "u-1",
            "boot_roles": "member,reader",
            "owner_user_name": "tester",
            "owner_project_name": self.project,
            "image_location": "snapshot",
            "image_state": "available",
            "img_config_drive": "optional",
            "owner_specified.openstack.object": f"images/{self.image_id}",
        }
