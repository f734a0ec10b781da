"""A new image takes the name of the older one, on a real cloud."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import openstack

from devcloud import settings
from tests.e2e.base import EndToEndTest


class TestFamilies(EndToEndTest):
    """Two builds that follow each other."""

    def setUp(self) -> None:
        """The other project is the devcloud's."""
        super().setUp()
        if os.environ.get("OS_CLIENT_CONFIG_FILE") != str(settings.CLOUDS):
            self.skipTest("these tests are for the devcloud")

    def test_rotation(self) -> None:
        """Name, members, the old image, a server of it, and nothing to do in the end."""
        template = Path(self.directory, "golden.yaml")
        template.write_text(
            f"version: 1\nos: mini\noutput: {{name: {self.name}, "
            "member_clouds: [devcloud-other]}\n"
        )
        first = self.built(template)
        other = openstack.connect(cloud="devcloud-other")
        self.addCleanup(other.close)
        self.assertEqual([first], self.named(other))
        self.assertEqual("unchanged", self.apply(template)["Result"])
        self.assertEqual("current", self.outdated(template)["State"])
        template.write_text(
            template.read_text().replace("member", "properties: {n: 1}, member")
        )
        self.assertEqual("the template changed", self.outdated(template)["Reason"])
        second = self.built(template)
        self.assertEqual([second], self.named(self.cloud))
        self.assertEqual([second], self.named(other))
        old = self.cloud.image.get(f"/images/{first}").json()
        self.assertTrue(old["os_hidden"])
        self.assertRegex(old["name"], rf"^{self.name} \(20\d\d-.*Z\)$")
        self.assert_boots(first)
        self.assert_left(images=1, hidden_images=3)

    def apply(self, template: Path) -> Any:
        """Apply it; return what became of it."""
        (row,) = self.openstack("image", "build", "apply", str(template))
        return row

    def built(self, template: Path) -> str:
        """Build an image of it that takes the name; return its ID."""
        words = ("--template", str(template), "--replace", "--if-changed")
        build = self.openstack("image", "build", "create", *words)
        self.assertEqual("complete", build["status"], str(build))
        return str(build["image_id"])

    def outdated(self, template: Path, *words: str) -> Any:
        """Return what is told of the template's image."""
        done = self.run_command(
            "image", "build", "outdated", str(template), *words, "-f", "json"
        )
        self.assertIn(done.returncode, (0, 3), done.stderr)
        (row,) = json.loads(done.stdout)
        return row

    def named(self, cloud: openstack.connection.Connection) -> list[str]:
        """IDs of the images of this test's name that a project lists."""
        listed = cloud.image.get(f"/images?name={self.name}").json()["images"]
        return [image["id"] for image in listed]

    def assert_boots(self, image_id: str) -> None:
        """A server of an image starts, whether or not the image is listed."""
        network = next(n for n in self.cloud.network.networks() if n.name == "private")
        flavor = min(self.cloud.compute.flavors(), key=lambda f: (f.disk, f.ram))
        server = self.cloud.compute.create_server(
            name=f"{self.name}-old",
            image_id=image_id,
            flavor_id=flavor.id,
            networks=[{"uuid": network.id}],
        )
        self.addCleanup(self.cloud.compute.delete_server, server, ignore_missing=True)
        self.cloud.compute.wait_for_server(server, wait=180)
        self.cloud.compute.delete_server(server)
        self.cloud.compute.wait_for_delete(server, wait=60)
