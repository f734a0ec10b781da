"""The real command on a real cloud, as a plain member of a project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import fixtures
import openstack
import testtools

from osc_imagebuild.cloud.images import CORE

CATALOG = Path(__file__).parents[1] / "catalog"
COMMAND_LIMIT_S = 600
OPENSTACK = str(Path(sys.executable).with_name("openstack"))


class EndToEndTest(testtools.TestCase):
    """Runs `openstack ...`; whatever a test builds is deleted at its end."""

    def setUp(self) -> None:
        super().setUp()
        if "OS_CLOUD" not in os.environ:
            self.skipTest("no cloud: set OS_CLOUD, or use make e2e")
        self.cloud = openstack.connect()
        self.addCleanup(self.cloud.close)
        self.environment = {
            **os.environ,
            "OSC_IMAGEBUILD_CATALOG": str(CATALOG),
            "PYTHONUNBUFFERED": "1",
        }
        # Failed builds save their consoles in the working directory.
        self.directory = self.useFixture(fixtures.TempDir()).path
        self.name = f"e2e-{uuid.uuid4().hex[:8]}"
        self.before = self.census()
        self.addCleanup(self._clean)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command; its output is read by the test."""
        process = subprocess.Popen(
            [OPENSTACK, *words],
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(_reap, process)
        return process

    def run_command(
        self, *words: str, limit_s: float = COMMAND_LIMIT_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [OPENSTACK, *words],
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
        )

    def openstack(self, *words: str) -> Any:
        """Run a command that must succeed and return its JSON."""
        done = self.run_command(*words, "-f", "json")
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def create(self, *words: str) -> Any:
        """Build an image named after the test."""
        return self.openstack(
            "image", "build", "create", "--os", "mini", *words, self.name
        )

    def census(self) -> dict[str, int]:
        """Count what a build could leave behind."""
        images = self.cloud.image.get("/images?limit=500").json()["images"]
        hidden = self.cloud.image.get("/images?limit=500&os_hidden=true")
        return {
            "servers": len(list(self.cloud.compute.servers())),
            "ports": len(list(self.cloud.network.ports())),
            "images": len(images),
            "hidden images": len(hidden.json()["images"]),
            "volumes": len(list(self.cloud.block_storage.volumes())),
        }

    def properties(self, image_id: str) -> dict[str, str]:
        """All that is set on an image beside what Glance shows of every one."""
        image = self.cloud.image.get(f"/images/{image_id}").json()
        return {k: v for k, v in image.items() if k not in CORE}

    def delete(self, build: str) -> None:
        """Delete a build with its image, which must succeed."""
        done = self.run_command("image", "build", "delete", "--with-image", build)
        self.assertEqual(0, done.returncode, done.stderr)

    def _clean(self) -> None:
        for build in self.openstack("image", "build", "list"):
            if build["Name"] == self.name:
                self.delete(build["ID"])


def _reap(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate(timeout=30)
