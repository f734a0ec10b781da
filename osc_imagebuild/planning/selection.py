"""Choose boot method, flavor, network and root disk where the user left them open. Pure.

Each function returns its choice and a line for the user ('' where the user
chose), and raises SpecError where nothing fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from osc_imagebuild import boot
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import machine
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Flavor, Network, SecurityGroup, VolumeType


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
        chosen = named_flavor(flavors, name)
        if not _fits(chosen, entry, on_volume or chosen.disk_gib == 0):
            raise SpecError(
                f"flavor {chosen.name} is too small for {entry.title}: it has "
                f"{chosen.ram_mib} MiB of RAM and {chosen.disk_gib} GiB of disk; "
                f"needed are {needs}"
            )
        if chosen.other_disks:
            raise SpecError(
                f"flavor {chosen.name} brings a swap or an ephemeral disk, which the "
                "installer may take for the system's; choose one without"
            )
        return chosen, ""
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
    chosen = min(fitting, key=lambda f: (f.disk_gib, f.ram_mib, f.vcpus, f.name))
    return chosen, f"flavor {chosen.name}: the smallest with {needs}"


def boot_flavor(flavors: Sequence[Flavor], disk_gib: int, ram_mib: int) -> Flavor:
    """Return the smallest flavor that a finished image boots with.

    :raises: SpecError
    """
    fitting = [f for f in flavors if f.disk_gib >= disk_gib and f.ram_mib >= ram_mib]
    if not fitting:
        raise SpecError(
            f"no flavor has {ram_mib} MiB of RAM and {disk_gib} GiB of disk"
        )
    return min(fitting, key=lambda f: (f.disk_gib, f.ram_mib, f.vcpus, f.name))


def named_flavor(flavors: Sequence[Flavor], name: str) -> Flavor:
    """The flavor of this name or ID.

    :raises: SpecError
    """
    for candidate in flavors:
        if name in (candidate.id, candidate.name):
            return candidate
    names = ", ".join(sorted(f.name for f in flavors))
    raise SpecError(f"no flavor {name!r}; there are: {names}")


def _fits(flavor: Flavor, entry: Entry, on_volume: bool) -> bool:
    large = on_volume or flavor.disk_gib >= entry.min_disk_gib
    return large and flavor.ram_mib >= entry.min_ram_mib


def networks(
    available: Sequence[Network], names: Sequence[str]
) -> tuple[tuple[str, ...], str]:
    """IDs of the named networks, or of the one that leads to a mirror.

    :raises: SpecError
    """
    if names:
        return tuple(named_network(available, name).id for name in names), ""
    inside = [n for n in available if not n.external and n.dhcp]
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
    request: Request, available: Sequence[Network], chosen: Sequence[str]
) -> tuple[bool, str]:
    """Whether servers get a config drive: what was asked, or where it is safer.

    The metadata service is reached through a router, or through a DHCP server
    where the operator set that up, which a user cannot see.
    """
    if request.config_drive is not None:
        return request.config_drive, ""
    if any(n.routed for n in available if n.id in chosen):
        return False, ""
    return True, "config drive: yes, because no network has a router to the metadata"


def named_network(available: Sequence[Network], name: str) -> Network:
    """The network of this ID, or the only one of this name.

    :raises: SpecError
    """
    by_id = [n for n in available if n.id == name]
    found = by_id or [n for n in available if n.name == name]
    if not found:
        there = ", ".join(sorted(n.name for n in available))
        raise SpecError(f"no network {name!r}; there are: {there or 'none'}")
    if len(found) > 1:
        ids = ", ".join(n.id for n in found)
        raise SpecError(f"several networks are named {name!r}: {ids}")
    return found[0]


def iso_boot_method(request: Request, entry: Entry) -> tuple[str, str]:
    """The boot method for an ISO: what is asked for, or the best that it can be.

    :raises: SpecError
    """
    takers = [name for name in boot.names() if boot.load(name).takes_iso]
    able = [
        name
        for name in sorted(takers, key=boot.preference)
        if name in entry.boot_methods and not _keys_problem(request, entry, name)
    ]
    name = request.boot_method
    if name == "auto" and able:
        note = f"boot method {able[0]}: the source is an ISO"
        if not boot.load(able[0]).answers_on_cd:
            note += (
                f", and the installer of {entry.title} is told on its command line what "
                "to do"
            )
        return able[0], note
    if name == "auto":
        others = [n for n in takers if n not in entry.boot_methods] or takers
        raise SpecError(_cannot(entry, " or ".join(others)))
    if name not in takers:
        ways = sorted(able, key=entry.boot_methods.index)
        raise SpecError(
            f"boot method {name} takes an install tree, and the source is an ISO; "
            + (f"use --boot-method {' or '.join(ways)}" if ways else "give a tree")
        )
    if problem := _keys_problem(request, entry, name):
        other = f"use --boot-method {able[0]}, or " if able else ""
        raise SpecError(f"{problem}; {other}give an install tree")
    if name not in entry.boot_methods:
        raise SpecError(_cannot(entry, name))
    return name, ""


def _keys_problem(request: Request, entry: Entry, name: str) -> str:
    """What the catalogue lacks to start an ISO of this system so, '' for nothing."""
    keys, arch = boot.load(name).iso_keys, entry.arches[request.arch]
    if all(arch.get(key) for key in keys):
        return ""
    parts = " and ".join(key.removeprefix("iso_") for key in keys)
    return (
        f"boot method {name}: the catalogue does not tell where {parts} are on an ISO "
        f"of {entry.title} for {request.arch} ({', '.join(keys)})"
    )


def _cannot(entry: Entry, name: str) -> str:
    return (
        f"{entry.title} cannot be built with boot method {name}; it takes "
        + ", ".join(entry.boot_methods)
    )


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
    size, chosen = request.disk_gib, boot.find(method)
    if size is not None and size < entry.min_disk_gib:
        raise SpecError(
            f"--disk {size} is too small for {entry.title}: "
            f"{entry.min_disk_gib} GiB are needed"
        )
    why = {
        "it was given a size": size is not None,
        f"output {request.output} is one": needed,
        f"boot method {method} needs one": chosen is not None and chosen.needs_volume,
        "the ISO is a volume too": cds,
        "the flavor has no disk": no_disk,
    }
    reasons = [reason for reason, holds in why.items() if holds]
    if not reasons:
        return 0, ""
    size = size or entry.min_disk_gib
    return size, f"root disk: a volume of {size} GiB, because {reasons[0]}"


def volume_type(types: Sequence[VolumeType], name: str) -> VolumeType:
    """The type of volumes with this ID or name.

    :raises: SpecError
    """
    for kind in sorted(types, key=lambda kind: kind.id != name):
        if name in (kind.id, kind.name):
            return kind
    names = ", ".join(sorted(kind.name for kind in types))
    raise SpecError(
        f"no volume type {name!r:.100} that this project can use; there are: "
        f"{names or 'none'}"
    )


def volume_zone(zone: str, zones: Sequence[str]) -> tuple[str, str]:
    """The zone of volumes for servers in ``zone``, '' for the one that Cinder takes.

    Where Nova may not attach across zones (cross_az_attach), none but that of the
    same name will do.
    """
    # ZONE:HOST is an admin's way to choose a host.
    name = zone.split(":")[0]
    if name in zones:
        return name, f"volumes: in availability zone {name} too"
    listed = ", ".join(sorted(zones))
    return "", (
        f"volumes: where Cinder puts them, because it has no availability zone {name}, "
        f"only {listed or 'none'}"
    )


def boot_method(
    request: Request,
    entry: Entry,
    kernel_url: str,
    missing: Mapping[str, Sequence[str]],
) -> tuple[str, str]:
    """The boot method for an install tree: what is asked for, or the best that works.

    ``missing`` tells which parts this machine lacks for each of them.

    :raises: SpecError
    """
    there = [m for m in entry.boot_methods if m in boot.names()]
    if not there:
        raise SpecError(
            f"{entry.title} can only be built with boot method "
            f"{' or '.join(entry.boot_methods)}, which this version does not have yet; "
            f"it has {', '.join(boot.names())}"
        )
    takers = [name for name in there if boot.load(name).takes_tree]
    takers.sort(key=boot.preference)
    if request.boot_method != "auto":
        _require_boot_method(request, entry)
        if lines := missing.get(request.boot_method):
            others = [name for name in takers if name != request.boot_method]
            ways = [f"or use --boot-method {' or '.join(others)}"] if others else []
            raise SpecError([*lines, *ways])
        return request.boot_method, ""
    if not takers:
        return there[0], f"boot method {there[0]}"
    return _best(request, entry, takers, kernel_url, missing)


def _best(
    request: Request,
    entry: Entry,
    takers: Sequence[str],
    kernel_url: str,
    missing: Mapping[str, Sequence[str]],
) -> tuple[str, str]:
    """The first of ``takers`` that can start a tree, one without drawbacks if any."""
    firmware = machine.firmware(request)
    refusals, drawbacks = {}, {}
    for name in takers:
        method = boot.load(name)
        lacks = missing.get(name)
        refusals[name] = lacks[0] if lacks else method.refusal(request.arch, kernel_url)
        drawbacks[name] = method.drawback(firmware) or _without_proxy(
            request, name, kernel_url
        )
    able = [name for name in takers if not refusals[name]]
    first = takers[0]
    if not able:
        others = [
            n for n in boot.names() if boot.load(n).takes_tree and n not in takers
        ]
        raise SpecError(
            f"{entry.title} cannot be built with boot method {' or '.join(takers)} here"
            + (f", and takes no boot method {' or '.join(others)}" if others else "")
            + f": {refusals[first]}"
        )
    name = next((n for n in able if not drawbacks[n]), able[0])
    if name == first:
        reason = boot.load(name).reason
        return name, f"boot method {name}" + (f": {reason}" if reason else "")
    if drawbacks[first]:
        return name, f"boot method {name}: {drawbacks[first]}"
    return name, f"boot method {name}, not {first}: {refusals[first]}"


def _without_proxy(request: Request, name: str, kernel_url: str) -> str:
    """Why a boot method cannot be told of the request's proxy, '' where it need not be.

    Source: iPXE's and GRUB's manuals: neither has a setting for one.
    """
    proxy = request.proxy
    if boot.load(name).uploads_kernel or not proxy or not proxy.is_for(kernel_url):
        return ""
    return f"what fetches the installer with {name} knows no proxy, and the client can"


def _require_boot_method(request: Request, entry: Entry) -> None:
    if request.boot_method not in boot.names():
        raise SpecError(
            f"no boot method {request.boot_method!r}; there are: "
            f"auto, {', '.join(boot.names())}"
        )
    if request.boot_method not in entry.boot_methods:
        raise SpecError(_cannot(entry, request.boot_method))
