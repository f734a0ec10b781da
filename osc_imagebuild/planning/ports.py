"""Find the user's own ports, and see whether servers can have them."""

from __future__ import annotations

from osc_imagebuild.cloud import networks as cloud_networks
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Network, Port


def find_ports(api: Api, request: Request) -> tuple[Port, ...]:
    """Return the ports that are asked for, in their order.

    :raises: SpecError naming all that is wrong, CloudError
    """
    ports: list[Port] = []
    problems: list[str] = []
    for name in request.ports:
        named = cloud_networks.ports_named(api, name)
        # An admin sees other projects' too; of one name, the project's own counts.
        mine = [port for port in named if port.owner == api.project_id()]
        if len(mine) == 1:
            ports += mine
            problems += _unfit(mine[0])
        elif mine:
            ids = ", ".join(port.id for port in mine)
            problems.append(
                f"several ports are named {name!r:.100}, give one's ID: {ids}"
            )
        elif named:
            problems.append(f"port {name!r:.100} is another project's")
        else:
            problems.append(f"no port {name!r:.100}; see: openstack port list")
    found = [port.id for port in ports]
    problems += [
        f"port {words(port)} is given twice"
        for number, port in enumerate(ports)
        if port.id in found[:number]
    ]
    if problems:
        raise SpecError(tuple(dict.fromkeys(problems)))
    return tuple(ports)


def _unfit(port: Port) -> list[str]:
    """Return why no server can have a port, or none on it could do anything."""
    problems = []
    if port.device:
        problems.append(
            f"port {words(port)} is in use by {port.device}: a build needs it for itself, "
            "so let go of it, or take another one"
        )
    if not port.is_up:
        problems.append(
            f"port {words(port)} is switched off; see: openstack port set --enable"
        )
    # Source: nova.exception.PortRequiresFixedIP.
    if not port.addresses:
        problems.append(f"port {words(port)} has no address, and servers need one")
    return problems


def words(port: Port) -> str:
    """Return a port's name and ID, as people are told of it."""
    return f"{port.name} ({port.id})" if port.name else port.id


def require_seen(ports: tuple[Port, ...], networks: list[Network]) -> None:
    """See to it that the networks of ports can be seen.

    :raises: SpecError
    """
    known = {network.id for network in networks}
    problems = [
        f"the network of port {words(port)} cannot be seen by this project"
        for port in ports
        if port.network_id not in known
    ]
    if problems:
        raise SpecError(problems)


def notes(ports: tuple[Port, ...], networks: list[Network]) -> list[str]:
    """Return lines that tell a user what follows from ports."""
    names = {network.id: network.name for network in networks}
    return [
        f"port {words(port)} on network {names[port.network_id]}: one server after the other "
        "has it, and its own security groups apply"
        for port in ports
    ]
