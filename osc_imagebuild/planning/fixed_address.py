"""Choose a fixed address for an installer on a network without DHCP. Pure."""

from __future__ import annotations

import bisect
import ipaddress
import itertools
import random
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.spec import Address

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
    ends = list(itertools.accumulate(map(len, ranges)))
    total = ends[-1] if ends else 0
    for drawn in random.sample(range(total), min(total, _DRAWN + len(used))):
        pool = bisect.bisect(ends, drawn)
        address = str(ipaddress.IPv4Address(ranges[pool][drawn - ends[pool]]))
        if address not in used:
            return address
    return None


def is_in(cidr: str, address: str) -> bool:
    """Whether an address is of a subnet; False where either is none of IPv4."""
    try:
        return ipaddress.IPv4Address(address) in ipaddress.IPv4Network(cidr)
    except ValueError:
        return False


def of_subnet(
    cidr: str,
    gateway: str,
    nameservers: Sequence[str],
    address: str,
) -> Address:
    """Return all that an installer needs.

    :raises: SpecError where the subnet is no IPv4 network
    """
    try:
        net = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise SpecError(f"this subnet is none of IPv4: {cidr}") from error
    return Address(
        ip=address,
        subnet=str(net),
        prefix=str(net.prefixlen),
        netmask=str(net.netmask),
        gateway=gateway,
        nameservers=" ".join(server for server in nameservers if ":" not in server),
    )


def unresolved(address: Address, source: str) -> list[str]:
    """Warn of a name in the address of the install media that nobody resolves.

    Neutron gives servers its own resolver where a subnet has none, by DHCP alone.
    """
    host = urlsplit(source).hostname if "://" in source else None
    if not host or address.nameservers or host.replace(".", "").isdigit():
        return []
    return [
        f"the subnet {address.subnet} has neither DHCP nor a name server (of IPv4), "
        f"so the installer cannot resolve {host}: give the subnet one (openstack subnet "
        "set --dns-nameserver), or an IP address in --source"
    ]


def lines(address: Address, *, metadata: bool) -> list[str]:
    """Return lines that tell a user what was chosen."""
    way = "the metadata service, through the router" if metadata else "the config drive"
    return [
        f"address {address.ip} for the installer: the network has no DHCP",
        f"the installer reads its answer file from {way}",
        "config drive: yes, because without DHCP nothing else tells a server its address",
    ]
