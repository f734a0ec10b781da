"""Results that are booted again: on other flavors and networks, and with the other firmware."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import fixtures

from tests.e2e.base import CATALOG, EndToEndTest

LIMIT_S = 3000
# The mini installer puts one boot loader on a disk; this makes it two.
BOTH = """
late() {
    extlinux --install /mnt/boot/extlinux >/tmp/extlinux.log 2>&1 || return 1
    dd if=/usr/lib/syslinux/mbr.bin of="$disk" bs=440 count=1 conv=notrunc 2>/dev/null
}
"""


class MatrixCase(EndToEndTest):
    """Templates with flavors, networks and firmwares."""

    def template(self, verify: str) -> str:
        """Write a template; return its path."""
        path = Path(self.directory) / "matrix.yaml"
        path.write_text(f"version: 1\nos: mini\nverify: {verify}\n")
        return str(path)

    def ran(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command that boots several servers."""
        return self.run_command("image", "build", *words, limit_s=LIMIT_S)

    def built(self, verify: str, *words: str) -> Any:
        """Build by a template."""
        template = ("--template", self.template(verify))
        done = self.ran("create", *template, *words, self.name, "-f", "json")
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def outcomes(self, build: str) -> list[str]:
        """What came of the boots, without their times."""
        shown = self.openstack("image", "build", "show", build, "-c", "tests")["tests"]
        return [line.partition(":")[0] for line in shown.splitlines()]


class TestPlaces(MatrixCase):
    """Two flavors and two networks, of which one has no router."""

    def test_places(self) -> None:
        """Each combination once, but for the one that is the first boot."""
        verify = "{flavors: [m1.mini, m1.small], networks: [private, isolated]}"
        build = self.built(verify, "--flavor", "m1.mini", "--network", "private")
        self.assertEqual("complete", build["status"])
        places = [
            "flavor m1.mini, network isolated",
            "flavor m1.small, network private",
            "flavor m1.small, network isolated",
        ]
        wanted = ["boot passed", *(f"boot ({place}) passed" for place in places)]
        self.assertEqual(wanted, self.outcomes(build["id"]))
        self.delete(build["id"])
        self.assert_left()


class TestFirmware(MatrixCase):
    """A disk with boot loaders for both firmwares, and one with one alone."""

    def catalogue(self, more: str) -> None:
        """Have a catalogue that says of its disks that they boot with both.

        ``more`` is added to the answer file.
        """
        here = Path(self.useFixture(fixtures.TempDir()).path) / "catalogue"
        shutil.copytree(CATALOG, here)
        answers, entry = here / "mini.sh.j2", here / "mini.yaml"
        answers.write_text(answers.read_text(encoding="utf-8") + more)
        text = entry.read_text(encoding="utf-8")
        both = "verify:\n  firmware: [bios, uefi]\n"
        text = text.replace("verify:\n", both).replace("min: 10\n", "min: 4\n")
        self.assertIn(f"{both}  user_data", text)
        self.assertIn("timeout_min: 4\n", text)
        entry.write_text(text)
        self.environment["OSC_IMAGEBUILD_CATALOG"] = str(here)

    def test_both(self) -> None:
        """The volume declares the other firmware; the image keeps its own."""
        self.catalogue(BOTH)
        build = self.built("{firmware: [bios, uefi]}", "--firmware", "uefi")
        self.assertEqual("complete", build["status"])
        self.assertEqual(
            ["boot passed", "boot (firmware bios) passed"], self.outcomes(build["id"])
        )
        found = self.properties(build["image_id"])
        self.assertEqual("uefi", found["hw_firmware_type"])
        template = self.template("{firmware: [bios]}")
        done = self.ran("test", build["image_id"], "--template", template, "-f", "json")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(
            [("boot", True), ("boot (firmware bios)", True)],
            [(row["Test"], row["Passed"]) for row in json.loads(done.stdout)],
        )
        self.assertEqual(found, self.properties(build["image_id"]))
        self.delete(build["id"])
        self.assert_left()

    def test_one(self) -> None:
        """Without a boot loader for it the image stays hidden, and it is said which it was."""
        self.catalogue("")
        template = self.template("{firmware: [bios, uefi]}")
        done = self.ran(
            "create", "--template", template, "--firmware", "uefi", self.name
        )
        self.assertEqual(1, done.returncode, done.stdout)
        # BIOS does not find anything, and says so on the screen alone.
        self.assertIn("firmware bios: the result did not come up within 4", done.stderr)
        shown = self.openstack("image", "build", "show", self.name)
        self.assertEqual(("failed", "verify-boot2"), (shown["status"], shown["step"]))
        self.assertEqual(
            ["boot passed", "boot (firmware bios) failed"], self.outcomes(shown["id"])
        )
        self.delete(shown["id"])
        self.assert_left()
