"""Builds that outlive their records, and the goodwill of admins."""

from __future__ import annotations

import os

import openstack

from devcloud import settings
from tests.e2e.base import EndToEndTest


class TestSurvival(EndToEndTest):
    """Nothing is lost, nothing leaks."""

    def setUp(self) -> None:
        """Changes of the cloud itself are for the one that can be changed."""
        super().setUp()
        if os.environ.get("OS_CLIENT_CONFIG_FILE") != str(settings.CLOUDS):
            self.skipTest("these tests are for the devcloud")

    def test_orphans(self) -> None:
        """What is left of a build whose record was deleted."""
        build = self.create("--no-wait")
        self.cloud.image.delete(f"/images/{build['id']}")
        found = self.openstack("image", "build", "list", "--orphans")
        ours = [row for row in found if row["Build ID"] == build["id"]]
        self.assertLessEqual({"server", "image"}, {row["Type"] for row in ours})
        asked = self.run_command("image", "build", "delete", "--orphans")
        self.assertEqual(1, asked.returncode)
        self.assertIn("--yes", asked.stderr)
        done = self.run_command("image", "build", "delete", "--orphans", "--yes")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_left()

    def test_locked_server(self) -> None:
        """An admin's lock stops us, and costs nothing but a word with the admin."""
        build = self.create("--no-wait")
        admin = openstack.connect(cloud="devcloud-admin")
        self.addCleanup(admin.close)
        (server,) = self.cloud.compute.servers(tags=f"imagebuild-{build['id']}")
        admin.compute.lock_server(server.id)
        self.addCleanup(self.unlock, admin, server.id)
        done = self.run_command("image", "build", "cancel", build["id"])
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("is locked", done.stderr)
        self.assertIn("openstack server unlock", done.stderr)
        self.unlock(admin, server.id)
        done = self.run_command("image", "build", "cancel", build["id"])
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_left(hidden_images=1)

    def unlock(self, admin: openstack.connection.Connection, server_id: str) -> None:
        """Unlock a server, if it is there."""
        if admin.compute.find_server(server_id, all_projects=True):
            admin.compute.unlock_server(server_id)
