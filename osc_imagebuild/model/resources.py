"""Resources of a cloud: images, servers, volumes, flavors, networks. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

# --- what is seen -----------------------------------------------------------


@dataclass(frozen=True)
class Image:
    """A Glance image; ``properties`` holds only what is not a core attribute.

    ``virtual_size`` is of the disk in it, in bytes, 0 where Glance does not know.
    ``stores`` are Glance's that have its data, none where it has but one.
    """

    SERVICE: ClassVar = "image"

    id: str
    name: str
    status: str
    hidden: bool = False
    protected: bool = False
    visibility: str = "private"
    owner: str = ""
    tags: frozenset[str] = frozenset()
    properties: Mapping[str, str] = field(default_factory=dict)
    min_disk_gib: int = 0
    min_ram_mib: int = 0
    disk_format: str = ""
    size: int = 0
    virtual_size: int = 0
    sha512: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    container_format: str = ""
    stores: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ServerAction:
    """Something that was asked of a server, as Nova lists it."""

    name: str
    at: float
    user_id: str = ""


@dataclass(frozen=True)
class Server:
    """A Nova server, as far as a build needs it.

    ``actions`` are known only of a server that does not simply run,
    ``launched_at`` is when Nova had started it, or last changed it if it tells no more.
    ``volume_ids`` are those of its attached volumes.
    """

    SERVICE: ClassVar = "compute"

    id: str
    name: str
    status: str
    power_state: int = 0
    task_state: str | None = None
    fault: str = ""
    created_at: float = 0.0
    image_id: str = ""
    launched_at: float = 0.0
    actions: tuple[ServerAction, ...] = ()
    owner: str = ""
    volume_ids: tuple[str, ...] = ()

    @property
    def is_off(self) -> bool:
        """Shut down for good: no task may still change that.

        Suspended servers are shut down too, and go on some day.
        Source: power_state 4 is SHUTDOWN in nova.compute.power_state.
        """
        for_good = self.status not in ("SUSPENDED", "SHELVED", "SHELVED_OFFLOADED")
        return self.power_state == 4 and self.task_state is None and for_good


@dataclass(frozen=True)
class Volume:
    """A Cinder volume. ``image_metadata`` is what an image of it would carry.

    ``source_id`` is the volume or snapshot that it was made of, '' if of neither.
    ``encrypted`` is whether Cinder keeps it so, and an image of it; ``bootable`` whether
    servers may boot from it.
    """

    SERVICE: ClassVar = "volume"

    id: str
    name: str
    status: str
    size_gib: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    image_metadata: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    owner: str = ""
    source_id: str = ""
    encrypted: bool = False
    bootable: bool = False


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a Cinder volume."""

    SERVICE: ClassVar = "volume"

    id: str
    name: str
    status: str
    volume_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    owner: str = ""


Resource = Image | Server | Volume | Snapshot


def may_be_deleted(item: Volume | Snapshot) -> bool:
    """Whether Cinder takes a deletion now.

    Source: cinder.volume.api.API.delete and delete_snapshot, the statuses that they take.
    """
    return item.status == "available" or item.status.startswith("error")


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
class Room:
    """What quotas still allow; None where unlimited or unknown."""

    servers: int | None
    cores: int | None
    ram_mib: int | None


@dataclass(frozen=True)
class VolumeRoom:
    """What Cinder's quotas still allow; None where unlimited."""

    volumes: int | None
    snapshots: int | None
    gigabytes: int | None


@dataclass(frozen=True)
class SecurityGroup:
    """A security group; ``own`` is whether it is the project's own."""

    id: str
    name: str
    own: bool = True


@dataclass(frozen=True)
class VolumeType:
    """A type of volumes; ``zones`` are those it is for, all where there is none."""

    id: str
    name: str
    zones: tuple[str, ...] = ()


@dataclass(frozen=True)
class Port:
    """A port; ``device`` is what has it, '' for nothing. ``addresses`` are its own."""

    id: str
    name: str
    network_id: str
    owner: str = ""
    device: str = ""
    is_up: bool = True
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quota:
    """What something takes of the project's quotas; ``gigabytes`` are of volumes."""

    images: int = 0
    volumes: int = 0
    snapshots: int = 0
    gigabytes: int = 0


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

    ``dhcp`` is that of IPv4, but where there are IPv6 subnets alone. ``router`` is
    whether a router is seen that answers for the metadata service. ``subnets`` are
    those to take an address of, the ones with a gateway first.
    """

    id: str
    name: str
    external: bool
    dhcp: bool
    routed: bool
    router: bool = False
    subnets: tuple[Subnet, ...] = ()
