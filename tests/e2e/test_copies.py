"""The image gets to a second region and a second store of a real cloud."""

from __future__ import annotations

import os
from typing import Any

import openstack

from devcloud import settings
from tests.e2e.base import EndToEndTest

TWO = "devcloud-two"


class TestCopies(EndToEndTest):
    """With a client that is killed in the steps that copy."""

    def setUp(self) -> None:
        """The other region is the devcloud's."""
        super().setUp()
        if os.environ.get("OS_CLIENT_CONFIG_FILE") != str(settings.CLOUDS):
            self.skipTest("these tests are for the devcloud")
        self.two = openstack.connect(cloud=TWO)
        self.addCleanup(self.two.close)
        self.addCleanup(self.clear)

    def copies(self) -> list[dict[str, Any]]:
        """All that is of this test's family there, hidden or not."""
        found = []
        for hidden in ("true", "false"):
            query = f"imagebuild_family={self.name}&os_hidden={hidden}"
            found += self.two.image.get(f"/images?{query}").json()["images"]
        return found

    def clear(self) -> None:
        """Leave nothing there."""
        for image in self.copies():
            self.two.image.delete(f"/images/{image['id']}")

    def test_copies(self) -> None:
        """One copy, whatever was killed; one that goes is made again."""
        wanted = ("--copy-to", TWO, "--store", "file2", "--replace", "--no-verify")
        seen = self.killed_in("stores|copies", *wanted)
        self.assertEqual({"stores", "copies"}, set(seen))
        build = self.openstack("image", "build", "show", self.name)
        image = self.cloud.image.get(f"/images/{build['image_id']}").json()
        self.assertEqual({"file1", "file2"}, set(image["stores"].split(",")))
        (copy,) = self.copies()
        self.assertEqual(f"stores: file1 file2\n{TWO}: {copy['id']}", build["copies"])
        for key in ("os_hash_value", "name", "visibility", "min_disk", "os_distro"):
            self.assertEqual(image[key], copy[key], key)
        self.assertEqual(copy["id"], copy["imagebuild_result_id"])
        self.assertEqual(([], False), (copy["tags"], copy["os_hidden"]))
        (row,) = self.openstack("image", "build", "copy", self.name)
        self.assertEqual({"Cloud": TWO, "Image ID": copy["id"]}, row)
        self.clear()
        (row,) = self.openstack("image", "build", "copy", build["id"])
        (copy,) = self.copies()
        self.assertEqual({"Cloud": TWO, "Image ID": copy["id"]}, row)
        self.assertEqual(image["os_hash_value"], copy["os_hash_value"])
        self.assert_left(images=1, hidden_images=1)
