"""Builds that are tried again on a real cloud."""

from __future__ import annotations

import os

import openstack

from tests.e2e.base import EndToEndTest


class TestRetry(EndToEndTest):
    """What failed goes on with other hardware, and from what is left."""

    def flavor_without_a_host(self) -> str:
        """Make a flavor with more CPUs than any host of the devcloud has."""
        admin = openstack.connect(cloud="devcloud-admin")
        self.addCleanup(admin.close)
        # One more than this machine has: no host is so wide, and the quota is not used up.
        # Large besides, or other tests would take it for the smallest that fits.
        vcpus = 1 + (os.cpu_count() or 1)
        flavor = admin.create_flavor(f"{self.name}-wide", 2048, vcpus, 20)
        self.addCleanup(admin.delete_flavor, flavor.id)
        return str(flavor.name)

    def test_no_host_then_another_flavor(self) -> None:
        """Two attempts that Nova finds no host for; then a flavor that has one."""
        wide = self.flavor_without_a_host()
        done = self.run_command(
            *["image", "build", "create", "--os", "mini", "--flavor", wide], self.name
        )
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("No valid host was found", done.stderr)
        self.assertIn("a new server is made", done.stderr)
        self.assertIn("from install on, with: openstack image build", done.stderr)
        build = self.openstack("image", "build", "show", self.name)
        self.assertEqual("install", build["retry_from"])
        self.assertIn("install 1: Nova could not run", build["attempts"])
        self.assert_left(hidden_images=1)  # the record
        again = self.openstack(
            *["image", "build", "retry", "--flavor", "m1.mini", self.name]
        )
        self.assertEqual(
            ("complete", build["id"], "m1.mini"),
            (again["status"], again["id"], again["flavor"]),
        )
        self.assert_left(images=1, hidden_images=1)
