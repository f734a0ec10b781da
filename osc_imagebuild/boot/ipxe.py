"""Boot method ipxe: the root disk starts as a tiny disk that runs iPXE.

UEFI machines get GRUB instead, because the iPXE that distributions build for
them reads no script from its disk. Either fetches kernel and ramdisk straight
from the install tree and the installer then overwrites the disk. So nothing
passes through the client, any full-virtualisation hypervisor will do, there is
no limit of 255 bytes on the command line, and a guest that reboots boots what
it installed.
"""

from __future__ import annotations

import ipaddress

from osc_imagebuild.boot import BootMethod
from osc_imagebuild.model.boot_sources import (
    BootImage,
    BootVolume,
    Content,
    EfiStubDisk,
    StubDisk,
)
from osc_imagebuild.model.spec import Address, Spec

ROOT = "stub"
# What machines there are stubs for.
ARCHES = ("x86_64", "aarch64")

# A lease may come late and a mirror may be restarting: try for some minutes. iPXE
# as distributions build it for BIOS writes to the screen alone and cannot power
# off, but ISOLINUX, which loads it, writes to the serial console: so a third
# start of it says that six tries were in vain (see guests/signs/common.yaml).
_SCRIPT = """\
#!ipxe
set tries:int32 0
:again
inc tries
iseq ${{tries}} 4 && goto give_up ||
echo IMAGEBUILD-IPXE try ${{tries}}
{network}
imgfree
kernel {kernel} {args} || goto wait
initrd --name initrd {ramdisk} || goto wait
boot || goto wait
:wait
ifclose
sleep 10
goto again
:give_up
echo IMAGEBUILD-IPXE-FAILED no kernel and ramdisk from {kernel}
sleep 5
reboot
"""

# The same for UEFI. The strings of x count: GRUB's script knows no arithmetic. Its
# console is the firmware's, which a virtual machine's has on the serial line too.
_GRUB_SCRIPT = """\
set timeout=0
{address}
set tries=x
while [ "$tries" != {most} ]; do
  echo "IMAGEBUILD-GRUB try $tries"
  if {network}; then
    if linux '{kernel}' {args}; then
      if initrd '{ramdisk}'; then
        boot
      fi
    fi
  fi
  sleep 5
  set tries="x$tries"
done
echo 'IMAGEBUILD-IPXE-FAILED no kernel and ramdisk from {url}'
sleep 20
halt
"""


def _efi_stub(spec: Spec) -> EfiStubDisk:
    script = _GRUB_SCRIPT.format(
        most="x" * 10,
        address="\n".join(grub_commands(spec.network.address)),
        network="[ x = x ]" if spec.network.address else "net_bootp",
        kernel=_grub_path(spec.media.kernel_url),
        ramdisk=_grub_path(spec.media.ramdisk_url),
        # All quoted, as GRUB's script takes ; & ( and $ for its own.
        args=" ".join(f"'{word}'" for word in spec.installer.command_line.split()),
        url=spec.media.kernel_url,
    )
    return EfiStubDisk(script, spec.installer.arch, spec.formats.disk)


def _grub_path(url: str) -> str:
    """An address as GRUB writes it: (http,HOST:PORT)/PATH."""
    host, _, path = url.removeprefix("http://").partition("/")
    return f"(http,{host})/{path}"


def _stub(spec: Spec) -> StubDisk:
    script = _SCRIPT.format(
        network="\n".join(ipxe_commands(spec.network.address)) or "dhcp || goto wait",
        kernel=spec.media.kernel_url,
        ramdisk=spec.media.ramdisk_url,
        # Modern kernels take the ramdisk by its name in iPXE's file list.
        args=f"initrd=initrd {spec.installer.command_line}",
    )
    return StubDisk(script, spec.formats.disk)


def ipxe_commands(address: Address | None) -> list[str]:
    """Return what iPXE is told of a fixed address, nothing where there is none."""
    if not address:
        return []
    commands = [f"set net0/ip {address.ip}", f"set net0/netmask {address.netmask}"]
    if address.gateway:
        commands.append(f"set net0/gateway {address.gateway}")
    commands += [f"set dns {server}" for server in address.nameservers.split()[:1]]
    return [*commands, "ifopen net0 || goto wait"]


def grub_commands(address: Address | None) -> list[str]:
    """Return what GRUB is told of a fixed address.

    GRUB takes all of an address's old class (10.0.0.0/8) for the subnet unless a
    longer route says otherwise: those to the class's halves do.
    Source: GRUB's grub-core/net/net.c, grub_net_add_addr, grub_net_route_address.
    """
    if not address:
        return []
    commands = [
        f"net_add_addr fixed efinet0 {address.ip}",
        f"net_add_route subnet {address.subnet} fixed",
    ]
    if gateway := address.gateway:
        for name, net in enumerate(("0.0.0.0/0", *_outside(address.subnet))):
            commands.append(f"net_add_route out{name} {net} gw {gateway}")
    servers = address.nameservers.split()[:1]
    return [*commands, *(f"net_add_dns {server}" for server in servers)]


def _outside(subnet: str) -> list[str]:
    """The halves of the old class that a subnet is in, but for the subnet itself."""
    net = ipaddress.IPv4Network(subnet)
    first = net.network_address.packed[0]
    old = 8 if first < 128 else 16 if first < 192 else 24
    if net.prefixlen <= old:
        return []
    halves = net.supernet(new_prefix=old).subnets()
    return [str(half) for half in halves if half != net]


class IpxeBoot:
    """A stub that fetches the installer."""

    preference = 10
    reason = "the guest fetches the installer by itself"
    takes_tree = True
    takes_iso = False
    starts_installed = False
    iso_keys: tuple[str, ...] = ()
    boots_iso = False
    starts_signed = False
    uploads_kernel = False
    needs_volume = False
    answers_on_cd = False
    command_line_limit = 0
    root = ROOT

    def made_here(self, firmware: str, arch: str) -> Content | None:
        """The stub, where there is one for such machines."""
        if arch not in ARCHES:
            return None
        return EfiStubDisk("", arch) if firmware == "uefi" else StubDisk("")

    def refusal(self, arch: str, kernel_url: str) -> str:
        """iPXE and GRUB as distributions build them speak HTTP only."""
        if kernel_url.startswith("http://") and arch in ARCHES:
            return ""
        return "a stub takes http, and x86_64 and aarch64 only"

    def drawback(self, firmware: str) -> str:
        """With UEFI the stub may have no network.

        Source: edk2's OvmfPkg, PlatformBootManagerLib: with a boot order of QEMU's,
        which Nova gives, only devices that are in it are connected.
        """
        if firmware != "uefi":
            return ""
        return (
            "a UEFI firmware that is told its boot disk, as libvirt's is, shows a stub "
            "no network card"
        )

    def images(self, spec: Spec) -> tuple[BootImage, ...]:
        """The stub alone."""
        content = _efi_stub(spec) if spec.hardware.firmware == "uefi" else _stub(spec)
        return (
            BootImage(
                role=ROOT,
                disk_format=spec.formats.disk,
                container_format="bare",
                content=content,
                properties=spec.hardware.properties,
            ),
        )

    def cds(self, spec: Spec) -> tuple[BootVolume, ...]:
        """None: the installer comes over the network."""
        return ()

    def problems(self, spec: Spec) -> list[str]:
        """iPXE and GRUB as distributions build them speak HTTP only."""
        problems = []
        if spec.formats.has_blank_root:
            problems.append(
                "boot method ipxe needs a disk of format qcow2 or raw, and Glance takes "
                "neither here; use --boot-method kernel"
            )
        for url in (spec.media.kernel_url, spec.media.ramdisk_url):
            if not url.startswith("http://"):
                problems.append(
                    f"boot method ipxe needs an http:// install tree, not {url}; "
                    "give another --source or use --boot-method kernel"
                )
        if spec.installer.arch not in ARCHES:
            problems.append(
                f"boot method ipxe starts x86_64 and aarch64 guests, not {spec.installer.arch}; "
                "use --boot-method kernel"
            )
        words = (
            spec.installer.command_line,
            spec.media.kernel_url,
            spec.media.ramdisk_url,
        )
        if spec.hardware.firmware == "uefi" and any("'" in text for text in words):
            problems.append(
                "boot method ipxe cannot give UEFI guests a command line, or an address, "
                "with '; use --boot-method kernel"
            )
        return problems


METHOD: BootMethod = IpxeBoot()
