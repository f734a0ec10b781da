"""The nouns: what is asked, what is resolved, what is seen, what is decided.

All of it is frozen and free of I/O, so that decisions can be tested as tables.
Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from osc_imagebuild.parts import DriverCd

if TYPE_CHECKING:
    from osc_imagebuild.monitors.readings import Signal

# --- what the user asks -----------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class User:
    """A person's account in the installed system; without a password it needs keys."""

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
    'bios' or 'uefi', ``visibility`` a word of Glance's. ``disk_gib`` puts the
    root disk on a volume of that size, ``checksum`` is the install media's,
    ``driver_iso`` an ISO with drivers for an installer that lacks them. ``attempts``
    is how often an install server is made where the first came to no network.
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
    secure_boot: bool = False
    tpm: bool = False
    disk_gib: int | None = None
    config_drive: bool | None = None
    checksum: str = ""
    driver_iso: str | None = None
    timeout_min: int | None = None
    stall_min: int | None = None
    keep_on_failure: bool = False
    attempts: int = 2
    verify: bool = True


# --- what is resolved -------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A build with every name resolved; what the record keeps. No secrets.

    Sizes carry their unit, times are seconds. ``result_properties`` is all that may be
    found on the finished image besides Glance's own attributes. Signs are the OS's own;
    ``expected_s`` is how long it took before, 0 if unknown. ``root`` says where the
    root disk is: 'local', on the server's host, or 'volume'. ``iso_import`` is whether
    Glance fetches the ISO by itself, ``answers_in_iso`` whether the files of the answer
    CD go into the ISO itself, ``press_key`` whether its boot loader waits for a key;
    more on an ISO is in `osc_imagebuild.parts.Media`. ``volume_zone`` is the zone of
    volumes, '' for Cinder's choice. ``address`` is as
    `osc_imagebuild.addresses.of_subnet` makes it, empty where the first network has
    DHCP. ``verify_config_drive`` is whether the first server that tests the result gets a
    config drive even where others do not; ``install_ram_mib`` and ``install_disk_gib``
    are what the installer needs.
    """

    name: str
    os: str
    arch: str
    source: str
    boot_method: str
    output: str
    flavor_id: str
    flavor_name: str
    root: str
    disk_gib: int
    firmware: str
    config_drive: bool
    networks: tuple[str, ...]
    address: Mapping[str, str]
    security_groups: tuple[str, ...]
    availability_zone: str | None
    volume_zone: str
    hints: Mapping[str, str]
    kernel_url: str
    ramdisk_url: str
    kernel_args: str
    kernel_sha256: str
    ramdisk_sha256: str
    iso_url: str
    iso_image_id: str
    iso_size_gib: int
    iso_key: str
    iso_sha256: str
    iso_sha512: str
    iso_import: bool
    iso_as_cd: bool
    iso_label: str
    iso_kernel: str
    iso_ramdisk: str
    iso_version: str
    answer_cd_label: str
    answer_cd_files: Mapping[str, str]
    answer_cd_texts: Mapping[str, str]
    answers_in_iso: bool
    driver_cd: DriverCd
    press_key: bool
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
    attempts: int = 2
    verify_config_drive: bool = True
    install_ram_mib: int = 0
    install_disk_gib: int = 0
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
    sha512: str = ""
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

    ``actions`` are known only of a server that does not simply run,
    ``launched_at`` is when Nova had started it, or last changed it if it tells no more.
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
    """A Cinder volume. ``image_metadata`` is what an image of it would carry."""

    SERVICE: ClassVar = "volume"

    id: str
    name: str
    status: str
    size_gib: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    image_metadata: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0.0


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


Resource = Image | Server | Volume | Snapshot


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
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    duplicates: tuple[Resource, ...] = ()
