"""Read networks, addresses and security groups for planning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osc_imagebuild.cloud import answers, paging
from osc_imagebuild.cloud.api import Api, garbled
from osc_imagebuild.model.resources import Network, Port, SecurityGroup, Subnet


def networks(api: Api) -> list[Network]:
    """Return the networks that the project can see.

    :raises: CloudError
    """
    listed = _listed(api, "networks")
    subnets = _listed(api, "subnets")
    with garbled("network", "GET /networks, /subnets and /ports"):
        return _networks(api, listed, subnets)


def _networks(
    api: Api, listed: Sequence[Mapping[str, Any]], subnets: Sequence[Mapping[str, Any]]
) -> list[Network]:
    of = {n["id"]: [s for s in subnets if s["network_id"] == n["id"]] for n in listed}
    routers, answering = _routers(api)
    routed = routers | _gateways(api, subnets)
    return [
        Network(
            id=n["id"],
            name=answers.text(n, "name"),
            external=bool(n.get("router:external")),
            dhcp=_has_dhcp(of[n["id"]]),
            routed=n["id"] in routed,
            router=n["id"] in answering,
            subnets=_subnets(of[n["id"]]),
        )
        for n in listed
    ]


def _is_ipv4(subnet: Mapping[str, Any]) -> bool:
    return bool(subnet.get("ip_version", 4) == 4)


def _has_dhcp(subnets: Sequence[Mapping[str, Any]]) -> bool:
    """Whether DHCP gives an installer an address, of IPv4 where there is such a subnet."""
    asked = [s for s in subnets if _is_ipv4(s)] or subnets
    return any(s.get("enable_dhcp") for s in asked)


def _subnets(subnets: Sequence[Mapping[str, Any]]) -> tuple[Subnet, ...]:
    """Return the IPv4 subnets that take servers, and not only routers or floating IPs."""
    parsed = [
        Subnet(
            cidr=answers.text(subnet, "cidr"),
            gateway=answers.text_or(subnet, "gateway_ip"),
            nameservers=tuple(answers.texts(subnet.get("dns_nameservers"))),
            pools=tuple(
                (answers.text(pool, "start"), answers.text(pool, "end"))
                for pool in answers.items(subnet.get("allocation_pools"))
            ),
        )
        for subnet in subnets
        if _is_ipv4(subnet)
        and any(
            kind.startswith("compute:")
            for kind in subnet.get("service_types") or ["compute:"]
        )
    ]
    return tuple(sorted(parsed, key=lambda subnet: not subnet.gateway))


def used_addresses(api: Api, network_id: str) -> set[str]:
    """Return the addresses of a network's ports, as far as the project sees them.

    :raises: CloudError
    """
    ports = _listed(api, "ports", ("network_id", network_id))
    with garbled("network", "GET /ports"):
        return {
            answers.text(ip, "ip_address")
            for port in ports
            for ip in answers.items(port.get("fixed_ips"))
        }


@dataclass(frozen=True)
class _Row:
    """Something as Neutron lists it."""

    id: str
    data: Mapping[str, Any]


def _row(data: Mapping[str, Any]) -> _Row:
    return _Row(answers.text(data, "id"), data)


def _listed(api: Api, kind: str, *params: tuple[str, str]) -> list[Mapping[str, Any]]:
    rows = paging.read_pages(
        api, "network", f"/{kind}", kind.replace("-", "_"), _row, params
    )
    return [row.data for row in rows]


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
    ports = _listed(api, "ports", *owners)
    routers = {p["network_id"] for p in ports if p.get("device_owner") != ovn}
    of_ovn = {p["network_id"] for p in ports if p.get("device_owner") == ovn}
    return routers, routers - of_ovn


def _gateways(api: Api, subnets: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return networks whose gateway may be a router that the project does not see."""
    mine = api.project_id()
    return {
        s["network_id"]
        for s in subnets
        if s.get("gateway_ip") and s.get("project_id") != mine
    }


def ports_named(api: Api, name: str) -> list[Port]:
    """Return the port with an ID, or else those with that name.

    :raises: CloudError
    """
    found = _listed(api, "ports", ("id", name)) or _listed(api, "ports", ("name", name))
    with garbled("network", "GET /ports"):
        # Not every filter is heeded everywhere.
        ports = [_port(data) for data in found]
    return [port for port in ports if name in (port.id, port.name)]


def _port(data: Mapping[str, Any]) -> Port:
    device = answers.text_or(data, "device_id")
    owner = answers.text_or(data, "device_owner")
    return Port(
        id=answers.text(data, "id"),
        name=answers.text_or(data, "name"),
        network_id=answers.text(data, "network_id"),
        owner=str(data.get("project_id") or data.get("tenant_id") or ""),
        device=f"{owner} {device}".strip(),
        is_up=data.get("admin_state_up") is not False,
        addresses=tuple(
            answers.text(ip, "ip_address")
            for ip in answers.items(data.get("fixed_ips"))
        ),
    )


def security_groups(api: Api) -> list[SecurityGroup]:
    """Return the security groups that can be seen, also those of other projects.

    :raises: CloudError
    """
    groups = _listed(api, "security-groups")
    mine = api.project_id()
    with garbled("network", "GET /security-groups"):
        return [
            SecurityGroup(
                answers.text(g, "id"),
                answers.text(g, "name"),
                g.get("project_id") == mine,
            )
            for g in groups
        ]
