"""Consoles from the field that were judged wrong once, and the right answer."""

from __future__ import annotations

import testtools

from osc_imagebuild.diagnosis import diagnose_file
from osc_imagebuild.monitors.console.verdict import FAILED, RUNNING
from tests import paths

FIELD = paths.DATA / "consoles" / "field"

# File, OS, state, what the reason must speak of and what it must not, most per cent.
ROWS = (
    ("ubuntu-24.04-healthy-smallest", "ubuntu-24.04", RUNNING, ".", "second", 20),
    ("ubuntu-24.04-healthy", "ubuntu-24.04", RUNNING, ".", "second", 20),
    (
        *("ubuntu-22.04-early-off", "ubuntu-22.04", FAILED),
        *("went off .* at its very beginning: nothing was installed", "finished", 20),
    ),
    (
        *("ubuntu-late-command-failed", "ubuntu-24.04", FAILED),
        "late command.*exit status 100: correct it: 'curtin in-target -- /bin/bash",
        *("look at its log", 95),
    ),
    (
        *("agama-settings-not-valid", "opensuse-leap-16", FAILED),
        *("profile's settings are not valid", "RAM", None),
    ),
    (
        *("agama-profile-of-no-format", "opensuse-leap-16", FAILED),
        *("profile has an error.*Unsupported file format", "metadata", 20),
    ),
    (
        *("rhel9-cpu-too-old", "rocky-9", FAILED),
        *("CPU that the guest sees is too old", "panicked", None),
    ),
    ("ovmf-exception", "windows-server-2022", FAILED, "firmware crashed", "RIP", 5),
    (
        *("anaconda-hub-waits", "fedora-44", FAILED),
        *("waits.*: Installation source \\(url or repo", "to refresh", None),
    ),
)


class FieldConsoleTest(testtools.TestCase):
    """Each with its OS, and as a console of unknown origin."""

    def test_each(self) -> None:
        """State, reason and how far it came."""
        self.assertEqual({row[0] for row in ROWS}, {p.stem for p in FIELD.glob("*")})
        for name, os_name, state, says, not_says, most in ROWS:
            for known in (os_name, None):
                found = diagnose_file(str(FIELD / f"{name}.txt"), known).verdict
                self.assertEqual(state, found.state, f"{name}: {found}")
                self.assertRegex(found.reason, says, name)
                self.assertNotRegex(found.reason, not_says, name)
                if most is not None and found.percent is not None:
                    self.assertLessEqual(found.percent, most, name)
