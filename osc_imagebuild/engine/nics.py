"""The networks and ports of a server as Nova takes them."""

from __future__ import annotations

from osc_imagebuild.cloud import networks
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, ConflictError
from osc_imagebuild.model.names import Role
from osc_imagebuild.model.spec import Networking


def of_server(network: Networking, role: str) -> list[dict[str, str]]:
    """Return the networks of the server of a role, in their order.

    The user's own ports bring the addresses that they have. Elsewhere the installer has
    the address that it was told, and the server that tests the result takes any.
    """
    of_ports = [{"port": port} for port in network.ports]
    others = [{"uuid": item} for item in network.networks[len(network.ports) :]]
    if network.address and role == Role.INSTALL and not network.ports:
        others[0]["fixed_ip"] = network.address.ip
    return [*of_ports, *others]


def require_own_ports(api: Api, network: Networking) -> None:
    """See to it that the ports, as a record names them, are there and the project's own.

    An admin's session reaches those of other projects too.

    :raises: CloudError
    """
    for port_id in network.ports:
        found = networks.ports_named(api, port_id)
        if not any(p.id == port_id and p.owner == api.project_id() for p in found):
            raise CloudError(
                f"port {port_id}, which the build's servers are to have, is gone, or none of "
                "this project's; create the build again with another one",
                service="network",
            )


def explained(network: Networking, error: CloudError) -> ConflictError | None:
    """Return Nova's refusal of a server in words where a port of the user's is in use.

    Source: nova.exception.PortInUse, which is a conflict.
    """
    text = str(error)
    if not (isinstance(error, ConflictError) and network.ports and "in use" in text):
        return None
    return ConflictError(
        "a port that the build's servers are to have was taken by another server "
        f"meanwhile; let go of it, or create the build again with another one: {text}",
        service=error.service,
        status=error.status,
        request_id=error.request_id,
    )
