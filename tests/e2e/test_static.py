"""A network without DHCP: the installer is told its address."""

from __future__ import annotations

import random
from typing import Any

from tests.e2e.base import EndToEndTest

# On a router subnets must not overlap, and a test that was killed leaves its own.
CIDR = "10.96.{}.{}/28"


class TestStatic(EndToEndTest):
    """A network of the test's own, on the project's router."""

    def setUp(self) -> None:
        """Make it."""
        super().setUp()
        network = self.cloud.network
        self.router = network.find_router("r1", ignore_missing=False)
        self.network = network.create_network(name=self.name)
        self.addCleanup(self._remove)
        self.subnet: Any = network.create_subnet(
            name=self.name,
            network_id=self.network.id,
            ip_version=4,
            cidr=CIDR.format(random.randrange(256), random.randrange(0, 256, 16)),
            is_dhcp_enabled=False,
        )
        network.add_interface_to_router(self.router, subnet=self.subnet.id)

    def _remove(self) -> None:
        self._clean()
        network = self.cloud.network
        for subnet in network.subnets(network_id=self.network.id):
            ports = network.ports(device_id=self.router.id, network_id=self.network.id)
            if list(ports):
                network.remove_interface_from_router(self.router, subnet=subnet.id)
        network.delete_network(self.network)

    def test_static(self) -> None:
        """Stub and installer by it; the result by its config drive."""
        build = self.create("--network", self.name, "--boot-method", "ipxe")
        self.assertEqual("complete", build["status"])
        self.delete(build["id"])
        self.assert_left()
