"""Neutron: networks, subnets, ports and security groups, as a member sees them."""

from __future__ import annotations

import uuid
from typing import Any

from tests.fakes.wire import Call, Refusal, Reply, Service, route

Item = dict[str, Any]


class Neutron(Service):
    """One usable network by default: it has DHCP and hangs on a router."""

    name = "network"

    def __init__(self) -> None:
        super().__init__()
        self.networks: list[Item] = []
        self.subnets: list[Item] = []
        self.ports: list[Item] = []
        self.kept: set[str] = set()  # ports that users have made
        self.groups: list[Item] = [
            {"id": "sg-1", "name": "default", "project_id": "demo"},
            {"id": "sg-2", "name": "web", "project_id": "demo"},
        ]
        self.add_network("private", "net-1")
        self.add_network("public", "net-ext", external=True, owner="admin")

    def add_network(
        self,
        name: str,
        network_id: str,
        *,
        external: bool = False,
        dhcp: bool = True,
        routed: bool = True,
        owner: str = "demo",
    ) -> None:
        """Add a network with one subnet."""
        self.networks.append(
            {
                "id": network_id,
                "name": name,
                "router:external": external,
                "project_id": owner,
                "status": "ACTIVE",
            }
        )
        self.subnets.append(
            {
                "id": f"subnet-{network_id}",
                "network_id": network_id,
                "enable_dhcp": dhcp and not external,
                "ip_version": 4,
                "cidr": "10.0.0.0/29",
                "gateway_ip": "10.0.0.1" if routed else None,
                "dns_nameservers": ["10.0.0.2", "10.0.0.3"],
                "allocation_pools": [{"start": "10.0.0.1", "end": "10.0.0.6"}],
                "project_id": owner,
            }
        )
        if routed and not external:
            self.plug(f"router-{network_id}", network_id, "network:router_interface")

    def plug(
        self,
        device: str,
        network_id: str,
        owner: str = "compute:nova",
        address: str = "",
    ) -> None:
        """Add a port."""
        self.ports.append(
            {
                "id": f"port-{device}-{network_id}",
                "device_id": device,
                "network_id": network_id,
                "device_owner": owner,
                "fixed_ips": [{"ip_address": address}] if address else [],
                "project_id": "demo",
            }
        )

    def add_port(self, name: str, network_id: str = "net-1", **fields: Any) -> Item:
        """Add a port of a user's, which outlives the servers that have it."""
        port = {
            "id": str(uuid.uuid4()),
            "name": name,
            "device_id": "",
            "network_id": network_id,
            "device_owner": "",
            "fixed_ips": [{"ip_address": "10.0.0.5", "subnet_id": "s"}],
            "project_id": "demo",
            "admin_state_up": True,
            **fields,
        }
        self.ports.append(port)
        self.kept.add(port["id"])
        return port

    def port(self, project: str, port_id: str) -> Item | None:
        """Return a project's port."""
        for port in self.ports:
            if (port["id"], port["project_id"]) == (port_id, project):
                return port
        return None

    def is_used(self, address: str, network_id: str) -> bool:
        """Whether a port of the network has the address."""
        return any(
            {"ip_address": address} in port["fixed_ips"]
            for port in self.ports
            if port["network_id"] == network_id
        )

    def unplug(self, device: str) -> None:
        """Remove all ports of a device, but free those that a user has made."""
        for port in self.ports:
            if port["device_id"] == device and port["id"] in self.kept:
                port["device_id"] = port["device_owner"] = ""
        self.ports = [p for p in self.ports if p["device_id"] != device]

    @route("GET", "/")
    def discover(self, call: Call) -> Reply:
        """Tell the version."""
        link = {"rel": "self", "href": "http://neutron.fake/v2.0/"}
        return Reply(
            200, {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]}
        )

    @route("GET", "/v2.0/networks")
    def list_networks(self, call: Call) -> Reply:
        """List what matches."""
        return self.listing(call, "networks", _matching(self.networks, call))

    @route("GET", "/v2.0/subnets")
    def list_subnets(self, call: Call) -> Reply:
        """List what matches."""
        return self.listing(call, "subnets", _matching(self.subnets, call))

    @route("GET", "/v2.0/ports")
    def list_ports(self, call: Call) -> Reply:
        """List what matches."""
        return self.listing(call, "ports", _matching(self.ports, call))

    @route("POST", "/v2.0/ports", "create port")
    def create_port(self, call: Call) -> Reply:
        """Make one, on a network that there is."""
        body = dict(call.json["port"])
        if body["network_id"] not in {n["id"] for n in self.networks}:
            raise Refusal(404, f"Network {body['network_id']} could not be found.")
        port = self.add_port(body.pop("name", ""), project_id=call.project, **body)
        return Reply(201, {"port": port})

    @route("DELETE", "/v2.0/ports/(?P<port_id>[^/]+)", "delete port")
    def delete_port(self, call: Call, port_id: str) -> Reply:
        """Remove one."""
        port = self.port(call.project, port_id)
        if port is None:
            raise Refusal(404, f"Port {port_id} could not be found.")
        self.ports.remove(port)
        return Reply(204)

    @route("GET", "/v2.0/security-groups")
    def list_groups(self, call: Call) -> Reply:
        """List what matches."""
        return self.listing(call, "security_groups", _matching(self.groups, call))


def _matching(items: list[Item], call: Call) -> list[Item]:
    return [
        item
        for item in items
        if all(
            str(item.get(key)) in values
            for key, values in call.query.items()
            if key in item
        )
    ]
