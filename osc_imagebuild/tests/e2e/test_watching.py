"""What is seen of a real guest that crashes."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from osc_imagebuild.tests.e2e.base import EndToEndTest


class TestWatching(EndToEndTest):
    """Named in one sentence, with evidence, soon after the first sign."""

    def setUp(self) -> None:
        super().setUp()
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)

    def changed(self, text: str) -> None:
        """Use a catalogue whose mini differs."""
        (self.place / "mini.yaml").write_text(text)
        catalog = self.environment["OSC_IMAGEBUILD_CATALOG"]
        self.environment["OSC_IMAGEBUILD_CATALOG"] = f"{catalog}:{self.place}"

    def saved(self, build_id: str, suffix: str) -> bytes:
        """What was saved of a build that failed."""
        path = Path(self.directory, f"imagebuild-{build_id}-install{suffix}")
        return path.read_bytes()

    def test_crash(self) -> None:
        """A ramdisk that is none: the kernel panics."""
        self.changed("arches: {x86_64: {ramdisk: blob/1M}}\n")
        began = time.monotonic()
        done = self.run_command("image", "build", "create", "--os", "mini", self.name)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("check the ramdisk of the install tree", done.stderr)
        self.assertLess(time.monotonic() - began, 300)
        build = self.openstack("image", "build", "show", self.name)
        self.assertIn("Kernel panic", build["evidence"])
        self.assertIn(b"Kernel panic", self.saved(build["id"], ".log"))
        self.assertTrue(self.saved(build["id"], ".png").startswith(b"\x89PNG"))
        found = self.openstack(
            *("image", "build", "diagnose", "--os", "mini"),
            os.path.join(self.directory, f"imagebuild-{build['id']}-install.log"),
        )
        self.assertEqual(
            ("failed", build["reason"]), (found["verdict"], found["reason"])
        )
