"""A fixed address for an installer on a network without DHCP. Pure."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlsplit

from osc_imagebuild.errors import SpecError

# So many are drawn before all are taken for used up.
_DRAWN = 4096


def free(pools: Sequence[tuple[str, str]], used: Collection[str]) -> str | None:
    """Return an address of ``pools`` (first and last ones) that is not ``used``.

    At random, so that two builds that are planned at once do not take the same.
    """
    ranges = [
        range(int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last)) + 1)
        for first, last in pools
    ]
    total = sum(len(numbers) for numbers in ranges)
    for drawn in random.sample(range(total), min(total, _DRAWN + len(used))):
        at = drawn
        for numbers in ranges:
            if at < len(numbers):
                found = str(ipaddress.IPv4Address(numbers[at]))
                if found not in used:
                    return found
                break
            at -= len(numbers)
    return None


def of_subnet(
    cidr: str,
    gateway: str,
    nameservers: Sequence[str],
    address: str,
) -> dict[str, str]:
    """Return all that an installer needs, as a `Spec` keeps it.

    :raises: SpecError where the subnet is no IPv4 network
    """
    try:
        net = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise SpecError(f"this subnet is none of IPv4: {cidr}") from error
    return {
        "ip": address,
        "subnet": str(net),
        "prefix": str(net.prefixlen),
        "netmask": str(net.netmask),
        "gateway": gateway,
        "nameservers": " ".join(server for server in nameservers if ":" not in server),
    }


def ipxe(address: Mapping[str, str]) -> list[str]:
    """Return what iPXE is told of a fixed address, nothing where there is none."""
    if not address:
        return []
    found = [f"set net0/ip {address['ip']}", f"set net0/netmask {address['netmask']}"]
    if address["gateway"]:
        found.append(f"set net0/gateway {address['gateway']}")
    found += [f"set dns {server}" for server in address["nameservers"].split()[:1]]
    return [*found, "ifopen net0 || goto wait"]


def grub(address: Mapping[str, str]) -> list[str]:
    """Return what GRUB is told of a fixed address.

    GRUB takes all of an address's old class (10.0.0.0/8) for the subnet unless a
    longer route says otherwise: those to the class's halves do.
    Source: GRUB's grub-core/net/net.c, grub_net_add_addr, grub_net_route_address.
    """
    if not address:
        return []
    found = [
        f"net_add_addr fixed efinet0 {address['ip']}",
        f"net_add_route subnet {address['subnet']} fixed",
    ]
    if gateway := address["gateway"]:
        for name, net in enumerate(("0.0.0.0/0", *_outside(address["subnet"]))):
            found.append(f"net_add_route out{name} {net} gw {gateway}")
    servers = address["nameservers"].split()[:1]
    return [*found, *(f"net_add_dns {server}" for server in servers)]


def _outside(subnet: str) -> list[str]:
    """The halves of the old class that a subnet is in, but for the subnet itself."""
    net = ipaddress.IPv4Network(subnet)
    first = net.network_address.packed[0]
    old = 8 if first < 128 else 16 if first < 192 else 24
    if net.prefixlen <= old:
        return []
    halves = net.supernet(new_prefix=old).subnets()
    return [str(half) for half in halves if half != net]


def unresolved(address: Mapping[str, str], source: str) -> list[str]:
    """Warn of a name in the address of the install media that nobody resolves.

    Neutron gives servers its own resolver where a subnet has none, by DHCP alone.
    """
    host = urlsplit(source).hostname if "://" in source else None
    if not host or address["nameservers"] or host.replace(".", "").isdigit():
        return []
    return [
        f"the subnet {address['subnet']} has neither DHCP nor a name server (of IPv4), "
        f"so the installer cannot resolve {host}: give the subnet one (openstack subnet "
        "set --dns-nameserver), or an IP address in --source"
    ]


def taken(ip: str, said: str) -> str:
    """Return what a user is told where a chosen address was taken meanwhile."""
    return (
        f"the address {ip}, which was free when the build was planned, was taken by "
        f"something else; create the build again, it then takes another: {said}"
    )


def lines(address: Mapping[str, str], *, metadata: bool) -> list[str]:
    """Return lines that tell a user what was chosen."""
    way = "the metadata service, through the router" if metadata else "the config drive"
    return [
        f"address {address['ip']} for the installer: the network has no DHCP",
        f"the installer reads its answer file from {way}",
        "config drive: yes, because without DHCP nothing else tells a server its address",
    ]
