"""Make a tiny disk that boots iPXE on BIOS machines."""

from __future__ import annotations

import io
from pathlib import Path

from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import grub_stub, small_disk

_ISOLINUX_CFG = b"""\
SERIAL 0 115200
DEFAULT imagebuild
PROMPT 0
LABEL imagebuild
  KERNEL ipxe.krn
  INITRD boot.ipx
"""

# Where distributions put the parts, and which package brings them.
_PARTS = {
    "ipxe.lkrn": (
        ("/usr/lib/ipxe", "/usr/share/ipxe"),
        "ipxe (Debian, Ubuntu) or ipxe-bootimgs-x86 (Fedora, RHEL)",
    ),
    "isolinux.bin": (
        ("/usr/lib/ISOLINUX", "/usr/share/syslinux", "/usr/lib/syslinux/bios"),
        "isolinux (Debian, Ubuntu) or syslinux (Fedora, RHEL)",
    ),
    "ldlinux.c32": (
        ("/usr/lib/syslinux/modules/bios", "/usr/share/syslinux"),
        "syslinux-common (Debian, Ubuntu) or syslinux (Fedora, RHEL)",
    ),
}


def missing_parts(firmware: str = "bios", arch: str = "x86_64") -> list[str]:
    """Return a line for each part of a stub disk that this machine lacks."""
    if firmware == "uefi":
        return grub_stub.missing_parts(arch)
    return [
        f"{name} is not installed; it comes with the package {package}"
        for name, (_, package) in _PARTS.items()
        if _part(name) is None
    ]


def _part(name: str) -> Path | None:
    for directory in _PARTS[name][0]:
        path = Path(directory, name)
        if path.is_file():
            return path
    return None


def _read_part(name: str) -> bytes:
    path = _part(name)
    if path is None:
        raise SpecError([*missing_parts(), "or use --boot-method kernel"])
    return path.read_bytes()


def stub_disk(script: str, disk_format: str = "qcow2") -> bytes:
    """Return a disk of a few MiB that boots iPXE with ``script``.

    It is a hybrid ISO: isolinux as a hard disk's boot record loads iPXE as a
    kernel and the script as its initrd. Needs no root and no tools.

    :raises: SpecError where iPXE or isolinux is not installed
    """
    import pycdlib

    files = {
        "/ISOLINUX.BIN;1": _read_part("isolinux.bin"),
        "/LDLINUX.C32;1": _read_part("ldlinux.c32"),
        "/IPXE.KRN;1": _read_part("ipxe.lkrn"),
        "/BOOT.IPX;1": script.encode(),
        "/ISOLINUX.CFG;1": _ISOLINUX_CFG,
    }
    iso = pycdlib.PyCdlib()
    iso.new(vol_ident="IMAGEBUILD")
    try:
        for path, data in files.items():
            iso.add_fp(io.BytesIO(data), len(data), path)
        iso.add_eltorito(
            "/ISOLINUX.BIN;1", "/BOOT.CAT;1", boot_load_size=4, boot_info_table=True
        )
        iso.add_isohybrid()
        disk = io.BytesIO()
        iso.write_fp(disk)
    finally:
        iso.close()
    return small_disk.build(disk.getvalue(), disk_format)
