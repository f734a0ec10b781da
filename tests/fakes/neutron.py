"""Neutron: networks, subnets, ports and security groups, as a member sees them."""

from __future__ import annotations

from typing import Any

from tests.fakes.wire import Call, Reply, Service, route

Item = dict[str, Any]


class Neutron(Service):
    """One usable network by default: it has DHCP and hangs on a router."""

    name = "network"

    def __init__(self) -> None:
        super().__init__()
        self.networks: list[Item] = []
        self.subnets: list[Item] = []
        self.ports: list[Item] = []
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

    def is_used(self, address: str, network_id: str) -> bool:
        """Whether a port of the network has the address."""
        return any(
            {"ip_address": address} in port["fixed_ips"]
            for port in self.ports
            if port["network_id"] == network_id
        )

    def unplug(self, device: str) -> None:
        """Remove all ports of a device."""
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
