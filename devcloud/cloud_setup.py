"""What a cloud holds before its first user comes: run in the virtual environment.

Each verb can be run again; it makes what is missing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import openstack

from devcloud import render, settings, switches
from devcloud.process import run

FLAVORS = (("m1.mini", 1, 512, 2), ("m1.small", 1, 1024, 4), ("m1.medium", 2, 2048, 10))
PARTS = {
    "neutron-openvswitch-agent",
    "neutron-dhcp-agent",
    "neutron-l3-agent",
    "neutron-metadata-agent",
    "nova-compute",
    "nova-conductor",
    "nova-scheduler",
    "cinder-volume",
    "cinder-scheduler",
}


def _connect(name: str) -> Any:
    return openstack.connect(cloud=name)


def catalogue() -> None:
    """Users, roles, services and endpoints."""
    cloud = _connect("devcloud-admin")
    identity = cloud.identity
    service = identity.find_project("service") or identity.create_project(
        name="service", domain_id="default"
    )
    roles = [identity.find_role("admin")]
    roles.append(identity.find_role("service") or identity.create_role(name="service"))
    for name in render.users():
        user = identity.find_user(name) or identity.create_user(
            name=name, password=settings.SERVICE_PASSWORD, domain_id="default"
        )
        for role in roles:
            identity.assign_project_role_to_user(service, user, role)
    _member(identity, "demo", settings.DEMO_PASSWORD)
    _member(identity, "other", settings.OTHER_PASSWORD)
    _endpoints(identity)


def _member(identity: Any, name: str, password: str) -> None:
    """A project and its plain member; Keystone makes a member a reader too."""
    project = identity.find_project(name) or identity.create_project(
        name=name, domain_id="default"
    )
    user = identity.find_user(name) or identity.create_user(
        name=name, password=password, domain_id="default"
    )
    identity.assign_project_role_to_user(project, user, identity.find_role("member"))


def _endpoints(identity: Any) -> None:
    ports = settings.PORTS
    one, two = settings.REGIONS
    wanted = (
        (one, "image", "glance", f"{ports['glance']}"),
        (one, "placement", "placement", f"{ports['placement']}"),
        (one, "compute", "nova", f"{ports['nova']}/v2.1"),
        (one, "network", "neutron", f"{ports['neutron']}"),
        (one, "block-storage", "cinder", f"{ports['cinder']}/v3"),
        (one, "volumev3", "cinderv3", f"{ports['cinder']}/v3/%(project_id)s"),
        # Who asks for a region asks for its Keystone there too: it is the same.
        (two, "identity", "keystone", f"{ports['keystone']}/v3/"),
        (two, "image", "glance", f"{ports['glance-two']}"),
        *((one, s.catalogue, s.name, f"{ports[s.name]}") for s in switches.added()),
    )
    regions = {region.id for region in identity.regions()}
    for region in {one, two} - regions:
        identity.create_region(id=region)
    present = {service.type: service for service in identity.services()}
    # Nobody is to be sent where nothing answers; its endpoints go with it.
    for switch in switches.off():
        if switch.catalogue in present:
            identity.delete_service(present.pop(switch.catalogue))
    have = {
        (endpoint.region_id, endpoint.service_id, endpoint.interface)
        for endpoint in identity.endpoints()
    }
    for region, kind, name, tail in wanted:
        if kind not in present:
            present[kind] = identity.create_service(name=name, type=kind)
        for interface in ("public", "internal"):
            if (region, present[kind].id, interface) not in have:
                identity.create_endpoint(
                    service_id=present[kind].id,
                    interface=interface,
                    url=f"http://{settings.LOCAL}:{tail}",
                    region_id=region,
                )


def queue() -> None:
    """Wait until Neutron's RPC server takes calls.

    An agent that calls earlier waits a minute for the answer and then backs off.
    """
    # Imported here: they come with the services, and only this verb needs them.
    import amqp  # type: ignore[import-not-found]
    import kombu  # type: ignore[import-not-found]

    url = f"amqp://os:{settings.QUEUE_PASSWORD}@127.0.0.1:5672//"

    def consumed() -> str:
        try:
            with kombu.Connection(url) as connection:
                found = connection.default_channel.queue_declare(
                    "q-l3-plugin", passive=True
                )
        except (OSError, amqp.exceptions.AMQPError) as exc:
            return str(exc)
        return "" if found.consumer_count else "no consumer of q-l3-plugin"

    _wait("Neutron's RPC server", consumed, 120)


def _wait(what: str, missing: Callable[[], str], seconds: float) -> None:
    began = time.monotonic()
    while problem := missing():
        waited = time.monotonic() - began
        print(f"{what} after {waited:.0f} s: {problem}", flush=True)
        if waited > seconds:
            sys.exit(f"{what} is not ready after {seconds:.0f} s: {problem}")
        time.sleep(1)


def resources() -> None:
    """Networks, flavors, the volume type: what users build on."""
    admin, demo = _connect("devcloud-admin"), _connect("demo")
    other = _connect("devcloud-other")
    for name, cpus, ram, disk in FLAVORS:
        if not admin.compute.find_flavor(name):
            admin.compute.create_flavor(name=name, vcpus=cpus, ram=ram, disk=disk)
    if not admin.block_storage.find_type("nfs"):
        admin.block_storage.create_type(
            name="nfs", extra_specs={"volume_backend_name": "nfs1"}
        )
    public = _public(admin.network)
    render.PUBLIC_NETWORK.write_text(public.id)
    _tenant(demo.network, public)
    for cloud in (admin, demo, other):
        _open_security_group(cloud)


def _public(network: Any) -> Any:
    found = network.find_network("public") or network.create_network(
        name="public",
        is_shared=True,
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="public",
    )
    _subnet(
        network,
        found,
        settings.PUBLIC_CIDR,
        gateway_ip=settings.GATEWAY,
        allocation_pools=[{"start": "10.99.0.100", "end": "10.99.0.199"}],
    )
    return found


def _tenant(network: Any, public: Any) -> None:
    """The member's own networks: one with a router, one without a way out."""
    private = network.find_network("private") or network.create_network(name="private")
    subnet = _subnet(network, private, settings.PRIVATE_CIDR)
    router = network.find_router("r1") or network.create_router(name="r1")
    if not router.external_gateway_info:
        network.update_router(router, external_gateway_info={"network_id": public.id})
    if not list(network.ports(device_id=router.id, network_id=private.id)):
        network.add_interface_to_router(router, subnet_id=subnet.id)
    isolated = network.find_network("isolated") or network.create_network(
        name="isolated"
    )
    _subnet(network, isolated, settings.ISOLATED_CIDR, gateway_ip=None)


def _subnet(network: Any, parent: Any, cidr: str, **more: Any) -> Any:
    return network.find_subnet(parent.name) or network.create_subnet(
        name=parent.name,
        network_id=parent.id,
        ip_version=4,
        cidr=cidr,
        # Nothing answers there, but it says so at once, and a resolver need not wait.
        dns_nameservers=[settings.GATEWAY],
        **more,
    )


def _open_security_group(cloud: Any) -> None:
    project = cloud.current_project_id
    group = next(
        iter(cloud.network.security_groups(name="default", project_id=project))
    )
    have = {
        rule["protocol"]
        for rule in group.security_group_rules
        if rule["direction"] == "ingress" and not rule["remote_group_id"]
    }
    for protocol in {"icmp", "tcp"} - have:
        cloud.network.create_security_group_rule(
            security_group_id=group.id,
            direction="ingress",
            protocol=protocol,
            ethertype="IPv4",
        )


def agents() -> None:
    """Wait until every agent reports and the hypervisor can be scheduled to."""
    cloud = _connect("devcloud-admin")

    def missing() -> str:
        try:
            up = {agent.binary for agent in cloud.network.agents() if agent.is_alive}
            up |= {s.binary for s in cloud.compute.services() if s.state == "up"}
            up |= {s.binary for s in cloud.block_storage.services() if s.state == "up"}
        except openstack.exceptions.SDKException as exc:
            return str(exc)
        return ", ".join(sorted(PARTS - up))

    _wait("the cloud", missing, 180)
    nova = [
        f"--config-file={settings.ETC}/nova/{name}.conf" for name in ("nova", "nova-db")
    ]
    run(settings.VENV / "bin/nova-manage", *nova, "cell_v2", "discover_hosts")
    _wait(
        "the hypervisor",
        lambda: "" if list(cloud.compute.hypervisors()) else "none",
        60,
    )


if __name__ == "__main__":
    {"catalogue": catalogue, "queue": queue, "resources": resources, "agents": agents}[
        sys.argv[1]
    ]()
