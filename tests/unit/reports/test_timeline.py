"""How long steps took, and were to take."""

from __future__ import annotations

import dataclasses

import testtools

from osc_imagebuild.engine import recipe
from osc_imagebuild.reports import timeline
from osc_imagebuild.reports.timeline import Pace, Stretch
from tests.unit.reports.sample import BEGUN, TOOK, record

NAMES = [name for name, _ in TOOK]


class StretchesTest(testtools.TestCase):
    """Records of builds that went more or less far."""

    def test_sample(self) -> None:
        """The builds that are told of here have the steps that builds have."""
        self.assertEqual(NAMES, [step.name for step in recipe.of(record().spec)])

    def test_complete(self) -> None:
        """Each step took what was noted, and nothing is left."""
        found = timeline.stretches(record(), BEGUN + 1e6)
        self.assertEqual(NAMES, [s.step for s in found])
        self.assertEqual([float(s) for _, s in TOOK], [s.took_s for s in found])
        self.assertEqual({Pace.DONE}, {s.pace for s in found})
        self.assertEqual(0.0, found[0].after_s)

    def test_expected(self) -> None:
        """As the build before, and the installer as all before it; else nothing is."""
        earlier = record(slower=2.0)
        found = {s.step: s for s in timeline.stretches(record(), BEGUN, earlier)}
        self.assertEqual(8.0, found["image-stub"].expected_s)
        self.assertEqual(1080.0, found["install"].expected_s)
        alone = {s.step: s for s in timeline.stretches(record(), BEGUN)}
        self.assertIsNone(alone["image-stub"].expected_s)

    def test_others(self) -> None:
        """Where it stands, and what is, or would have been, behind that."""
        for status, pace, rest in (
            ("failed", Pace.FAILED, Pace.MISSED),
            ("cancelled", Pace.STOPPED, Pace.MISSED),
            ("building", Pace.RUNNING, Pace.AHEAD),
        ):
            build = record(status, "harvest")
            now = build.updated_at + 100
            found = timeline.stretches(build, now)
            at = NAMES.index("harvest")
            self.assertEqual(NAMES, [s.step for s in found])
            self.assertEqual(pace, found[at].pace)
            self.assertEqual({rest}, {s.pace for s in found[at + 1 :]})
            running_s = 100 if status == "building" else 0
            self.assertEqual(48.0 + running_s, found[at].took_s)

    def test_tried_again(self) -> None:
        """That is no step; what is ahead counts from the last one that was begun."""
        build = record("building", "install")
        again = build.updated_at + 500
        steps = (*build.steps, ("retry", again), ("server", again + 5))
        build = dataclasses.replace(build, steps=steps)
        found = timeline.stretches(build, again + 15)
        self.assertEqual((Pace.FAILED, None), (found[2].pace, found[2].took_s))
        self.assertEqual(Pace.AGAIN, found[3].pace)
        self.assertEqual(("server", 10.0), (found[4].step, found[4].took_s))
        self.assertEqual("install", found[5].step)
        self.assertEqual(15.0, timeline.total_s(build, again + 15))

    def test_nothing_yet(self) -> None:
        """All is ahead then; nor does a clock that goes backwards do harm."""
        build = dataclasses.replace(record("building"), steps=())
        self.assertEqual(NAMES, [s.step for s in timeline.stretches(build, BEGUN)])
        steps = (("server", BEGUN - 50), ("install", BEGUN - 90))
        build = dataclasses.replace(build, steps=steps)
        found = timeline.stretches(build, BEGUN - 1000)
        self.assertEqual([0.0, 0.0], [s.took_s for s in found[:2]])
        self.assertEqual(0.0, timeline.total_s(build, BEGUN - 1000))
        self.assertEqual({0: (0.0, 0.0), 1: (0.0, 0.0)}, dict(timeline.share(found)))

    def test_steps_of_others(self) -> None:
        """A record has whatever steps its writer wanted."""
        steps = tuple((f"odd {n}", BEGUN + n) for n in range(500))
        build = dataclasses.replace(record("failed", "install"), steps=steps)
        found = timeline.stretches(build, BEGUN)
        self.assertEqual(timeline.MOST_STEPS + len(NAMES), len(found))

    def test_share(self) -> None:
        """In per cent of the whole time."""
        found = timeline.share(timeline.stretches(record(), BEGUN))
        self.assertEqual(len(TOOK), len(found))
        self.assertAlmostEqual(100.0, sum(length for _, length in found.values()))
        self.assertLess(found[0][0], found[1][0])

    def test_slow(self) -> None:
        """Half as long again, and noticeably."""
        for took, expected, is_slow in (
            (100.0, 40.0, True),
            (60.0, 40.0, False),
            (5.0, 1.0, False),
            (5.0, None, False),
            (None, 5.0, False),
        ):
            stretch = Stretch("x", Pace.DONE, 0.0, took, expected)
            self.assertEqual(is_slow, timeline.is_slow(stretch))
