"""Boot method ipxe: the root disk starts as a tiny disk that runs iPXE.

iPXE fetches kernel and ramdisk straight from the install tree and the
installer then overwrites the disk. So nothing passes through the client, any
full-virtualisation hypervisor will do, there is no limit of 255 bytes on the
command line, and a guest that reboots boots what it installed.
"""

from __future__ import annotations

from osc_imagebuild.model import Spec
from osc_imagebuild.parts import BootImage, BootVolume, StubDisk

ROOT = "stub"

# A lease may come late and a mirror may be restarting: try for some minutes,
# then power off, which the build takes for a failure with this last line.
_SCRIPT = """\
#!ipxe
set tries:int32 0
:again
inc tries
iseq ${{tries}} 20 && goto give_up ||
echo IMAGEBUILD-IPXE try ${{tries}}
dhcp || goto wait
imgfree
kernel {kernel} {args} || goto wait
initrd --name initrd {ramdisk} || goto wait
boot || goto wait
:wait
ifclose
sleep 5
goto again
:give_up
echo IMAGEBUILD-IPXE-FAILED no kernel and ramdisk from {kernel}
sleep 20
poweroff
"""


def images(spec: Spec) -> tuple[BootImage, ...]:
    """The stub alone."""
    script = _SCRIPT.format(
        kernel=spec.kernel_url,
        ramdisk=spec.ramdisk_url,
        # Modern kernels take the ramdisk by its name in iPXE's file list.
        args=f"initrd=initrd {spec.kernel_args}",
    )
    return (
        BootImage(
            role=ROOT,
            disk_format="qcow2",
            container_format="bare",
            content=StubDisk(script),
            properties=spec.boot_properties,
        ),
    )


def cds(spec: Spec) -> tuple[BootVolume, ...]:
    """None: the installer comes over the network."""
    return ()


def problems(spec: Spec) -> list[str]:
    """iPXE as distributions build it speaks HTTP only, and BIOS only here."""
    found = []
    for url in (spec.kernel_url, spec.ramdisk_url):
        if not url.startswith("http://"):
            found.append(
                f"boot method ipxe needs an http:// install tree, not {url}; "
                "give another --source or use --boot-method kernel"
            )
    if spec.arch != "x86_64":
        found.append(
            f"boot method ipxe starts x86_64 guests only, not {spec.arch}; "
            "use --boot-method kernel"
        )
    return found
