"""Write a small disk in one of the formats that a Glance takes. Pure."""

from __future__ import annotations

from osc_imagebuild.media import qcow2

_MIB = 1 << 20
# Where an ISO 9660 file system says that it is one. Source: ECMA-119, 6.7.1 and 8.1.2.
_SECTOR, _FIRST, _MAGIC = 2048, 16, b"CD001"
# Most volume descriptors that are looked at; an ISO of ours has three.
_MOST_DESCRIPTORS = 16


def build(data: bytes, disk_format: str) -> bytes:
    """Return a disk of whole MiB that begins with ``data``.

    A raw one must not look like a CD: Nova starts nothing whose content is of another
    format than its image says. Boot loaders do not ask for what is erased here.
    Source: nova.virt.images.do_image_deep_inspection. ISOLINUX 6.04 was seen to start.

    :raises: ValueError where it does not fit
    """
    size = -(-len(data) // _MIB) * _MIB
    if disk_format == "qcow2":
        return qcow2.build(data.rstrip(b"\0"), size)
    return _without_descriptors(data).ljust(size, b"\0")


def blank(size_gib: int, disk_format: str) -> bytes:
    """Return a disk with nothing on it; a raw one is enlarged by who uses it.

    :raises: ValueError where no disk is so large
    """
    if disk_format == "qcow2":
        return qcow2.build(b"", size_gib << 30)
    return bytes(_MIB)


def _without_descriptors(data: bytes) -> bytes:
    """Return a disk on which nothing says that it is a CD, too."""
    disk = bytearray(data)
    for sector in range(_FIRST, _FIRST + _MOST_DESCRIPTORS):
        at = sector * _SECTOR + 1
        if disk[at : at + len(_MAGIC)] != _MAGIC:
            break
        disk[at : at + len(_MAGIC)] = bytes(len(_MAGIC))
    return bytes(disk)
