"""The verdict on an image that is changed."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild.model.spec import Parent
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.monitors.console.verdict import GuestView, Verdict
from osc_imagebuild.steps import layer

BOOT = "GRUB loading.\n[    1.0] Linux version 6.12\n"
LOGIN = f"{BOOT}\nDebian GNU/Linux 13 base ttyS0\n\nbase login: "
HEARD = f"{LOGIN}\nIMAGEBUILD-LAYER 1\n"
SIGNS = sign_files.of_boot()


class LayerTest(testtools.TestCase):
    """By what its console shows, and for how long."""

    def judge(self, console: str, parent: Parent, **fields: Any) -> Verdict:
        """Judge a guest."""
        known: dict[str, Any] = {"boots": True, "stall_s": 600.0, **fields}
        view = GuestView(console=console, **known)
        return layer.judge_layer(SIGNS, view, parent)

    def test_all(self) -> None:
        """State, and a part of the reason."""
        quiet, off = {"quiet_s": 301.0}, {"off": True}
        still = {"quiet_s": 700.0, "flat_s": 700.0}
        failed = f"{HEARD}IMAGEBUILD-FAILED "
        cases: tuple[tuple[str, dict[str, Any], str, str], ...] = (
            (BOOT, {}, "running", ""),
            (LOGIN, {}, "running", ""),
            (LOGIN, {"quiet_s": 299.0}, "running", ""),
            (LOGIN, quiet, "failed", "image base does not run user data"),
            (HEARD, quiet, "running", ""),
            (BOOT, quiet, "running", ""),
            (HEARD, still, "stalled", "no sign of life for 12 minutes"),
            (BOOT, still, "stalled", "nothing on its console shows that image base"),
            (HEARD, off, "failed", "went off before its user data reported success"),
            (BOOT, off, "failed", "went off before it ran any user data"),
            (f"{failed}command 1 ended with exit code 7\n", {}, "failed", "code 7"),
            (f"{failed}apt-get update\n", {}, "failed", "changed: apt-get update"),
            (f"{failed}dnf install x\n", {}, "failed", "a package could not be"),
        )
        for console, fields, state, reason in cases:
            found = self.judge(console, Parent(image_id="i", name="base"), **fields)
            self.assertEqual(state, found.state, console)
            self.assertIn(reason, found.reason)

    def test_hard_words(self) -> None:
        """What went well is never a failure, whatever a package says."""
        for line in ("Unpacking libfail-perl", "Failed to start x", "login: y"):
            found = self.judge(f"{HEARD}{line}\n", Parent(image_id="i"))
            self.assertEqual("running", found.state, line)

    def test_freebsd(self) -> None:
        """Its prompt has no name before it, and nuageinit may find no config drive."""
        text = (
            "nuageinit: Impossible to find a cloud init provider\n\n"
            "FreeBSD/amd64 (freebsd) (ttyu0)\n\nlogin: "
        )
        found = self.judge(text, Parent(image_id="i", name="bsd"), quiet_s=400.0)
        self.assertEqual("failed", found.state)
        self.assertIn("image bsd does not run user data", found.reason)

    def test_no_name(self) -> None:
        """Then its ID is told."""
        found = self.judge(LOGIN, Parent(image_id="i-1"), quiet_s=400.0)
        self.assertIn("image i-1 does not run", found.reason)

    def test_late(self) -> None:
        """In minutes."""
        self.assertIn("not changed within 20 minutes", layer.late(1200))
