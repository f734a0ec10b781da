"""Find on which flavors, networks and firmwares the result is booted beside the first boot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from osc_imagebuild.cloud import limits
from osc_imagebuild.cloud import networks as cloud_networks
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.model import boots, contents, machine
from osc_imagebuild.model.boots import Boot
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Flavor, Network
from osc_imagebuild.planning import networks, preflight, selection
from osc_imagebuild.planning.spec_builder import Boots, Placement, Servers
from osc_imagebuild.planning.stage import Stage

T = TypeVar("T")


def find_boots(
    api: Api,
    request: Request,
    system: System | None,
    place: Placement | None,
    servers: Servers | None,
    disk_gib: int,
) -> Stage[Boots]:
    """Resolve each combination that is asked for, but for the one that is the first boot.

    ``disk_gib`` is the disk that the image needs.

    :raises: CloudError
    """
    if not request.boots_again:
        return Stage(Boots())
    problems: list[str] = []
    flavors = _named(
        request.test_flavors, limits.flavors(api), selection.named_flavor, problems
    )
    there = cloud_networks.networks(api) if request.test_networks else []
    nets = _named(request.test_networks, there, selection.named_network, problems)
    nics = [_on_network(request, net, problems) for net in nets]
    kinds = [k for k in dict.fromkeys(request.test_firmware) if k in boots.FIRMWARES]
    if system:
        problems += _unbootable(system.entry, request, kinds)
    if problems or not (system and place and servers):
        return Stage(problems=tuple(problems))
    combinations = boots.combinations([_on_flavor(f) for f in flavors], nics, kinds)
    found = tuple(b for b in combinations if not _is_first(b, request, place, servers))
    problems += _no_room(api, flavors)
    changing = {b for b in found if b.firmware not in ("", machine.firmware(request))}
    # Those of which the disk is the flavor's.
    local = () if servers.volume_gib else [b for b in found if b not in changing]
    problems += _too_small(flavors, local, disk_gib, system.entry.result_min_ram_mib)
    zone = ""
    if changing and not servers.volume_gib:
        problems += _no_volume(api, request, disk_gib)
        zone, _ = networks.volume_zone(api, request)
    notes = tuple(f"boots: the result is booted with {b.title} too" for b in found)
    return Stage(Boots(found, zone), notes, problems=tuple(problems))


def _named(
    names: Iterable[str],
    available: Sequence[T],
    find: Callable[[Sequence[T], str], T],
    problems: list[str],
) -> list[T]:
    """Return what has the names, each once, and note what has none."""
    found: list[T] = []
    for name in names:
        try:
            item = find(available, name)
        except SpecError as error:
            problems += [f"verify: {line}" for line in error.problems]
            continue
        found += [item] if item not in found else []
    return found


def _on_flavor(flavor: Flavor) -> Boot:
    return Boot(flavor_id=flavor.id, flavor_name=flavor.name)


def _on_network(request: Request, net: Network, problems: list[str]) -> Boot:
    """Return a boot on a network; without DHCP a config drive tells it its address."""
    if net.dhcp:
        drive, _ = selection.config_drive(request, [net], (net.id,))
    else:
        drive = True
        if request.config_drive is False:
            problems.append(
                f"verify: network {net.name} has no DHCP, so its servers need a config "
                "drive to know their addresses; leave --no-config-drive out"
            )
    return Boot(network_id=net.id, network_name=net.name, config_drive=drive)


def _is_first(boot: Boot, request: Request, place: Placement, servers: Servers) -> bool:
    """Whether a combination is that of the first boot, which need not be done twice."""
    return (
        boot.flavor_id in ("", servers.flavor.id)
        and (not boot.network_id or place.network.networks == (boot.network_id,))
        and boot.firmware in ("", machine.firmware(request))
    )


def _unbootable(entry: Entry, request: Request, kinds: Sequence[str]) -> list[str]:
    """Return why the result cannot boot with a firmware that it was not made with."""
    own, problems = machine.firmware(request), []
    made = entry.verify.get("firmware", ())
    knows = request.has_parent or request.answer_file is not None
    for kind in kinds:
        if kind == own:
            continue
        leave = f"leave {kind} out of verify.firmware"
        if kind == "bios" and request.arch == "aarch64":
            problems.append(f"servers of aarch64 have UEFI alone: {leave}")
        elif request.arch not in ("x86_64", "aarch64"):
            problems.append(f"servers of {request.arch} have no such choice: {leave}")
        elif kind == "bios" and request.secure_boot:
            problems.append(f"--secure-boot is for UEFI alone: {leave}")
        elif not knows and kind not in made:
            problems.append(
                f"{entry.title} is installed for {own} alone: the disk has a boot loader "
                f"for no other firmware. {leave.capitalize()}, or give an answer file that "
                "lays the disk out for both"
            )
    return problems


def _too_small(
    flavors: Sequence[Flavor], local: Sequence[Boot], disk_gib: int, ram_mib: int
) -> list[str]:
    """Return which flavors cannot take the image; its disk counts where it is the flavor's."""
    on_disk = {boot.flavor_id for boot in local}
    return [
        f"verify: flavor {flavor.name} is too small: it has {flavor.ram_mib} MiB of RAM "
        f"and {flavor.disk_gib} GiB of disk, the image needs {ram_mib} MiB"
        + (f" and {disk_gib} GiB" if flavor.id in on_disk else "")
        for flavor in flavors
        if flavor.ram_mib < ram_mib
        or (flavor.id in on_disk and flavor.disk_gib < disk_gib)
    ]


def _no_room(api: Api, flavors: Sequence[Flavor]) -> list[str]:
    """Return what the quota lacks for one server of each flavor."""
    room = limits.room(api) if flavors else None
    if room is None:
        return []
    return [
        f"verify: {line}, with flavor {flavor.name}"
        for flavor in flavors
        for line in preflight.lacking_for_server(room, flavor)
    ]


def _no_volume(api: Api, request: Request, disk_gib: int) -> list[str]:
    """Return why there can be no volume that declares another firmware than the image."""
    if not api.has("volume"):
        return [
            "this cloud offers no volumes (Cinder): the image can be booted with another "
            "firmware from a volume only, which declares it; leave verify.firmware out"
        ]
    disc = contents.disc(request.contents, as_disk=False)
    needs = preflight.volume_needs(
        request, 0, (disk_gib, *((disc.size_gib,) if disc else ()))
    )
    return preflight.lacking(limits.volume_room(api), needs)
