"""Flavors without a disk."""

from __future__ import annotations

from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.resources import Flavor
from osc_imagebuild.planning import selection
from tests.fakes.planning import flavor
from tests.unit.base import ENTRIES
from tests.unit.planning.test_plan import PlanTestCase


class DisklessTest(PlanTestCase):
    """Clouds whose flavors have no disk want root volumes."""

    def test_plan(self) -> None:
        """The smallest is taken, and a root volume, as if it were named."""
        self.cloud.nova.flavors = [
            flavor("v1.large", 4096, 0),
            flavor("v1.small", 512, 0),
            flavor("v1.nano", 64, 0),
        ]
        chosen = self.builder().plan(self.request())
        named = self.builder().plan(self.request(flavor="v1.small"))
        for plan in (chosen, named):
            self.assertEqual("v1.small", plan.spec.hardware.flavor_name)
            self.assertEqual(
                ("volume", 1), (plan.spec.hardware.root, plan.spec.hardware.disk_gib)
            )
        self.assertIn(
            "flavor v1.small: the smallest with 256 MiB of RAM, and no disk",
            chosen.choices,
        )
        self.assertIn(
            "root disk: a volume of 1 GiB, because the flavor has no disk",
            chosen.choices,
        )

    def test_choice(self) -> None:
        """A disk of its own goes first, other disks are nobody's."""
        mini = ENTRIES.entry("mini")
        disk, small = Flavor("1", "disk", 1, 512, 1), Flavor("2", "small", 1, 512, 0)
        swap = Flavor("3", "swap", 1, 512, 1, other_disks=True)
        bare_swap = Flavor("4", "bare", 1, 512, 0, other_disks=True)
        for flavors, wanted in (
            ((small, disk), disk),
            ((small, swap), small),
            ((small, bare_swap), small),
            ((bare_swap,), None),
            ((swap, bare_swap), None),
            ((Flavor("5", "nano", 1, 64, 0),), None),
        ):
            try:
                found, _ = selection.flavor(flavors, None, mini, on_volume=False)
            except SpecError:
                found = None
            self.assertEqual(wanted, found, str(flavors))
