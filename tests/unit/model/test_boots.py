"""Combinations of flavors, networks and firmwares."""

from __future__ import annotations

import testtools

from osc_imagebuild.model import boots, names
from osc_imagebuild.model.boots import Boot

A, B = Boot(flavor_id="1", flavor_name="a"), Boot(flavor_id="2", flavor_name="b")
NET = Boot(network_id="n", config_drive=True)


class BootsTest(testtools.TestCase):
    """What is asked for."""

    def test_combinations(self) -> None:
        """Each with each; what is not named is as in the first boot."""
        found = boots.combinations((A, B), (NET,), ("bios", "uefi"))
        self.assertEqual(
            [
                f"flavor {flavor}, network n, firmware {firmware}"
                for flavor in "ab"
                for firmware in ("bios", "uefi")
            ],
            [boot.title for boot in found],
        )
        self.assertTrue(all(boot.config_drive for boot in found))
        self.assertEqual((A, B), boots.combinations((A, B), (), ()))
        self.assertEqual((boots.FIRST,), boots.combinations((), (), ()))
        self.assertEqual("", boots.FIRST.title)

    def test_problems(self) -> None:
        """Too many, names that are none, a firmware that Nova does not know."""
        many = [str(n) for n in range(12)]
        self.assertEqual([], boots.problems(many, ("a", "a"), ("bios",)))
        [problem] = boots.problems(many, ("a",), ("bios", "uefi"))
        self.assertIn("24 combinations", problem)
        self.assertEqual(
            ["verify.networks has an empty name"], boots.problems((), ("",), ())
        )
        [problem] = boots.problems((), (), ("efi",))
        self.assertIn("takes bios and uefi, not 'efi'", problem)

    def test_names(self) -> None:
        """Which boot something is of, by its name."""
        for name, number in (
            ("verify", 1),
            ("verify-boot2", 2),
            ("verify-boot13", 13),
            ("verify-boot1", 0),
            ("verify-boot02", 0),
            ("verify-server", 0),
            ("other", 0),
        ):
            self.assertEqual(number, names.boot_number(name, "verify"), name)
        self.assertEqual("verify", names.in_boot("verify", 1))
        self.assertEqual("verify-boot2", names.in_boot("verify", 2))
