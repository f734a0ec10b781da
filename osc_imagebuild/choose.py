"""Choose what the user left open, and say why. Pure, but for missing files.

Each function returns its choice and a line for the user ('' where the user
chose), and raises SpecError where nothing fits.
"""

from __future__ import annotations

from collections.abc import Sequence

from osc_imagebuild import boot
from osc_imagebuild.catalog import Entry
from osc_imagebuild.cloud.inventory import Flavor, Network
from osc_imagebuild.errors import SpecError
from osc_imagebuild.model import Request


def flavor(
    flavors: Sequence[Flavor], name: str | None, entry: Entry
) -> tuple[Flavor, str]:
    """The named flavor, or the smallest that the installer fits into.

    :raises: SpecError
    """
    needs = f"{entry.min_ram_mib} MiB of RAM and {entry.min_disk_gib} GiB of disk"
    if name is not None:
        found = named_flavor(flavors, name)
        if not _fits(found, entry):
            raise SpecError(
                f"flavor {found.name} is too small for {entry.title}: it has "
                f"{found.ram_mib} MiB of RAM and {found.disk_gib} GiB of disk, the "
                f"installer needs {needs}"
            )
        return found, ""
    fitting = [f for f in flavors if _fits(f, entry)]
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


def _fits(flavor: Flavor, entry: Entry) -> bool:
    return flavor.ram_mib >= entry.min_ram_mib and flavor.disk_gib >= entry.min_disk_gib


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


def _network(known: Sequence[Network], name: str) -> str:
    by_id = [n.id for n in known if n.id == name]
    found = by_id or [n.id for n in known if n.name == name]
    if not found:
        there = ", ".join(sorted(n.name for n in known))
        raise SpecError(f"no network {name!r}; there are: {there or 'none'}")
    if len(found) > 1:
        raise SpecError(f"several networks are named {name!r}: {', '.join(found)}")
    return found[0]


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
        if request.boot_method == "ipxe" and missing:
            raise SpecError([*missing, "or use --boot-method kernel"])
        return request.boot_method, ""
    if "ipxe" not in there:
        return there[0], f"boot method {there[0]}"
    if missing:
        return "kernel", f"boot method kernel, not ipxe: {missing[0]}"
    if not kernel_url.startswith("http://") or request.arch != "x86_64":
        return "kernel", "boot method kernel: iPXE here takes http and x86_64 only"
    return "ipxe", "boot method ipxe: the guest fetches the installer by itself"
