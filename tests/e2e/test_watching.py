"""What is seen of a real guest that hangs, and of one that crashes."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from tests.e2e.base import EndToEndTest


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

    def progress(self, build_id: str) -> int:
        """The per cent that another client sees, once its driver wrote some."""
        deadline = time.monotonic() + 120
        percent = 0
        while not percent and time.monotonic() < deadline:
            time.sleep(10)
            shown = self.openstack("image", "build", "show", build_id)
            percent = shown["progress"] or 0
        return percent

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

    def test_hang(self) -> None:
        """It says no more, its screen stands still: a stall, seen from elsewhere."""
        answer = self.place / "answer.sh"
        answer.write_text(
            "rootfs=http://10.99.0.1:8099/mini/rootfs.tar.gz\nreport() { :; }\n"
            "late() { while :; do sleep 60; done; }\n"
        )
        build = self.create(
            "--answer-file", str(answer), "--stall-timeout", "2", "--no-wait"
        )
        driver = self.start("image", "build", "resume", build["id"])
        follower = self.start("image", "build", "log", "--follow", build["id"])
        self.assertGreater(self.progress(build["id"]), 0)
        picture = Path(self.directory, "now.png")
        taken = self.run_command(
            "image", "build", "screenshot", build["id"], "--file", str(picture)
        )
        self.assertEqual(0, taken.returncode, taken.stderr)
        self.assertTrue(picture.read_bytes().startswith(b"\x89PNG"))
        _, errors = driver.communicate(timeout=600)
        self.assertEqual(1, driver.returncode, errors)
        self.assertIn("no sign of life for", errors)
        self.assertIn("(console, screen)", errors)
        told, _ = follower.communicate(timeout=60)
        lines = [line for line in told.splitlines() if line.startswith("INSTALLER")]
        self.assertEqual(len(set(lines)), len(lines), told)
        self.assertTrue(any("BOOTLOADER" in line for line in lines), told)
        self.assertIn(b"BOOTLOADER", self.saved(build["id"], ".log"))
