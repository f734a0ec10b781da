"""What changes the cloud for everybody, or drives every build of the project.

No other test may run beside these.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from devcloud import settings
from tests.devcloud import running
from tests.e2e.base import CATALOG, EndToEndTest

# Below 120 s keystoneauth takes each new token for an old one.
TOKEN_S = 125


class TestAlone(EndToEndTest):
    """Builds outlive their tokens and their clients."""

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

    def test_build_outlives_its_token(self) -> None:
        self.environment["OSC_IMAGEBUILD_CATALOG"] += f":{self.slow_catalog(TOKEN_S)}"
        self.addCleanup(running.up)
        running.up(DEVCLOUD_TOKEN_SECONDS=str(TOKEN_S))
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
        self.assert_left(images=2, hidden_images=2)
