"""What each family makes of a disk: its own file system, and what it refuses. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.guests import customization
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import disk_layout
from osc_imagebuild.model.disk_layout import Filesystem, Layout, Volume
from osc_imagebuild.model.request import Request

# What an installer takes for the root where nothing is said.
_OWN = {
    "debian": Filesystem.EXT4,
    "ubuntu": Filesystem.EXT4,
    "redhat": Filesystem.XFS,
    "suse": Filesystem.XFS,
    "agama": Filesystem.XFS,
}
_REFUSED = {
    "freebsd": {"filesystem": "its installer makes UFS"},
    "windows": dict.fromkeys(
        ("disk_layout", "filesystem", "disk_volumes"),
        "Windows Setup divides the disk itself, with NTFS",
    ),
}
# Source: FreeBSD's mount(8); every file system but devfs ignores devices there.
_FREEBSD_OPTIONS = ("noexec", "nosuid", "noatime")
# zipl writes down where blocks of the kernel are, which Btrfs moves.
# Source: partman-btrfs, check.d/05no_btrfs_boot.
_ZIPL = ("debian", "ubuntu")
# Installers whose disk labels have four partitions on s390x.
# Source: partman-partitioning, lib/disk-label.sh; blivet, formats/disklabel.py.
_FEW_PARTITIONS = ("debian", "redhat")


@dataclass(frozen=True)
class Disk:
    """A disk as templates see it: what the root has, and what there is beside it.

    ``chosen`` is whether anything but LVM was asked for, ``shm_options`` are those of
    /dev/shm, if it is mounted with any.
    """

    filesystem: str
    lvm: bool
    volumes: tuple[Volume, ...]
    chosen: bool
    shm_options: tuple[str, ...]

    @property
    def volumes_mib(self) -> int:
        """All that is not the root's."""
        return sum(volume.size_mib for volume in self.volumes)


def disk(entry: Entry, request: Request) -> Disk:
    """Return the disk that a good request describes."""
    volumes = disk_layout.divided(request.layout, request.disk_volumes)
    return Disk(
        filesystem=request.filesystem or _OWN.get(entry.family, ""),
        lvm=request.layout in (Layout.LVM, Layout.CIS),
        volumes=volumes,
        chosen=bool(request.filesystem or volumes),
        shm_options=disk_layout.SHM_OPTIONS if request.layout == Layout.CIS else (),
    )


def needed_gib(entry: Entry, request: Request) -> int:
    """Return how large the disk must be: the volumes come on top of the system."""
    return entry.min_disk_gib + -(-disk(entry, request).volumes_mib // 1024)


def problems(entry: Entry, request: Request) -> list[str]:
    """Return why a family cannot divide a disk so; the wishes by themselves are good."""
    if request.has_parent or request.answer_file is not None:
        return []  # refused as a whole, see `parents` and `preflight.check_answers`
    found = customization.refused(request, entry.title, _REFUSED.get(entry.family, {}))
    if entry.family == "freebsd":
        found += _freebsd(entry, request)
    if request.filesystem == Filesystem.BTRFS:
        found += _btrfs(entry, request)
    if request.arch == "s390x" and entry.family in _FEW_PARTITIONS:
        found += _few_partitions(entry, request)
    return found


def _freebsd(entry: Entry, request: Request) -> list[str]:
    """FreeBSD has partitions alone, and options of its own."""
    found = []
    if request.disk_layout in (Layout.LVM, Layout.CIS):
        found.append(
            f"{entry.title} cannot be given the disk layout {request.disk_layout}: there is "
            "no LVM on FreeBSD; it takes volumes as partitions"
        )
    options = (o for volume in request.disk_volumes for o in volume.options)
    found += [
        f"{entry.title} has no mount option {option!r:.60}; it has "
        + ", ".join(_FREEBSD_OPTIONS)
        for option in dict.fromkeys(options)
        if option in disk_layout.OPTIONS and option not in _FREEBSD_OPTIONS
    ]
    return found


def _btrfs(entry: Entry, request: Request) -> list[str]:
    """Return where Btrfs cannot be the root's file system."""
    refusal = f"{entry.title} cannot be given Btrfs"
    if entry.family == "redhat" and entry.properties.get("os_distro") != "fedora":
        return [f"{refusal}: its installer takes none; choose xfs or ext4"]
    if entry.family == "redhat" and (
        request.layout != Layout.PLAIN or request.disk_volumes
    ):
        return [
            f"{refusal} beside LVM or volumes: Anaconda makes subvolumes of one partition; "
            "take xfs or ext4"
        ]
    if (
        request.arch == "s390x"
        and entry.family in _ZIPL
        and request.layout == Layout.PLAIN
    ):
        return [
            f"{refusal} on s390x, whose boot loader cannot read it: take layout lvm"
        ]
    return []


def _few_partitions(entry: Entry, request: Request) -> list[str]:
    """Return why there is no room for partitions."""
    if request.layout != Layout.PLAIN or not request.disk_volumes:
        return []
    return [
        f"{entry.title} cannot be given volumes as partitions on s390x, where a disk has "
        "four at most: take layout lvm"
    ]
