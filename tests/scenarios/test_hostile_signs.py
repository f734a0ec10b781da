"""Expressions in a record that would never end, and consoles that they are searched in."""

from __future__ import annotations

import json
import time

from osc_imagebuild.builds.record import Record
from tests.unit.base import CloudTestCase
from tests.unit.monitors.console.test_own_signs import HOSTILE

# Python's own ``re`` would take years for this one.
CONSOLE = "\n".join(["a" * 200 + "!"] * 500)
SIGNS = list(HOSTILE)
LIMIT_S = 20.0


class HostileSignsTest(CloudTestCase):
    """A build whose record has such signs, beside an honest one."""

    def victim(self) -> Record:
        """Begin a build, and put expressions into each place of its record."""
        build = self.started(name="victim")
        properties = self.cloud.glance.images[build.id].properties
        spec = json.loads(properties["imagebuild_spec"])
        spec["installer"] |= {
            "progress": [[sign, "step", 50] for sign in SIGNS],
            "failures": [[sign, "failed"] for sign in SIGNS],
            "banners": SIGNS,
        }
        spec["verify"]["sign"] = SIGNS[0]
        properties["imagebuild_spec"] = json.dumps(spec)
        self.assertEqual("building", self.builder().find(build.id).status)
        return build

    def assert_goes_on(self, victim: Record, other: Record) -> None:
        """One round through all builds ends soon, and the honest one completes."""
        self.cloud.world.sleep(300)
        began = time.process_time()
        outcome = self.builder("second").resume_all(once=True)
        self.assertLess(time.process_time() - began, LIMIT_S)
        self.assertNotIn(other.id, outcome.failed)
        looked_at = [*outcome.waiting, *outcome.failed]
        self.assertIn(victim.id, looked_at)
        self.assertEqual("complete", self.resumed(other.id).status)
        self.builder().delete(victim.id)

    def test_while_it_installs(self) -> None:
        """Signs of progress and failure, and banners."""
        self.cloud.nova.plan.first_installs = [CONSOLE]
        victim = self.victim()
        self.assert_goes_on(victim, self.started())

    def test_while_its_result_boots(self) -> None:
        """The sign of the first boot."""
        self.cloud.nova.plan.first_boots = [CONSOLE]
        victim = self.victim()
        for _ in range(10):
            self.cloud.world.sleep(150)
            self.builder().resume_all(once=True)
            if self.builder().find(victim.id).step == "verify":
                break
        self.assertEqual("verify", self.builder().find(victim.id).step)
        self.assert_goes_on(victim, self.started())
