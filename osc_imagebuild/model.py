"""The nouns: what is asked, what is resolved, what is seen, what is decided.

All of it is frozen and free of I/O, so that decisions can be tested as tables.
Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osc_imagebuild.monitors.readings import Signal

# --- what the user asks -----------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class User:
    """A person's account in the installed system.

    Without a password the account can only be used by its keys.
    """

    name: str
    password: str | None = field(default=None, repr=False)
    ssh_public_keys: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    sudo: bool = False


@dataclass(frozen=True, kw_only=True)
class File:
    """A file to be written into the installed system."""

    path: str
    content: bytes = field(repr=False)
    mode: str = "0644"
    owner: str = "root:root"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A package repository of the installed system beside the vendor's own.

    ``suites`` and ``components`` are what Debian's families need; ``key`` is
    the text of the public key that signs it.
    """

    name: str
    url: str
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A build as the user asks for it: names, not IDs; may hold secrets.

    Empty texts stand for what the catalogue's entry has. ``firmware`` is
    'bios' or 'uefi', ``visibility`` a word of Glance's.
    """

    name: str
    os: str = "debian-13"
    arch: str = "x86_64"
    source: str | None = None
    answer_file: str | None = None
    boot_method: str = "auto"
    output: str = "image"
    flavor: str | None = None
    networks: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    availability_zone: str | None = None
    hints: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    visibility: str = "private"
    root_password: str | None = field(default=None, repr=False)
    ssh_public_keys: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    packages: tuple[str, ...] = ()
    repositories: tuple[Repository, ...] = ()
    files: tuple[File, ...] = ()
    commands: tuple[str, ...] = ()
    locale: str = ""
    keyboard: str = ""
    timezone: str = ""
    swap_mib: int = 0
    lvm: bool = False
    firmware: str = "bios"
    timeout_min: int | None = None
    stall_min: int | None = None
    keep_on_failure: bool = False
    verify: bool = True


# --- what is resolved -------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A build with every name resolved; what the record keeps. No secrets.

    Sizes carry their unit, times are seconds. ``result_properties`` is all
    that may be found on the finished image besides Glance's own attributes.
    Signs are the OS's own; ``expected_s`` is how long it took before, 0 if unknown.
    """

    name: str
    os: str
    arch: str
    source: str
    boot_method: str
    output: str
    flavor_id: str
    flavor_name: str
    disk_gib: int
    networks: tuple[str, ...]
    security_groups: tuple[str, ...]
    availability_zone: str | None
    hints: Mapping[str, str]
    kernel_url: str
    ramdisk_url: str
    kernel_args: str
    kernel_sha256: str
    ramdisk_sha256: str
    boot_properties: Mapping[str, str]
    result_properties: Mapping[str, str]
    result_tags: tuple[str, ...]
    result_visibility: str
    min_ram_mib: int
    timeout_s: int
    verify: bool
    verify_user_data: str
    verify_sign: str
    verify_timeout_s: int
    keep_on_failure: bool
    family: str
    progress: tuple[tuple[str, str, int], ...]
    failures: tuple[tuple[str, str], ...]
    banners: tuple[str, ...]
    stall_s: int
    expected_s: int


# --- what is seen -----------------------------------------------------------


@dataclass(frozen=True)
class Image:
    """A Glance image; ``properties`` holds only what is not a core attribute."""

    id: str
    name: str
    status: str
    hidden: bool = False
    protected: bool = False
    visibility: str = "private"
    tags: frozenset[str] = frozenset()
    properties: Mapping[str, str] = field(default_factory=dict)
    min_disk_gib: int = 0
    min_ram_mib: int = 0
    size: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(frozen=True)
class ServerAction:
    """Something that was asked of a server, as Nova lists it."""

    name: str
    at: float
    user_id: str = ""


@dataclass(frozen=True)
class Server:
    """A Nova server, as far as a build needs it.

    ``actions`` are known only of a server that does not simply run.
    """

    id: str
    name: str
    status: str
    power_state: int = 0
    task_state: str | None = None
    fault: str = ""
    created_at: float = 0.0
    image_id: str = ""
    actions: tuple[ServerAction, ...] = ()

    @property
    def is_off(self) -> bool:
        """Shut down for good: no task may still change that.

        Suspended servers are shut down too, and go on some day.
        Source: power_state 4 is SHUTDOWN in nova.compute.power_state.
        """
        for_good = self.status not in ("SUSPENDED", "SHELVED", "SHELVED_OFFLOADED")
        return self.power_state == 4 and self.task_state is None and for_good


@dataclass(frozen=True)
class Mark:
    """Something that was seen once and must not be forgotten."""

    at: float
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """The cloud as last seen. Keys are roles; those of ``signals`` roles and monitors."""

    now: float
    images: Mapping[str, Image] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    consoles: Mapping[str, str] = field(default_factory=dict)
    signals: Mapping[str, Mapping[str, Signal]] = field(default_factory=dict)
    reports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reports_held: frozenset[str] = frozenset()
    marks: Mapping[str, Mark] = field(default_factory=dict)
    duplicates: tuple[Image | Server, ...] = ()


# --- contents of images that a build uploads --------------------------------


@dataclass(frozen=True)
class StubDisk:
    """A tiny bootable disk that runs this iPXE script."""

    script: str


@dataclass(frozen=True)
class BlankDisk:
    """A disk with nothing on it."""

    size_gib: int


@dataclass(frozen=True)
class RemoteFile:
    """A file of an install tree, with the digest it had at planning time."""

    url: str
    sha256: str


Content = StubDisk | BlankDisk | RemoteFile


@dataclass(frozen=True)
class BootImage:
    """An image that must be active before the install server can start.

    ``refs`` maps property names to the roles whose image IDs they take.
    ``shared_key`` names content that several builds use: such an image is
    found again by any client and is not hidden behind one build's tag.
    """

    role: str
    disk_format: str
    container_format: str
    content: Content
    properties: Mapping[str, str] = field(default_factory=dict)
    refs: Mapping[str, str] = field(default_factory=dict)
    shared_key: str = ""


# --- names ------------------------------------------------------------------

RECORD_TAG = "imagebuild"

# The tag of every other resource of any build, so that all can be listed.
PART_TAG = "imagebuild-part"

# Roles that begin so belong to a build but are no part of what it makes.
BOOKKEEPING = ("record", "lease-")

# Stands for the build's own tag in decisions, which do not know the build ID.
BUILD_TAG = "{build}"


def build_tag(build_id: str) -> str:
    """The tag of everything that belongs to one build."""
    return f"imagebuild-{build_id}"


def resource_name(build_id: str, role: str) -> str:
    """The name that a resource has from its creation on."""
    return f"imagebuild-{build_id}-{role}"


def role_of(build_id: str, name: str) -> str | None:
    """The role in a resource's name, None where it is not this build's."""
    prefix = build_tag(build_id) + "-"
    return name[len(prefix) :] if name.startswith(prefix) else None


_BUILD_TAG = re.compile(r"imagebuild-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def builds_of(words: Iterable[str]) -> list[str]:
    """The IDs of the builds that tags, or names of resources, speak of."""
    return sorted({m.group(1) for w in words if (m := _BUILD_TAG.match(w))})


def shared_tag(key: str) -> str:
    """The tag by which any client finds shared content again."""
    return f"imagebuild-content-{key}"
