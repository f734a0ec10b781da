"""Values of SCS-0102's properties: which are taken, and which are refused."""

from __future__ import annotations

import testtools

from osc_imagebuild.model import metadata
from tests import scs_rules

GOOD = (
    ("os_purpose", "generic minimal k8snode gpu network custom".split()),
    ("replace_frequency", ("never", "critical_bug", "daily", "yearly")),
    ("image_build_date", ("2026-02-28", "2026-02-28 23:59", "2026-02-28 23:59:59")),
    ("image_original_user", ("debian", "none", "cloud-user")),
    ("uuid_validity", ("none", "notice", "forever", "last-0", "last-12", "2026-12-31")),
    ("provided_until", ("none", "notice", "2026-12-31")),
    ("hotfix_hours", ("0", "48")),
    ("image_source", ("private", "https://images.example/debian/", "ftp://x/y")),
    ("image_description", ("Debian 13", "https://images.example/13", "x" * 255)),
    ("patchlevel", ("SP7", "Debian 13.2, kernel 6.12")),
    ("hw_disk_bus", ("scsi", "virtio")),
)
# What looks like a value, and what people who mean no good would write.
BAD = (
    ("os_purpose", ("", "Generic", "oldgeneric", "generic ", "generic\n")),
    ("replace_frequency", ("", "hourly", "Monthly", "monthly,weekly")),
    (
        "image_build_date",
        (
            "",
            "today",
            "2026-02-30",
            "2026-2-3",
            "26-02-03",
            "2026-02-28T10:00:00Z",
            "2026-02-28 24:00",
            "2026-02-28 10",
            "\u0662\u0660\u0662\u0666-02-28",
            "2026-02-28\n",
        ),
    ),
    ("image_original_user", ("", " ", "two words", "x" * 256)),
    ("uuid_validity", ("", "last-", "last-x", "last--1", "last-\u0663", "2026-13-01")),
    ("provided_until", ("", "forever", "last-3", "2026-02-30", "2026-02-28 10:00")),
    ("hotfix_hours", ("", "-1", "1.5", "48h", "\u0664", "9" * 6)),
    ("image_source", ("", "Private", "file:///etc", "https://", "http://u@h/", "x y")),
    ("image_description", ("", "  ", "x" * 256)),
    ("patchlevel", ("", "x" * 256)),
    ("hw_disk_bus", ("", "ide", "sata")),
    ("os_distro", ("",)),
    ("os_version", ("", " ")),
)


class ValuesTest(testtools.TestCase):
    """One property at a time."""

    def test_good(self) -> None:
        """None of these is refused."""
        for name, values in GOOD:
            for value in values:
                self.assertEqual([], metadata.problems({name: value}), value)

    def test_bad(self) -> None:
        """Each of these is, with its name, what is taken, and what it was."""
        for name, values in BAD:
            for value in values:
                [problem] = metadata.problems({name: value})
                self.assertRegex(problem, rf"^SCS-0102 takes .* as {name}, not '")
                self.assertLess(len(problem), 250)

    def test_others(self) -> None:
        """What the standard does not know is nobody's business here."""
        self.assertEqual([], metadata.problems({"os_type": "", "x": "y"}))

    def test_missing(self) -> None:
        """What has no value is not there."""
        every = dict.fromkeys(metadata.MANDATORY, "x")
        self.assertEqual([], metadata.missing(every))
        for name in metadata.MANDATORY:
            self.assertEqual([name], metadata.missing({**every, name: ""}))

    def test_moments(self) -> None:
        """As the rules of the tests read them."""
        for text in (*GOOD[2][1], *BAD[2][1][1:3], "2026-02-28 24:00"):
            self.assertEqual(scs_rules.seconds(text), metadata.moment(text), text)
