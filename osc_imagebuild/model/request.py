"""A build as the user asks for it. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from osc_imagebuild.model.access import CaCertificate, Proxy
from osc_imagebuild.model.contents import Content
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.disk_layout import Layout, Volume
from osc_imagebuild.model.family import Old
from osc_imagebuild.model.own_tests import OwnTest
from osc_imagebuild.model.provision import Ansible, Hardening

# --- what the user asks -----------------------------------------------------

DEFAULT_OS = "debian-13"
# Before the name of a family, whose newest image is meant.
FAMILY_PREFIX = "family:"

Hints = Mapping[str, str | tuple[str, ...]]
"""Hints for Nova's scheduler: one text, or several where Nova takes a list."""


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
    the text of the public key that signs it. ``keep`` is whether the finished system
    goes on logging in there.
    """

    name: str
    url: str
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    key: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    keep: bool = False


@dataclass(frozen=True, kw_only=True)
class Request:
    """A build as the user asks for it: names, not IDs; may hold secrets.

    Empty texts stand for what the catalogue's entry has. ``firmware`` is
    'bios' or 'uefi', ``visibility`` a word of Glance's. ``disk_gib`` puts the
    root disk on a volume of that size, ``checksum`` is the install media's,
    ``driver_iso`` an ISO with drivers for an installer that lacks them. ``attempts``
    is how often an install server is made where the first came to no network.
    ``family`` is by default the name; with ``replace`` the result takes the name from the
    older ones of it, of which ``keep`` stay, as ``old`` says. ``members`` are projects that
    it is shared with, ``member_clouds`` clouds of clouds.yaml that accept it as well.
    ``lvm`` is short for ``disk_layout`` lvm; ``disk_volumes`` are file systems beside the root.
    ``copies`` are made of the image in other clouds; its data go to the ``stores`` of its
    own Glance, or with ``all_stores`` to each of them.

    ``volume_type`` is of the build's volumes, '' for Cinder's choice; ``ports`` (names or
    IDs) are the servers' instead of ports that Nova makes, and ``server_properties`` their
    metadata. ``min_disk_gib`` and ``min_ram_mib`` are what servers of the image must have,
    None for what it needs; a ``protected`` image cannot be deleted. ``metadata`` is a
    `Standard` that its properties follow, '' for none.

    With ``from_image`` (a name, an ID, or 'family:NAME') or ``from_properties`` the result
    is made of an image that exists, its parent: the newest that has all of them. ``os`` is
    '' then where the parent says itself what it is.

    ``tests`` run in the server that the result is booted in, which has ``test_files`` then;
    with ``test_reboot`` once more after a reboot. It is booted, and tested, again on each
    combination of ``test_flavors``, ``test_networks`` and ``test_firmware``.

    ``update`` is whether all that is installed is brought up to date: None where it can be
    done, and says where it cannot, True fails there.
    """

    name: str
    os: str = ""
    arch: str = "x86_64"
    source: str | None = None
    answer_file: str | None = None
    boot_method: str = "auto"
    output: str = "image"
    flavor: str | None = None
    networks: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    availability_zone: str | None = None
    hints: Hints = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    visibility: str = "private"
    root_password: str | None = field(default=None, repr=False)
    ssh_public_keys: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    packages: tuple[str, ...] = ()
    repositories: tuple[Repository, ...] = ()
    files: tuple[File, ...] = ()
    contents: tuple[Content, ...] = ()
    commands: tuple[str, ...] = ()
    proxy: Proxy | None = None
    ca_certificates: tuple[CaCertificate, ...] = ()
    ansible: Ansible | None = None
    hardening: Hardening | None = None
    locale: str = ""
    keyboard: str = ""
    timezone: str = ""
    update: bool | None = None
    swap_mib: int = 0
    lvm: bool = False
    disk_layout: str = ""
    filesystem: str = ""
    disk_volumes: tuple[Volume, ...] = ()
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
    tests: tuple[OwnTest, ...] = ()
    test_files: tuple[File, ...] = ()
    test_reboot: bool = False
    test_flavors: tuple[str, ...] = ()
    test_networks: tuple[str, ...] = ()
    test_firmware: tuple[str, ...] = ()
    family: str = ""
    replace: bool = False
    old: str = Old.HIDE
    keep: int = 3
    members: tuple[str, ...] = ()
    member_clouds: tuple[str, ...] = ()
    from_image: str | None = None
    from_properties: Mapping[str, str] = field(default_factory=dict)
    copies: tuple[Copy, ...] = ()
    stores: tuple[str, ...] = ()
    all_stores: bool = False
    volume_type: str | None = None
    ports: tuple[str, ...] = ()
    server_properties: Mapping[str, str] = field(default_factory=dict)
    min_disk_gib: int | None = None
    min_ram_mib: int | None = None
    protected: bool = False
    metadata: str = ""

    def __post_init__(self) -> None:
        """Install the default system where nothing says which."""
        if not self.os and not self.has_parent:
            object.__setattr__(self, "os", DEFAULT_OS)

    @property
    def layout(self) -> str:
        """What the system is on, a `Layout` where the request is a good one."""
        return self.disk_layout or (Layout.LVM if self.lvm else Layout.PLAIN)

    @property
    def updates(self) -> bool:
        """Whether all that is installed is to be brought up to date."""
        return self.update is not False

    @property
    def boots_again(self) -> bool:
        """Whether the result is booted on more than the build's own flavor and networks."""
        return bool(self.test_flavors or self.test_networks or self.test_firmware)

    @property
    def has_parent(self) -> bool:
        """Whether an existing image is changed, and nothing installed."""
        return bool(self.from_image or self.from_properties)

    @property
    def parent_family(self) -> str:
        """The family whose newest image is the parent, '' where it is named otherwise."""
        named = self.from_image or ""
        return (
            named.removeprefix(FAMILY_PREFIX) if named.startswith(FAMILY_PREFIX) else ""
        )
