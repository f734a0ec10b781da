"""Builds that outlive their tokens, their clients and their records."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import openstack

from devcloud import settings
from osc_imagebuild.tests.e2e.base import CATALOG, EndToEndTest

ROOT = Path(__file__).parents[3]
# Below 120 s keystoneauth takes each new token for an old one.
TOKEN_S = 125
DEVCLOUD_LIMIT_S = 300
DELETION_LIMIT_S = 60


class TestSurvival(EndToEndTest):
    """Nothing is lost, nothing leaks."""

    def setUp(self) -> None:
        """Changes of the cloud itself are for the one that can be changed."""
        super().setUp()
        if os.environ.get("OS_CLIENT_CONFIG_FILE") != str(settings.CLOUDS):
            self.skipTest("these tests are for the devcloud")

    def slow_catalog(self, seconds: int) -> str:
        """A directory whose mini installer takes ``seconds`` longer."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        answer = (CATALOG / "mini.sh.j2").read_text()
        late = f"late() {{ sleep {seconds}; }}\n"
        Path(directory.name, "slow.sh.j2").write_text(late + answer)
        Path(directory.name, "mini.yaml").write_text("answer: slow.sh.j2\n")
        return directory.name

    def devcloud(self, **settings: str) -> None:
        """Bring the cloud up with these settings; only Keystone's differ."""
        subprocess.run(
            ["/usr/bin/python3", "-m", "devcloud", "up"],
            cwd=ROOT,
            env={**os.environ, **settings},
            check=True,
            capture_output=True,
            timeout=DEVCLOUD_LIMIT_S,
        )

    def test_build_outlives_its_token(self) -> None:
        self.environment["OSC_IMAGEBUILD_CATALOG"] += f":{self.slow_catalog(TOKEN_S)}"
        self.addCleanup(self.devcloud)
        self.devcloud(DEVCLOUD_TOKEN_SECONDS=str(TOKEN_S))
        token = self.openstack("token", "issue")
        ends = datetime.fromisoformat(token["expires"].replace("+0000", "+00:00"))
        left = (ends - datetime.now(timezone.utc)).total_seconds()
        self.assertLessEqual(left, TOKEN_S)
        began = time.monotonic()
        build = self.create()
        self.assertGreater(time.monotonic() - began, TOKEN_S)
        self.assertEqual("complete", build["status"])

    def test_resume_all(self) -> None:
        """Two whose clients are gone, by one that knows neither."""
        builds = [self.create("--no-wait", "--no-verify") for _ in range(2)]
        ended = self.openstack("image", "build", "resume", "--all")
        self.assertLessEqual({b["id"] for b in builds}, set(ended["complete"]))
        for build in builds:
            found = self.openstack("image", "build", "show", build["id"])
            self.assertEqual("complete", found["status"])
        expected = dict(self.before)
        expected["images"] += 2
        expected["hidden images"] += 2
        self.assertEqual(expected, self.census())

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
        deadline = time.monotonic() + DELETION_LIMIT_S
        while self.census() != self.before and time.monotonic() < deadline:
            time.sleep(2)  # Nova deletes in its own time
        self.assertEqual(self.before, self.census())

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
        expected = dict(self.before)
        expected["hidden images"] += 1
        self.assertEqual(expected, self.census())

    def unlock(self, admin: openstack.connection.Connection, server_id: str) -> None:
        """Unlock a server, if it is there."""
        if admin.compute.find_server(server_id, all_projects=True):
            admin.compute.unlock_server(server_id)
