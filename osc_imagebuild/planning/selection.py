"""Choose what the user left open, and say why. Pure, but for missing files.

Each function returns its choice and a line for the user ('' where the user
chose), and raises SpecError where nothing fits.
"""

from __future__ import annotations

from collections.abc import Sequence

from osc_imagebuild import boot
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import machine
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Flavor, Network, SecurityGroup

# What machines boot method ipxe has stub disks for.
_STUB_ARCHES = ("x86_64", "aarch64")


def flavor(
    flavors: Sequence[Flavor], name: str | None, entry: Entry, *, on_volume: bool
) -> tuple[Flavor, str]:
    """The named flavor, or the smallest that the installer fits into.

    With ``on_volume`` the flavor's own disk is of no use. One without a disk, which is
    how clouds say that they want volumes, is taken where no other fits, or by name.

    :raises: SpecError
    """
    needs = f"{entry.min_ram_mib} MiB of RAM"
    if not on_volume:
        needs += f" and {entry.min_disk_gib} GiB of disk"
    if name is not None:
        found = named_flavor(flavors, name)
        if not _fits(found, entry, on_volume or found.disk_gib == 0):
            raise SpecError(
                f"flavor {found.name} is too small for {entry.title}: it has "
                f"{found.ram_mib} MiB of RAM and {found.disk_gib} GiB of disk, the "
                f"installer needs {needs}"
            )
        if found.other_disks:
            raise SpecError(
                f"flavor {found.name} brings a swap or an ephemeral disk, which the "
                "installer may take for the system's; choose one without"
            )
        return found, ""
    fitting = [f for f in flavors if _fits(f, entry, on_volume)]
    if not any(not f.other_disks for f in fitting):
        # Where none has the disk, a volume does; most clouds of that kind have no other.
        without = [f for f in flavors if f.disk_gib == 0 and _fits(f, entry, True)]
        if any(not f.other_disks for f in without):
            fitting, needs = without, f"{entry.min_ram_mib} MiB of RAM, and no disk"
    if fitting and all(f.other_disks for f in fitting):
        raise SpecError(
            f"each flavor with {needs} brings a swap or an ephemeral disk, which the "
            "installer may take for the system's; ask for one without"
        )
    fitting = [f for f in fitting if not f.other_disks]
    if not fitting:
        raise SpecError(f"no flavor has {needs}, which {entry.title} needs")
    # The disk first: its size becomes the image's.
    found = min(fitting, key=lambda f: (f.disk_gib, f.ram_mib, f.vcpus, f.name))
    return found, f"flavor {found.name}: the smallest with {needs}"


def named_flavor(flavors: Sequence[Flavor], name: str) -> Flavor:
    """The flavor of this name or ID.

    :raises: SpecError
    """
    for found in flavors:
        if name in (found.id, found.name):
            return found
    known = ", ".join(sorted(f.name for f in flavors))
    raise SpecError(f"no flavor {name!r}; there are: {known}")


def _fits(flavor: Flavor, entry: Entry, on_volume: bool) -> bool:
    large = on_volume or flavor.disk_gib >= entry.min_disk_gib
    return large and flavor.ram_mib >= entry.min_ram_mib


def networks(
    known: Sequence[Network], names: Sequence[str]
) -> tuple[tuple[str, ...], str]:
    """IDs of the named networks, or of the one that leads to a mirror.

    :raises: SpecError
    """
    if names:
        return tuple(_network(known, name) for name in names), ""
    inside = [n for n in known if not n.external and n.dhcp]
    usable = [n for n in inside if n.routed] or inside
    if len(usable) == 1:
        return (usable[0].id,), f"network {usable[0].name}: the only usable one"
    if not usable:
        raise SpecError(
            "no network of this project has a subnet with DHCP; make one, or name "
            "one with --network"
        )
    listed = ", ".join(sorted(f"{n.name} ({n.id})" for n in usable))
    raise SpecError(f"several networks could be used, choose with --network: {listed}")


def security_groups(
    groups: Sequence[SecurityGroup], names: Sequence[str]
) -> tuple[str, ...]:
    """IDs of the named security groups; of one name, the project's own goes first.

    :raises: SpecError
    """
    chosen = {name: _security_groups(groups, name) for name in names}
    unknown = [repr(name) for name, ids in chosen.items() if not ids]
    problems = [
        f"several security groups are named {name!r}, give one's ID: {', '.join(ids)}"
        for name, ids in chosen.items()
        if len(ids) > 1
    ]
    if unknown:
        problems.insert(
            0,
            f"no security group {', '.join(unknown)}; see: openstack security group list",
        )
    if problems:
        raise SpecError(problems)
    return tuple(dict.fromkeys(ids[0] for ids in chosen.values()))


def _security_groups(groups: Sequence[SecurityGroup], name: str) -> list[str]:
    named = [group for group in groups if group.name == name]
    return (
        [group.id for group in groups if group.id == name]
        or [group.id for group in named if group.own]
        or [group.id for group in named]
    )


def config_drive(
    request: Request, known: Sequence[Network], chosen: Sequence[str]
) -> tuple[bool, str]:
    """Whether servers get a config drive: what was asked, or where it is safer.

    The metadata service is reached through a router, or through a DHCP server
    where the operator set that up, which a user cannot see.
    """
    if request.config_drive is not None:
        return request.config_drive, ""
    if any(n.routed for n in known if n.id in chosen):
        return False, ""
    return True, "config drive: yes, because no network has a router to the metadata"


def _network(known: Sequence[Network], name: str) -> str:
    by_id = [n.id for n in known if n.id == name]
    found = by_id or [n.id for n in known if n.name == name]
    if not found:
        there = ", ".join(sorted(n.name for n in known))
        raise SpecError(f"no network {name!r}; there are: {there or 'none'}")
    if len(found) > 1:
        raise SpecError(f"several networks are named {name!r}: {', '.join(found)}")
    return found[0]


def iso_boot_method(request: Request, entry: Entry) -> tuple[str, str]:
    """The boot method for an ISO: what is asked for, or its CD, or its kernel.

    :raises: SpecError
    """
    chosen = request.boot_method != "auto"
    kernel, cdrom = _kernel_in_iso(request, entry), "cdrom" in entry.boot_methods
    if request.boot_method == "kernel" or (not chosen and kernel and not cdrom):
        if not kernel:
            raise SpecError(
                f"boot method kernel: the catalogue does not tell where kernel and "
                f"ramdisk are on an ISO of {entry.title} for {request.arch} (iso_kernel, "
                "iso_ramdisk); "
                + ("use --boot-method cdrom, or " if cdrom else "")
                + "give an install tree"
            )
        return "kernel", "" if chosen else (
            f"boot method kernel: the source is an ISO, and the installer of "
            f"{entry.title} is told on its command line what to do"
        )
    if request.boot_method not in ("auto", "cdrom"):
        ways = [m for m, can in (("kernel", kernel), ("cdrom", cdrom)) if can]
        raise SpecError(
            f"boot method {request.boot_method} takes an install tree, and the source "
            "is an ISO; "
            + (f"use --boot-method {' or '.join(ways)}" if ways else "give a tree")
        )
    if not cdrom:
        raise SpecError(
            f"{entry.title} cannot be built with boot method cdrom; it takes "
            + ", ".join(entry.boot_methods)
        )
    return "cdrom", "" if chosen else "boot method cdrom: the source is an ISO"


def _kernel_in_iso(request: Request, entry: Entry) -> bool:
    """Whether an ISO's kernel can be started without the ISO's own boot loader."""
    arch = entry.arches[request.arch]
    known = arch.get("iso_kernel") and arch.get("iso_ramdisk")
    return bool(known) and "kernel" in entry.boot_methods


def root(
    request: Request,
    entry: Entry,
    method: str,
    *,
    needed: bool,
    cds: bool,
    no_disk: bool,
) -> tuple[int, str]:
    """Size in GiB of the volume for the root disk, 0 for a disk of the flavor's.

    ``needed`` is whether the output needs a volume, ``cds`` whether the server
    gets CDs, ``no_disk`` whether the flavor has none.

    :raises: SpecError
    """
    size = request.disk_gib
    if size is not None and size < entry.min_disk_gib:
        raise SpecError(
            f"--disk {size} is too small for {entry.title}: the installer needs "
            f"{entry.min_disk_gib} GiB"
        )
    why = {
        "it was given a size": size is not None,
        f"output {request.output} is one": needed,
        f"boot method {method} needs one": method == "cdrom",
        "the ISO is a volume too": cds,
        "the flavor has no disk": no_disk,
    }
    reasons = [reason for reason, holds in why.items() if holds]
    if not reasons:
        return 0, ""
    size = size or entry.min_disk_gib
    return size, f"root disk: a volume of {size} GiB, because {reasons[0]}"


def volume_zone(zone: str, known: Sequence[str]) -> tuple[str, str]:
    """The zone of volumes for servers in ``zone``, '' for the one that Cinder takes.

    Where Nova may not attach across zones (cross_az_attach), none but that of the
    same name will do.
    """
    # ZONE:HOST is an admin's way to choose a host.
    name = zone.split(":")[0]
    if name in known:
        return name, f"volumes: in availability zone {name} too"
    listed = ", ".join(sorted(known))
    return "", (
        f"volumes: where Cinder puts them, because it has no availability zone {name}, "
        f"only {listed or 'none'}"
    )


def boot_method(
    request: Request, entry: Entry, kernel_url: str, missing: Sequence[str]
) -> tuple[str, str]:
    """The boot method asked for, or ipxe where it can work, else kernel.

    ``missing`` tells which parts of an iPXE stub this machine lacks.

    :raises: SpecError
    """
    there = [m for m in entry.boot_methods if m in boot.names()]
    if not there:
        raise SpecError(
            f"{entry.title} can only be built with boot method "
            f"{' or '.join(entry.boot_methods)}, which this version does not have yet; "
            f"it has {', '.join(boot.names())}"
        )
    if request.boot_method != "auto":
        _require_boot_method(request, entry)
        if request.boot_method == "ipxe" and missing:
            raise SpecError([*missing, "or use --boot-method kernel"])
        return request.boot_method, ""
    if "ipxe" not in there:
        return there[0], f"boot method {there[0]}"
    if machine.firmware(request) == "uefi" and "kernel" in there:
        # Source: edk2's OvmfPkg, PlatformBootManagerLib: with a boot order of QEMU's,
        # which Nova gives, only devices that are in it are connected.
        return "kernel", (
            "boot method kernel: a UEFI firmware that is told its boot disk, as libvirt's "
            "is, shows a stub no network card"
        )
    why = _no_stub(request, kernel_url, missing)
    if not why:
        return "ipxe", "boot method ipxe: the guest fetches the installer by itself"
    if "kernel" not in there:
        raise SpecError(
            f"{entry.title} cannot be built with boot method ipxe here, and takes no "
            f"boot method kernel: {why}"
        )
    return "kernel", f"boot method kernel, not ipxe: {why}"


def _no_stub(request: Request, kernel_url: str, missing: Sequence[str]) -> str:
    """Why no stub can be made, '' where one can."""
    if missing:
        return missing[0]
    if not kernel_url.startswith("http://") or request.arch not in _STUB_ARCHES:
        return "a stub takes http, and x86_64 and aarch64 only"
    return ""


def _require_boot_method(request: Request, entry: Entry) -> None:
    if request.boot_method not in boot.names():
        raise SpecError(
            f"no boot method {request.boot_method!r}; there are: "
            f"auto, {', '.join(boot.names())}"
        )
    if request.boot_method not in entry.boot_methods:
        raise SpecError(
            f"{entry.title} cannot be built with boot method "
            f"{request.boot_method}; it takes {', '.join(entry.boot_methods)}"
        )
