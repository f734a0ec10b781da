"""How the disk of a new system is divided: what is asked for, and what comes of it.

Standard library only.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from osc_imagebuild.model.numbers import MOST_MIB, whole_number


class Layout(StrEnum):
    """What the system is on: partitions, LVM, or LVM as the CIS benchmarks divide it."""

    PLAIN = "plain"
    LVM = "lvm"
    CIS = "cis"


class Filesystem(StrEnum):
    """File systems that a root file system, and the volumes beside it, can have."""

    EXT4 = "ext4"
    XFS = "xfs"
    BTRFS = "btrfs"


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A file system beside the root file system: a partition, or a logical volume."""

    mount: str
    size_mib: int
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What LVM calls it: var_log for /var/log."""
        return self.mount.strip("/").replace("/", "_")


_STRICT = ("nodev", "nosuid", "noexec")
# What has a file system of its own, sorted by path; a user's own volumes change it.
# Source: the CIS benchmarks as ComplianceAsCode has them, controls/cis_rhel9.yml, 1.1.2;
# the sizes are those of its products/rhel9/kickstart/ssg-rhel9-cis-ks.cfg.
CIS = (
    Volume(mount="/home", size_mib=1024, options=("nodev", "nosuid")),
    Volume(mount="/tmp", size_mib=1024, options=_STRICT),
    Volume(mount="/var", size_mib=3072, options=("nodev", "nosuid")),
    Volume(mount="/var/log", size_mib=1024, options=_STRICT),
    Volume(mount="/var/log/audit", size_mib=512, options=_STRICT),
    Volume(mount="/var/tmp", size_mib=1024, options=_STRICT),
)
# And what the memory at /dev/shm is mounted with.
SHM_OPTIONS = _STRICT

# Source: mount(8); none of them keeps a system from writing where it must.
OPTIONS = (*_STRICT, "noatime", "nodiratime", "relatime", "discard")
MOST_VOLUMES = 16
# Source: xfsprogs, mkfs/xfs_mkfs.c: XFS takes no less than 300 MiB.
LEAST_MIB = 320
# Logical volumes are a whole number of extents.
# Source: lvm.conf(5), allocation/physical_extent_size: 4 MiB.
_EXTENT_MIB = 4
_LONGEST_MOUNT = 100
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
# What a system has in its root file system, or mounts itself, and what lies below.
_NOT_APART = frozenset(
    "bin boot dev etc lib lib32 lib64 libx32 lost+found media mnt proc root run sbin "
    "swapfile sys usr".split()
)
# Source: lvm(8), VALID NAMES: what begins with a name, and what is in one.
_NOT_LVM = re.compile(
    "(snapshot|pvmove).*|.*_(cdata|cmeta|corig|cvol|iorig|mimage|mlog|pmspare|rimage|"
    "rmeta|tdata|tmeta|vdata|vorigin|wcorig).*"
)
_SIZE = re.compile("([0-9]{1,8}) ?(MiB|GiB)")


def size_mib(text: str) -> int | None:
    """Return the MiB in a text such as '512MiB' or '2 GiB', None where it is no size."""
    found = _SIZE.fullmatch(text)
    if not found:
        return None
    number = whole_number(found[1], 1, MOST_MIB)
    if number is None:
        return None
    return number * 1024 if found[2] == "GiB" else number


def divided(layout: str, volumes: Sequence[Volume]) -> tuple[Volume, ...]:
    """Return what gets a file system of its own, sorted by path: /var before /var/log.

    With layout cis, a volume of the user's says the size of the one that is there, and
    adds its options to those.
    """
    found = {v.mount: v for v in CIS} if layout == Layout.CIS else {}
    for volume in volumes:
        there = found.get(volume.mount)
        options = (*(there.options if there else ()), *volume.options)
        size = -(-volume.size_mib // _EXTENT_MIB) * _EXTENT_MIB
        found[volume.mount] = dataclasses.replace(
            volume, size_mib=size, options=tuple(dict.fromkeys(options))
        )
    return tuple(sorted(found.values(), key=lambda v: v.mount))


def problems(
    layout: str, filesystem: str, volumes: Sequence[Volume], *, lvm: bool
) -> list[str]:
    """Return what is wrong with the wishes for a disk, judged by themselves."""
    found = []
    if layout and layout not in list(Layout):
        found.append(f"no disk layout {layout!r:.60}; there are: {', '.join(Layout)}")
    if lvm and layout == Layout.PLAIN:
        found.append("--lvm and --disk-layout plain exclude each other")
    if filesystem and filesystem not in list(Filesystem):
        found.append(
            f"no file system {filesystem!r:.60}; there are: {', '.join(Filesystem)}"
        )
    if len(volumes) > MOST_VOLUMES:
        found.append(f"a disk has {MOST_VOLUMES} volumes beside the root at most")
        return found
    mounts = [volume.mount for volume in volumes]
    found += [
        f"volume {mount!r:.60} is there twice"
        for mount in dict.fromkeys(mounts)
        if mounts.count(mount) > 1
    ]
    for volume in volumes:
        found += _volume_problems(volume)
    return found + _name_problems(divided(layout, volumes))


def _volume_problems(volume: Volume) -> list[str]:
    """Return what is wrong with one volume."""
    mount, found = volume.mount, []
    shown = f"volume {mount!r:.60}"
    if len(mount) > _LONGEST_MOUNT or not re.fullmatch(f"(/{_PART})+", mount):
        return [
            f"{shown}: this is no place for one; take a whole path of plain letters, such "
            "as /srv"
        ]
    if mount.split("/")[1] in _NOT_APART:
        found.append(f"{shown}: the system needs this in its root file system")
    if not LEAST_MIB <= volume.size_mib <= MOST_MIB:
        found.append(f"{shown}: its size is {LEAST_MIB} to {MOST_MIB} MiB")
    found += [
        f"{shown}: no mount option {option!r:.60}; there are: {', '.join(OPTIONS)}"
        for option in dict.fromkeys(volume.options)
        if option not in OPTIONS
    ]
    if mount == "/var" and "noexec" in volume.options:
        found.append(
            f"{shown}: with noexec no package could be installed, because their scripts "
            "are run there"
        )
    return found


def _name_problems(volumes: Iterable[Volume]) -> list[str]:
    """Return why LVM could not tell volumes apart, or takes no such name."""
    found, mounts = [], dict[str, str]()
    for volume in volumes:
        name = volume.name
        if name in mounts:
            found.append(
                f"volumes {mounts[name]!r:.60} and {volume.mount!r:.60} would both be "
                f"called {name:.60}: rename one"
            )
        elif _NOT_LVM.fullmatch(name):
            found.append(
                f"volume {volume.mount!r:.60}: LVM keeps the name {name:.60} for itself"
            )
        mounts[name] = volume.mount
    return found
