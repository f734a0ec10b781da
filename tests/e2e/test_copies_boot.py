"""A copy in another project of a real cloud gets its name once a server has booted from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import openstack

from devcloud import settings
from tests.e2e.base import EndToEndTest

OTHER = "devcloud-other"


class TestBootedCopies(EndToEndTest):
    """The other project has a Nova, unlike the second region, and no network of its own."""

    def setUp(self) -> None:
        """Give the other project a network for as long as the test needs it."""
        super().setUp()
        if os.environ.get("OS_CLIENT_CONFIG_FILE") != str(settings.CLOUDS):
            self.skipTest("these tests are for the devcloud")
        self.other = openstack.connect(cloud=OTHER)
        self.addCleanup(self.other.close)
        self.network = self.other.network.create_network(name=self.name)
        self.addCleanup(self.other.network.delete_network, self.network)
        self.other.network.create_subnet(
            name=self.name,
            network_id=self.network.id,
            ip_version=4,
            cidr="10.97.0.0/24",
        )
        self.addCleanup(self.clear)

    def copies(self) -> list[dict[str, Any]]:
        """All that says there that it is of this test's family, hidden or not."""
        found = []
        for hidden in ("true", "false"):
            query = f"imagebuild_family={self.name}&os_hidden={hidden}"
            listed = self.other.image.get(f"/images?{query}").json()["images"]
            project = self.other.current_project_id
            found += [image for image in listed if image["owner"] == project]
        return found

    def servers(self) -> list[Any]:
        """All servers there that have this test's network."""
        ports = self.other.network.ports(network_id=self.network.id)
        ids = {p.device_id for p in ports if p.device_owner.startswith("compute:")}
        return [server for server in self.other.compute.servers() if server.id in ids]

    def clear(self) -> None:
        """Leave nothing there."""
        for server in self.servers():
            self.other.compute.delete_server(server)
            self.other.compute.wait_for_delete(server)
        for image in self.copies():
            self.other.image.delete(f"/images/{image['id']}")

    def assert_booted(self, image_id: str, copy: dict[str, Any]) -> None:
        """The copy is what the image is, one server has booted from it, and that is gone."""
        image = self.cloud.image.get(f"/images/{image_id}").json()
        for key in ("os_hash_value", "name", "visibility", "min_disk", "os_distro"):
            self.assertEqual(image[key], copy[key], key)
        self.assertEqual(([], False), (copy["tags"], copy["os_hidden"]))
        self.assertEqual(copy["id"], copy["imagebuild_result_id"])
        self.assertEqual([], self.servers())

    def test_template(self) -> None:
        """Made with the build by clients that are killed in it, then made again by itself."""
        template = Path(self.directory, "golden.yaml")
        template.write_text(
            f"version: 1\nos: mini\noutput: {{name: {self.name}, copies: "
            f"[{{cloud: {OTHER}, verify: true}}]}}\n"
        )
        seen = self.killed_in("copies", "--no-verify", "--template", str(template))
        self.assertEqual(["copies"], seen)
        build = self.openstack("image", "build", "show", self.name)
        (copy,) = self.copies()
        self.assertEqual(f"{OTHER}: {copy['id']}", build["copies"])
        self.assert_booted(build["image_id"], copy)
        self.clear()
        words = ("image", "build", "copy", self.name, "--copy-to", OTHER, "--verify")
        (row,) = self.openstack(*words)
        (again,) = self.copies()
        self.assertEqual({"Cloud": OTHER, "Image ID": again["id"]}, row)
        self.assertNotEqual(copy["id"], again["id"])
        self.assert_booted(build["image_id"], again)
        self.assert_left(images=1, hidden_images=1)
