"""Read networks, addresses and security groups for planning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from osc_imagebuild.cloud import paging
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.model.resources import Network, SecurityGroup, Subnet


def networks(api: Api) -> list[Network]:
    """Return the networks that the project can see.

    :raises: CloudError
    """
    found = paging.read(api, "network", "/networks", "networks")
    subnets = paging.read(api, "network", "/subnets", "subnets")
    of = {n["id"]: [s for s in subnets if s["network_id"] == n["id"]] for n in found}
    routers, answering = _routers(api)
    routed = routers | _gateways(api, subnets)
    return [
        Network(
            id=n["id"],
            name=n["name"],
            external=bool(n.get("router:external")),
            dhcp=_has_dhcp(of[n["id"]]),
            routed=n["id"] in routed,
            router=n["id"] in answering,
            subnets=_subnets(of[n["id"]]),
        )
        for n in found
    ]


def _is_ipv4(subnet: Mapping[str, Any]) -> bool:
    return bool(subnet.get("ip_version", 4) == 4)


def _has_dhcp(subnets: Sequence[Mapping[str, Any]]) -> bool:
    """What IPv6 has for DHCP gives an installer no address of IPv4."""
    asked = [s for s in subnets if _is_ipv4(s)] or subnets
    return any(s.get("enable_dhcp") for s in asked)


def _subnets(subnets: Sequence[Mapping[str, Any]]) -> tuple[Subnet, ...]:
    """Those of IPv4 that take servers, and not only routers or floating IPs."""
    found = [
        Subnet(
            cidr=subnet["cidr"],
            gateway=subnet.get("gateway_ip") or "",
            nameservers=tuple(subnet.get("dns_nameservers") or ()),
            pools=tuple(
                (pool["start"], pool["end"])
                for pool in subnet.get("allocation_pools") or ()
            ),
        )
        for subnet in subnets
        if _is_ipv4(subnet)
        and any(
            kind.startswith("compute:")
            for kind in subnet.get("service_types") or ["compute:"]
        )
    ]
    return tuple(sorted(found, key=lambda subnet: not subnet.gateway))


def used_addresses(api: Api, network_id: str) -> set[str]:
    """Return the addresses of a network's ports, as far as the project sees them.

    :raises: CloudError
    """
    ports = paging.read(api, "network", "/ports", "ports", [("network_id", network_id)])
    return {ip["ip_address"] for port in ports for ip in port.get("fixed_ips", ())}


def _routers(api: Api) -> tuple[set[str], set[str]]:
    """Networks on which a router of Neutron's is seen; where it leads to metadata.

    OVN's does not: OVN has a port of its own on each network for the metadata
    service, and tells the way to it by DHCP alone.
    Source: neutron_lib.constants: the owners of a router's ports on tenants' networks;
    neutron's OVN driver, ovn_client.py, create_metadata_port.
    """
    ovn = "network:distributed"
    owners = [
        ("device_owner", f"network:{kind}")
        for kind in (
            "router_interface",
            "router_interface_distributed",
            "ha_router_replicated_interface",
        )
    ]
    owners.append(("device_owner", ovn))
    ports = paging.read(api, "network", "/ports", "ports", owners)
    routers = {p["network_id"] for p in ports if p.get("device_owner") != ovn}
    of_ovn = {p["network_id"] for p in ports if p.get("device_owner") == ovn}
    return routers, routers - of_ovn


def _gateways(api: Api, subnets: Sequence[Mapping[str, Any]]) -> set[str]:
    """Networks with a gateway that may be a router which a project does not see."""
    mine = _project(api)
    return {
        s["network_id"]
        for s in subnets
        if s.get("gateway_ip") and s.get("project_id") != mine
    }


def _project(api: Api) -> str:
    found: str | None = api.connection.current_project_id
    return found or ""


def security_groups(api: Api) -> list[SecurityGroup]:
    """Return the security groups that can be seen, also those of other projects.

    :raises: CloudError
    """
    groups = paging.read(api, "network", "/security-groups", "security_groups")
    mine = _project(api)
    return [
        SecurityGroup(g["id"], g["name"], not mine or g.get("project_id") == mine)
        for g in groups
    ]
