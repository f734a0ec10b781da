"""A copy is booted in its cloud before it gets its name there."""

from __future__ import annotations

import dataclasses
from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import SpecError
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import answered
from tests.fakes.wire import Call
from tests.scenarios.elsewhere import TWO, ElsewhereTestCase

TESTED = dataclasses.replace(TWO, verify=True)


class BootTest(ElsewhereTestCase):
    """With ``verify: true``."""

    def built(self, **fields: Any) -> Record:
        """Build an image whose copy is booted."""
        return super().built(**({"copies": (TESTED,)} | fields))

    def test_boots(self) -> None:
        """The server is gone when the copy has its name."""
        build = self.built()
        self.assert_copied(build)
        kinds = [c.kind for c in self.two.mutations if c.service == "compute"]
        self.assertEqual(["create server", "delete server"], kinds)
        last = self.two.mutations[-1]
        self.assertEqual("change image", last.kind)

    def test_does_not_boot(self) -> None:
        """There is no copy then, and nothing else; the image is complete."""
        self.two.nova.plan.result_boots = False
        build = self.built()
        self.assertEqual([], self.there())
        self.assertEqual({}, self.two.nova.servers)
        trouble = build.marks["copy-0"].data["trouble"]
        self.assertIn("the copy does not boot there: it did not come up", trouble)

    def test_no_server(self) -> None:
        """What Nova refuses is told as well."""
        build = self.started(copies=(TESTED,))
        self.two.hooks.append(
            lambda call: answered(403) if call.kind == "create server" else None
        )
        done = self.resumed(build.id)
        self.assertEqual([], self.there())
        self.assertIn("403", done.marks["copy-0"].data["trouble"])

    def test_planned(self) -> None:
        """Flavor and network are chosen before anything is written."""
        plan = self.builder().plan(self.request(copies=(TESTED,)))
        (copy,) = plan.spec.result.copies
        self.assertTrue(copy.flavor_id)
        self.assertEqual(1, len(copy.networks))
        for flavor in self.two.nova.flavors:
            flavor["ram"] = 1
        error = self.assertRaises(
            SpecError, self.builder().plan, self.request(copies=(TESTED,))
        )
        self.assertIn("no test of the copy in two/RegionTwo: no flavor has", str(error))

    def test_killed(self) -> None:
        """Another client goes on with the server, or without one."""
        build = self.started(copies=(TESTED,))
        found: list[tuple[str, tuple[FakeCloud, FakeCloud]]] = []

        def observe(when: str, call: Call) -> None:
            found.append((f"{when} {call.kind}", self.fork()))

        self.two.observers.append(observe)
        self.resumed(build.id)
        self.assertGreater(len(found), 8)
        for where, clouds in found:
            for pause in (0, 7200):
                self.take(clouds)
                self.cloud.world.advance(pause)
                with self.one_of_many(f"{where}, {pause} s"):
                    self.assert_copied(self.resumed(build.id))
            self.take(clouds)
            with self.one_of_many(f"{where}, cancelled"):
                self.cloud.world.advance(300)
                self.builder("other").cancel(build.id)
                self.assertEqual({}, self.two.nova.servers)
                self.assertEqual([], self.there())

    def test_copied_anew(self) -> None:
        """The record has no user data any more: the catalogue has."""
        build = super().built(copies=())
        (made,) = self.builder().copy(build.id, "two/RegionTwo", verify=True)
        self.assertEqual("", made.trouble)
        self.assert_copied(build)
        kinds = [c.kind for c in self.two.mutations if c.service == "compute"]
        self.assertEqual(["create server", "delete server"], kinds)
