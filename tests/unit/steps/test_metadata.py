"""The build date and the patch level, of what a guest reported."""

from __future__ import annotations

import dataclasses

import testtools

from osc_imagebuild.steps import metadata
from tests.unit.samples import spec

BUILT = {"imagebuild_built_at": "2026-05-02T10:00:00Z"}
PATCHED = {"imagebuild_patched_at": "2026-05-02T09:30:00Z"}
NEWEST = {"imagebuild_newest_package_at": "2026-04-28T08:00:00Z"}
TOMORROW = {"imagebuild_newest_package_at": "2026-05-03T08:00:00Z"}
SYSTEM = {"imagebuild_release": "Debian 13.2", "imagebuild_kernel": "6.12.57"}


def found(*said: dict[str, str], standard: str = "scs") -> dict[str, str]:
    """Return what is added to what a result says."""
    asked = spec()
    result = dataclasses.replace(asked.result, metadata=standard)
    together = {key: value for part in said for key, value in part.items()}
    return metadata.properties(dataclasses.replace(asked, result=result), together)


class BuildDateTest(testtools.TestCase):
    """Tables: what is known, and what is told."""

    def test_date(self) -> None:
        """No later than the patches that are in it, and never than the build."""
        for said, date in (
            ((BUILT, PATCHED, NEWEST), "2026-05-02 09:30:00"),
            ((BUILT, PATCHED), "2026-05-02 09:30:00"),
            ((BUILT, NEWEST), "2026-04-28 08:00:00"),
            ((BUILT, TOMORROW), "2026-05-02 10:00:00"),
            ((BUILT,), "2026-05-02 10:00:00"),
        ):
            self.assertEqual(date, found(*said)["image_build_date"])

    def test_patch_level(self) -> None:
        """It says where nothing was updated."""
        for said, text in (
            (
                (BUILT, PATCHED, NEWEST, SYSTEM),
                "Debian 13.2, kernel 6.12.57, newest package of 2026-04-28, "
                "brought up to date",
            ),
            ((BUILT, SYSTEM), "Debian 13.2, kernel 6.12.57, not updated by the build"),
            ((BUILT,), "not updated by the build"),
        ):
            self.assertEqual(text, found(*said)["patchlevel"])

    def test_bounded(self) -> None:
        """Whatever the guest says."""
        names = ("imagebuild_release", "imagebuild_kernel")
        said = dict.fromkeys(names, "x" * 999)
        self.assertLessEqual(
            len(found(BUILT, PATCHED, NEWEST, said)["patchlevel"]), 255
        )

    def test_own_words(self) -> None:
        """The user's go over these."""
        own = {"image_build_date": "2026-01-01", "patchlevel": "SP7"}
        self.assertEqual({}, found(BUILT, own))

    def test_not_wanted(self) -> None:
        """Nothing is added then."""
        self.assertEqual({}, found(BUILT, PATCHED, standard=""))
