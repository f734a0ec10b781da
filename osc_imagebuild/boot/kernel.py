"""Boot method kernel: Nova starts the installer's kernel and ramdisk itself.

Kernel and ramdisk are of an install tree, or read out of an ISO. They are Glance
images, found again by their content for later builds; the root disk starts
blank. Only the libvirt driver does this.
"""

from __future__ import annotations

import hashlib

from osc_imagebuild.boot import BootMethod, cdrom
from osc_imagebuild.model.boot_sources import (
    BlankDisk,
    BootImage,
    BootVolume,
    Content,
    IsoFile,
    RemoteFile,
)
from osc_imagebuild.model.spec import Spec

ROOT = "root"
KERNEL = "kernel"
RAMDISK = "ramdisk"

# Nova keeps image properties cut to 255 bytes and uses that on every later
# start. Source: nova.utils.instance_meta / system_metadata value length.
COMMAND_LINE_LIMIT = 255


def _part(
    role: str, disk_format: str, spec: Spec, url: str, sha256: str, path: str
) -> BootImage:
    content: Content = RemoteFile(url, sha256)
    if path:
        content = IsoFile(
            spec.media.iso.url,
            spec.media.iso.image_id,
            spec.media.iso.version,
            (spec.media.iso.kernel, spec.media.iso.ramdisk),
            path,
        )
        # Of all that tells this ISO from others, as it is read for an upload only.
        sha256 = hashlib.sha256(f"{spec.media.iso.version} {path}".encode()).hexdigest()
    return BootImage(
        role=role,
        disk_format=disk_format,
        container_format=disk_format,
        content=content,
        shared_key=sha256,
    )


class KernelBoot:
    """Kernel and ramdisk as images, and a blank disk."""

    preference = 30
    reason = ""
    takes_tree = True
    takes_iso = True
    starts_installed = False
    iso_keys = ("iso_kernel", "iso_ramdisk")
    boots_iso = False
    starts_signed = False
    uploads_kernel = True
    needs_volume = False
    answers_on_cd = False
    command_line_limit = COMMAND_LINE_LIMIT
    root = ROOT

    def made_here(self, firmware: str, arch: str) -> Content | None:
        """Nothing that takes tools: kernel and ramdisk are the vendor's."""
        return None

    def refusal(self, arch: str, kernel_url: str) -> str:
        """Nothing: the client fetches kernel and ramdisk from anywhere."""
        return ""

    def drawback(self, firmware: str) -> str:
        """None: Nova starts the kernel whatever the firmware is."""
        return ""

    def images(self, spec: Spec) -> tuple[BootImage, ...]:
        """Kernel and ramdisk, shared by content, the blank root disk, the ISO's CD."""
        kernel = _part(
            KERNEL,
            "aki",
            spec,
            spec.media.kernel_url,
            spec.media.kernel_sha256,
            spec.media.iso.kernel,
        )
        ramdisk = _part(
            RAMDISK,
            "ari",
            spec,
            spec.media.ramdisk_url,
            spec.media.ramdisk_sha256,
            spec.media.iso.ramdisk,
        )
        root = BootImage(
            role=ROOT,
            disk_format=spec.formats.disk,
            container_format="bare",
            content=BlankDisk(spec.hardware.disk_gib, spec.formats.disk),
            properties={
                **spec.hardware.properties,
                "os_command_line": spec.installer.command_line,
            },
            refs={"kernel_id": KERNEL, "ramdisk_id": RAMDISK},
        )
        cd = (
            (cdrom.iso_image(spec),)
            if spec.media.iso.as_cd and not spec.media.iso.image_id
            else ()
        )
        return (kernel, ramdisk, root, *cd)

    def cds(self, spec: Spec) -> tuple[BootVolume, ...]:
        """The ISO where it is one; else the installer comes over the network."""
        return (cdrom.iso_cd(spec, boots=False),) if spec.media.iso.as_cd else ()

    def problems(self, spec: Spec) -> list[str]:
        """The command line must survive Nova's cut."""
        size = len(spec.installer.command_line.encode())
        if size <= COMMAND_LINE_LIMIT:
            return []
        other = "; use --boot-method ipxe"
        if spec.media.iso.kernel:
            other = ""
        elif spec.hardware.firmware == "uefi":
            other = (
                "; --boot-method ipxe has no such limit, but a UEFI firmware under libvirt "
                "shows its stub no network card"
            )
        return [
            f"the installer's command line has {size} bytes and Nova keeps "
            f"{COMMAND_LINE_LIMIT} for boot method kernel{other}"
        ]


METHOD: BootMethod = KernelBoot()
