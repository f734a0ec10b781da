"""Disks as the installer of Ubuntu takes them: a list of curtin's actions. Pure.

Source: curtin, block/schemas.py; subiquity's autoinstall reference: "Action-based
configuration", whose size -1 of the last partition or logical volume is all that is left.
"""

from __future__ import annotations

from typing import Any

from osc_imagebuild.guests.disk import Disk

# As the installer's own layout calls them.
# Source: subiquity, server/controllers/storage.py, guided_lvm.
_GROUP, _ROOT = "ubuntu-vg", "ubuntu-lv"
_ALL = -1
# Source: subiquity, common/storage/sizes.py: what /boot has at the least.
_BOOT_MIB = 1792

Action = dict[str, Any]


def actions(disk: Disk, arch: str, *, uefi: bool) -> list[Action]:
    """Return the actions that make a disk; the root comes last, so that it can grow."""
    is_bios = arch == "x86_64" and not uefi
    found: list[Action] = [
        {
            "type": "disk",
            "id": "disk",
            "match": {"size": "largest"},
            "ptable": "gpt",
            "wipe": "superblock-recursive",
            "preserve": False,
            "grub_device": is_bios,
        }
    ]
    if uefi:
        found += _partition("esp", 512, flag="boot", grub_device=True)
        found += _filesystem("esp", "fat32", "/boot/efi")
    elif is_bios:
        found += _partition("bios", 1, flag="bios_grub")
    elif arch == "ppc64le":
        found += _partition("prep", 8, flag="prep", grub_device=True, wipe="zero")
    if disk.lvm:
        found += _partition("boot", _BOOT_MIB)
        found += _filesystem("boot", "ext4", "/boot")
        found += _partition("pv", _ALL)
        found.append(
            {"type": "lvm_volgroup", "id": "vg", "name": _GROUP, "devices": ["pv"]}
        )
    make = _logical if disk.lvm else _partition
    for number, volume in enumerate(disk.volumes):
        identity = f"volume-{number}"
        name = {"name": volume.name} if disk.lvm else {}
        found += make(identity, volume.size_mib, **name)
        found += _filesystem(identity, disk.filesystem, volume.mount)
    found += make("root", _ALL, **({"name": _ROOT} if disk.lvm else {}))
    return found + _filesystem("root", disk.filesystem, "/")


def _size(mib: int) -> str | int:
    return _ALL if mib == _ALL else f"{mib}M"


def _partition(identity: str, mib: int, **more: Any) -> list[Action]:
    return [
        {
            "type": "partition",
            "id": identity,
            "device": "disk",
            "size": _size(mib),
            "wipe": "superblock",
            "preserve": False,
            **more,
        }
    ]


def _logical(identity: str, mib: int, *, name: str) -> list[Action]:
    return [
        {
            "type": "lvm_partition",
            "id": identity,
            "name": name,
            "volgroup": "vg",
            "size": _size(mib),
        }
    ]


def _filesystem(identity: str, filesystem: str, mount: str) -> list[Action]:
    return [
        {
            "type": "format",
            "id": f"{identity}-format",
            "volume": identity,
            "fstype": filesystem,
        },
        {
            "type": "mount",
            "id": f"{identity}-mount",
            "device": f"{identity}-format",
            "path": mount,
        },
    ]
