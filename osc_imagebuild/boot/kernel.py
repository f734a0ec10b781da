"""Boot method kernel: Nova starts the installer's kernel and ramdisk itself.

Kernel and ramdisk are Glance images, found again by their content for later
builds; the root disk starts blank. Only the libvirt driver does this.
"""

from __future__ import annotations

from osc_imagebuild.model import Spec
from osc_imagebuild.parts import BlankDisk, BootImage, BootVolume, RemoteFile

ROOT = "root"

# Nova keeps image properties cut to 255 bytes and uses that on every later
# start. Source: nova.utils.instance_meta / system_metadata value length.
COMMAND_LINE_LIMIT = 255


def images(spec: Spec) -> tuple[BootImage, ...]:
    """Kernel and ramdisk, shared by content, and the blank root disk."""
    kernel = BootImage(
        role="kernel",
        disk_format="aki",
        container_format="aki",
        content=RemoteFile(spec.kernel_url, spec.kernel_sha256),
        shared_key=spec.kernel_sha256,
    )
    ramdisk = BootImage(
        role="ramdisk",
        disk_format="ari",
        container_format="ari",
        content=RemoteFile(spec.ramdisk_url, spec.ramdisk_sha256),
        shared_key=spec.ramdisk_sha256,
    )
    root = BootImage(
        role=ROOT,
        disk_format="qcow2",
        container_format="bare",
        content=BlankDisk(spec.disk_gib),
        properties={**spec.boot_properties, "os_command_line": spec.kernel_args},
        refs={"kernel_id": "kernel", "ramdisk_id": "ramdisk"},
    )
    return (kernel, ramdisk, root)


def cds(spec: Spec) -> tuple[BootVolume, ...]:
    """None: the installer comes over the network."""
    return ()


def problems(spec: Spec) -> list[str]:
    """The command line must survive Nova's cut."""
    size = len(spec.kernel_args.encode())
    if size <= COMMAND_LINE_LIMIT:
        return []
    return [
        f"the installer's command line has {size} bytes and Nova keeps "
        f"{COMMAND_LINE_LIMIT} for boot method kernel; use --boot-method ipxe"
    ]
