"""Where the contract is tried: the two backends."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable
from typing import Any

import fixtures
import openstack
import testtools

from osc_imagebuild.clock import Clock
from osc_imagebuild.cloud import images, limits, networks, servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError
from osc_imagebuild.media import qcow2
from osc_imagebuild.model import resources
from osc_imagebuild.model.resources import Image
from tests.fakes.cloud import FakeCloud

BLANK = qcow2.build(b"", 1 << 30)


class ContractTestCase(testtools.TestCase):
    """A contract: ``api`` is the client, ``tag`` marks all that a test makes."""

    api: Api
    # Seconds until a resource must have come where it is going.
    patience_s = 300

    def setUp(self) -> None:
        """Connect, and promise to clean up."""
        super().setUp()
        self.useFixture(fixtures.FakeLogger(level=logging.WARNING))
        self.tag = f"contract-{uuid.uuid4()}"
        self.api = self.connect()
        self.addCleanup(self._remove_all)

    def connect(self) -> Api:
        """Return a client of the cloud."""
        raise NotImplementedError

    def connect_other_project(self) -> Api:
        """Return a client in another project."""
        raise NotImplementedError

    def connect_second(self) -> Api:
        """Return a client in another cloud, or in another region."""
        raise NotImplementedError

    def _remove_all(self) -> None:
        for server in servers.tagged(self.api, self.tag):
            servers.delete(self.api, server.id)
        self.wait(lambda: not servers.tagged(self.api, self.tag))
        found = [
            *images.tagged(self.api, self.tag, hidden=True),
            *images.tagged(self.api, self.tag, hidden=False),
            *images.named(self.api, self.tag),
        ]
        for image in found:
            images.delete(self.api, image.id)

    def wait(self, done: Callable[[], object]) -> None:
        """Wait until ``done``."""
        deadline = self.api.clock.steady() + self.patience_s
        while not done():
            self.assertLess(self.api.clock.steady(), deadline, "it takes too long")
            self.api.clock.sleep(1)

    def image(self, **fields: Any) -> Image:
        """Create a hidden queued image of this test."""
        known: dict[str, Any] = {"name": self.tag, "tags": [self.tag], "properties": {}}
        return images.create(self.api, **(known | fields))

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> int:
        """Send a raw request to Glance and return the status."""
        try:
            shown = {k.replace("_", "-"): v for k, v in headers.items()}
            self.api.send("image", method, path, body, headers=shown)
        except CloudError as error:
            return error.status
        return 200


class FakeBackend(ContractTestCase):
    """The fake cloud."""

    def connect(self) -> Api:
        """Return a client of a fake cloud of its own."""
        self.cloud = FakeCloud()
        return Api(self.cloud.connect(), self.cloud.clock())

    def connect_other_project(self) -> Api:
        """Return a client in another project."""
        return Api(self.cloud.connect(project="other"), self.cloud.clock())

    def connect_second(self) -> Api:
        """Return a client of a second fake cloud in the same world."""
        self.two = FakeCloud(self.cloud.world, "RegionTwo")
        self.two.glance.regions = {"RegionOne": self.cloud.glance}
        return Api(self.two.connect(), self.two.clock())


class RealBackend(ContractTestCase):
    """The cloud that OS_CLOUD names, used as a member of a project."""

    def setUp(self) -> None:
        """Stand aside where there is no cloud."""
        if os.environ.get("IMAGEBUILD_CONTRACT", "real") != "real":
            self.skipTest("IMAGEBUILD_CONTRACT leaves the real cloud out")
        if not os.environ.get("OS_CLOUD"):
            self.skipTest("OS_CLOUD names no cloud to hold the contract against")
        super().setUp()

    def connect(self) -> Api:
        """Return a client of the real cloud."""
        return Api(openstack.connect(), Clock())

    def connect_other_project(self) -> Api:
        """Return a client in another project, which the devcloud has."""
        try:
            connection = openstack.connect(cloud="devcloud-other")
        except openstack.exceptions.ConfigException:
            self.skipTest("clouds.yaml has no devcloud-other")
        return Api(connection, Clock())

    def connect_second(self) -> Api:
        """Return a client of the second region, which the devcloud has."""
        try:
            connection = openstack.connect(cloud="devcloud-two")
        except openstack.exceptions.ConfigException:
            self.skipTest("clouds.yaml has no devcloud-two")
        return Api(connection, Clock())


def smallest_flavor(api: Api) -> resources.Flavor:
    """Return a flavor that a test can afford."""
    return min(limits.flavors(api), key=lambda f: (f.disk_gib, f.ram_mib))


def usable_network(api: Api) -> str:
    """Return a network's ID that a server can be on."""
    return next(
        n.id for n in networks.networks(api) if not n.external and n.dhcp and n.routed
    )
