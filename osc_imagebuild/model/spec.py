"""A build with every name resolved, as the record keeps it. Standard library only.

A `Spec` has a part for each thing that a build is about. Sizes carry their unit,
times are seconds. There are no secrets in it: answer files are kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from osc_imagebuild.model.boots import Boot
from osc_imagebuild.model.contents import Disc
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.family import Old
from osc_imagebuild.model.own_tests import Expected, longest_s


class RootDevice(StrEnum):
    """Where the root disk of the install server is."""

    LOCAL = "local"
    VOLUME = "volume"


@dataclass(frozen=True, kw_only=True)
class Installer:
    """What is installed, and how its installer runs.

    ``command_line`` is the kernel's. ``press_key`` is whether the boot loader of its CD
    waits for a key. ``ram_mib`` and ``disk_gib`` are what it needs, ``expected_s`` is
    how long it took before, 0 if unknown. ``progress`` (sign, label, per cent),
    ``failures`` (sign, sentence) and ``banners`` are signs of the catalogue's entry.
    """

    os: str
    arch: str
    boot_method: str
    command_line: str
    family: str = "generic"
    press_key: bool = False
    ram_mib: int = 0
    disk_gib: int = 0
    expected_s: int = 0
    progress: tuple[tuple[str, str, int], ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    banners: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Iso:
    """An ISO at a URL, in a file of this machine (also ``url``), or in an image.

    With ``imported`` Glance fetches it by itself. ``key`` is the same for the same
    content, '' where nothing tells. With ``as_cd`` the server gets it as a CD.
    ``kernel`` and ``ramdisk`` are paths in it, ``version`` says which state of it they
    were looked up in. All are '' and 0 where they are of no use.
    """

    url: str = ""
    image_id: str = ""
    size_gib: int = 0
    key: str = ""
    sha256: str = ""
    sha512: str = ""
    imported: bool = False
    as_cd: bool = False
    label: str = ""
    kernel: str = ""
    ramdisk: str = ""
    version: str = ""

    def __bool__(self) -> bool:
        """Whether there is one."""
        return bool(self.url or self.image_id)

    @property
    def url_for_guests(self) -> str:
        """Where the installer fetches it by itself, '' where it has it as a CD."""
        return "" if self.as_cd else self.url


@dataclass(frozen=True, kw_only=True)
class Parent:
    """An existing image that is changed, and nothing installed.

    ``sha512`` is of its content, '' where Glance has another digest; ``family`` the one
    that it is the newest of, '' where it was named otherwise. ``size_gib`` is the disk
    that it needs.
    """

    image_id: str = ""
    name: str = ""
    family: str = ""
    sha512: str = ""
    size_gib: int = 0

    def __bool__(self) -> bool:
        """Whether there is one."""
        return bool(self.image_id)


@dataclass(frozen=True, kw_only=True)
class Media:
    """Where the installer comes from: the files of an install tree, an ISO, or no installer.

    ``source`` is how the user knows it; ``drivers`` is the user's own driver ISO. Where
    there is a ``parent``, it is changed instead of anything being installed.
    """

    source: str = ""
    kernel_url: str = ""
    ramdisk_url: str = ""
    kernel_sha256: str = ""
    ramdisk_sha256: str = ""
    iso: Iso = Iso()
    drivers: Iso = Iso()
    parent: Parent = Parent()


@dataclass(frozen=True, kw_only=True)
class AnswerDisc:
    """A CD with the answers, or the files that go into the installer's own ISO.

    ``label`` is the CD's, '' where there is none; ``files`` maps paths to names of the
    build's texts, ``texts`` paths to what is the same for all builds.
    """

    label: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    in_iso: bool = False


@dataclass(frozen=True, kw_only=True)
class Address:
    """A fixed IPv4 address, for an installer on a network without DHCP.

    ``prefix`` is the length of the netmask, ``nameservers`` are parted by spaces.
    """

    ip: str
    subnet: str
    prefix: str
    netmask: str
    gateway: str = ""
    nameservers: str = ""


@dataclass(frozen=True, kw_only=True)
class Networking:
    """Networks of the servers, and what follows from them; ``address`` is of the first.

    The ``ports`` are the user's own, on the first of the networks in this order; on the
    others Nova makes some.
    """

    networks: tuple[str, ...]
    ports: tuple[str, ...] = ()
    address: Address | None = None
    config_drive: bool = False
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """The servers, and where they are.

    ``properties`` are those of the images they boot from. ``volume_zone`` is the zone
    of volumes, and ``volume_type`` the ID of their type; '' for Cinder's choice.
    ``server_properties`` are metadata of the servers.
    """

    flavor_id: str
    disk_gib: int
    root: RootDevice
    flavor_name: str = ""
    firmware: str = "bios"
    properties: Mapping[str, str] = field(default_factory=dict)
    availability_zone: str | None = None
    volume_zone: str = ""
    hints: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    volume_type: str = ""
    server_properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_root_volume(self) -> bool:
        """Whether the root disk is a volume."""
        return self.root == RootDevice.VOLUME


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What the result is to the older ones of its family.

    Where it does ``replace`` them, it takes their name; they are put away as ``old``
    says, and only the newest ``keep`` of them stay.
    """

    replace: bool = False
    old: Old = Old.HIDE
    keep: int = 3


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What servers of an image must have by the user's word; 0 for what it needs itself."""

    disk_gib: int = 0
    ram_mib: int = 0


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the build leaves.

    ``properties`` are all that may be found on the finished image besides Glance's own
    attributes. ``family`` is '' in records of versions that knew none. ``members`` are
    IDs of projects that the image is shared with; ``accepting`` maps some of them to the
    clouds of clouds.yaml whose credentials accept it for them. ``copies`` are made of it
    elsewhere; ``stores`` of its own Glance get its data too. ``min_ram_mib`` is what it
    needs, and what is ``declared`` may be more; ``protected`` is whether Glance shall
    refuse to delete it. ``made_id`` and
    ``made_sha512`` are of the finished image, '' before that: with the record's signature
    they tell it from one that only says that this build made it. ``metadata`` is the
    `Standard` that the properties follow, '' for none.
    """

    name: str
    output: str
    properties: Mapping[str, str]
    tags: tuple[str, ...] = ()
    visibility: str = "private"
    min_ram_mib: int = 0
    family: str = ""
    rotation: Rotation = Rotation()
    members: tuple[str, ...] = ()
    accepting: Mapping[str, str] = field(default_factory=dict)
    copies: tuple[Copy, ...] = ()
    stores: tuple[str, ...] = ()
    declared: Declared = Declared()
    protected: bool = False
    made_id: str = ""
    made_sha512: str = ""
    metadata: str = ""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The test of the result: a server boots from it and says ``sign`` on its console.

    ``config_drive`` is whether the first one gets a config drive even where others do
    not, ``inventory`` whether it says on its console which packages it has. The user's own
    ``tests`` run in it, and with ``tests_reboot`` once more after a reboot. All that is done
    again for each of ``boots``, one after the other.
    """

    sign: str
    enabled: bool = True
    timeout_s: int = 1800
    config_drive: bool = True
    inventory: bool = False
    tests: tuple[Expected, ...] = ()
    tests_reboot: bool = False
    boots: tuple[Boot, ...] = ()

    @property
    def tests_s(self) -> int:
        """How long all tests may take, 0 where there are none."""
        return longest_s(self.tests, 2 if self.tests_reboot else 1)


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """How long is waited, how often tried, and what stays of a failure."""

    timeout_s: int = 7200
    stall_s: int = 600
    keep_on_failure: bool = False
    attempts: int = 2


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A build with every name resolved; what the record keeps.

    ``contents`` is the disc with what is on the machine that the build was begun on.
    """

    installer: Installer
    media: Media = Media()
    answers: AnswerDisc = AnswerDisc()
    contents: Disc = field(default_factory=Disc)
    network: Networking
    hardware: Hardware
    result: Result
    verify: Verification
    conduct: Conduct = Conduct()
