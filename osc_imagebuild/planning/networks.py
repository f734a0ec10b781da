"""Resolve the networks, security groups and zones of a build."""

from __future__ import annotations

from osc_imagebuild.cloud import limits
from osc_imagebuild.cloud import networks as cloud_networks
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError
from osc_imagebuild.model import resources
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Address, Networking
from osc_imagebuild.planning import fixed_address, ports, selection
from osc_imagebuild.planning.spec_builder import Placement
from osc_imagebuild.planning.stage import Stage, stage


@stage
def find_place(api: Api, request: Request) -> Stage[Placement]:
    """Find the networks that are asked for, or the usable one.

    :raises: CloudError
    """
    networks = cloud_networks.networks(api)
    own = ports.find_ports(api, request)
    ports.require_seen(own, networks)
    chosen, choice = tuple(port.network_id for port in own), ""
    if request.networks or not own:
        named, choice = selection.networks(networks, request.networks)
        chosen = (*chosen, *named)
    known = (*filter(None, (choice,)), *ports.notes(own, networks))
    ids = tuple(port.id for port in own)
    first = next(n for n in networks if n.id == chosen[0])
    if first.dhcp:
        drive, note = selection.config_drive(request, networks, chosen)
        network = Networking(networks=chosen, ports=ids, config_drive=drive)
        notes = (*known, *filter(None, (note,)))
        return Stage(Placement(network, metadata=not request.config_drive), notes)
    if request.config_drive is False:
        raise SpecError(
            f"network {first.name} has no DHCP, so the servers need a config drive to "
            "know their addresses; leave --no-config-drive out"
        )
    address = _of_port(first, own[0]) if own else _address(api, first)
    lines = fixed_address.lines(address, metadata=first.router)
    network = Networking(networks=chosen, ports=ids, config_drive=True, address=address)
    return Stage(Placement(network, metadata=first.router), (*known, *lines))


def _of_port(there: resources.Network, port: resources.Port) -> Address:
    """Return the address of a port of the user's, for an installer that is told it.

    :raises: SpecError
    """
    for subnet in there.subnets:
        for ip in port.addresses:
            if fixed_address.is_in(subnet.cidr, ip):
                return fixed_address.of_subnet(
                    subnet.cidr, subnet.gateway, subnet.nameservers, ip
                )
    raise SpecError(
        f"network {there.name} has no DHCP, and port {ports.words(port)} no address of IPv4, "
        "the only one that an installer can be given; choose another port"
    )


def _address(api: Api, there: resources.Network) -> Address:
    if not there.subnets:
        raise SpecError(
            f"network {there.name} has neither DHCP nor an IPv4 subnet for servers, and an "
            "installer can only be given an address of IPv4; choose another network"
        )
    used = cloud_networks.used_addresses(api, there.id)
    for subnet in there.subnets:
        address = fixed_address.free(subnet.pools, used | {subnet.gateway})
        if address is not None:
            return fixed_address.of_subnet(
                subnet.cidr, subnet.gateway, subnet.nameservers, address
            )
    raise SpecError(
        f"network {there.name} has no DHCP, and all addresses of its allocation "
        "pools are used"
    )


@stage
def find_security_groups(api: Api, request: Request) -> Stage[tuple[str, ...]]:
    """Find the IDs of the security groups that are asked for.

    Source: nova/api/openstack/compute/schemas/servers.py: base_create's security_groups
    takes names and IDs, and of these only IDs are never ambiguous.

    :raises: CloudError
    """
    if not request.security_groups:
        return Stage(())
    groups = cloud_networks.security_groups(api)
    return Stage(selection.security_groups(groups, request.security_groups))


@stage
def check_zone(api: Api, request: Request) -> Stage[str]:
    """See to it that Nova has the availability zone that is asked for.

    :raises: CloudError
    """
    zone = request.availability_zone
    return Stage(named_zone(api, zone) if zone else "")


def named_zone(api: Api, zone: str) -> str:
    """Return ``zone`` if Nova has it.

    :raises: SpecError where it has not, CloudError
    """
    # ZONE:HOST is an admin's way to choose a host.
    if zone.split(":")[0] not in (zones := limits.zones(api)):
        raise SpecError(
            f"no availability zone {zone!r}; there are: {', '.join(sorted(zones))}"
        )
    return zone


def volume_zone(api: Api, request: Request) -> tuple[str, str]:
    """Return the servers' zone where Cinder has one of that name, and a line on it.

    :raises: CloudError
    """
    zone = request.availability_zone
    if not zone or not api.has("volume"):
        return "", ""
    return selection.volume_zone(zone, limits.zones(api, "volume"))
