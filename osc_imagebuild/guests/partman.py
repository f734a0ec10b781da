"""Recipes by which debian-installer divides a disk. Pure.

Sizes in a recipe are of 10^6 bytes: the least, a priority, and the most; -1 is all that
is left. What has no $primary{ } may become a logical partition, which cannot grow; a
label gpt has no such.
Source: partman-auto 177, lib/recipes.sh and auto-shared.sh; partman-auto-lvm 103,
lib/auto-lvm.sh and bin/perform_recipe_by_lvm.
"""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.guests.disk import Disk
from osc_imagebuild.model.disk_layout import Volume

_ESP = "128 128 128 free $iflabel{ gpt } $reusemethod{ } method{ efi } format{ } ."
_PREP = "8 8 8 prep $primary{ } $bootable{ } method{ prep } ."
_BIOS_BOOT = "1 1 1 free $iflabel{ gpt } $reusemethod{ } method{ biosgrub } ."
_PRIMARY = "$primary{ } "
_BOOTABLE = "$bootable{ } "
# The root has no less than this, and grows.
_ROOT = "900 1000 -1"


@dataclass(frozen=True)
class Recipe:
    """A recipe in one line, and the label of the disk, '' for the installer's own."""

    text: str
    label: str


def recipe(disk: Disk, arch: str, *, uefi: bool) -> Recipe:
    """Return the recipe of a disk; the root comes last, so that it can grow."""
    # On a label gpt, a flag for booting marks the ESP: it is for BIOS alone. That has
    # room for four partitions, and others must be on a label gpt.
    many = bool(disk.volumes) and not disk.lvm
    label = "gpt" if uefi or many else ""
    is_bios = arch == "x86_64" and not uefi
    bootable = _PRIMARY + _BOOTABLE if is_bios and not label else ""
    parts = []
    if uefi:
        parts.append(_ESP)
    elif arch == "ppc64le":
        parts.append(_PREP)
    elif is_bios and label:
        parts.append(_BIOS_BOOT)
    if disk.lvm:
        flags = _PRIMARY + (_BOOTABLE if bootable else "")
        parts.append(_formatted("500 500 500", "ext4", flags, "/boot"))
        # What the volumes are in; the installer's own would be a logical partition. It is
        # given all that is left; its least size counts as if it came on top of theirs.
        parts.append(f"100 1000 -1 ext3 {_PRIMARY}method{{ lvm }} .")
    for volume in disk.volumes:
        size = _megabytes(volume)
        flags = _logical(volume.name) if disk.lvm else ""
        parts.append(
            _formatted(f"{size} {size} {size}", disk.filesystem, flags, volume.mount)
        )
    flags = _logical("root") if disk.lvm else bootable
    parts.append(_formatted(_ROOT, disk.filesystem, flags, "/"))
    return Recipe(" ".join(parts), label)


def _megabytes(volume: Volume) -> int:
    """Return a size as a recipe has it, rounded up."""
    return -(-volume.size_mib * 1024 * 1024 // 10**6)


def _logical(name: str) -> str:
    return f"$lvmok{{ }} lv_name{{ {name} }} "


def _formatted(size: str, filesystem: str, flags: str, mount: str) -> str:
    """Return a part of a recipe that has a file system."""
    return (
        f"{size} {filesystem} {flags}method{{ format }} format{{ }} use_filesystem{{ }} "
        f"filesystem{{ {filesystem} }} mountpoint{{ {mount} }} ."
    )
