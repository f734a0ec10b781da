"""Output volume: what is the result, and when it is the user's."""

from __future__ import annotations

import testtools

from osc_imagebuild import outputs
from osc_imagebuild.model.actions import SetMark, SetVolume
from osc_imagebuild.outputs.volume import OUTPUT
from osc_imagebuild.steps.publish import Publish
from osc_imagebuild.steps.result import NoteResult
from tests.unit.decisions import METADATA, StepTestCase, seen, snapshot, spec, volume
from tests.unit.samples import marks

NOTED = marks("harvested", volume_id="v-root")
TAGS = {"result_tags": ("gold", "tested"), "name": "golden"}
TAGGED = {"gold": "true", "tested": "true", **METADATA}


class VolumeOutputTest(testtools.TestCase):
    """What the output answers of a build as it was seen."""

    def test_declared(self) -> None:
        """It is the root volume, which therefore stays."""
        self.assertIs(OUTPUT, outputs.load("volume"))
        self.assertEqual("source_volid", OUTPUT.cinder_source)
        self.assertTrue(OUTPUT.needs_volume)
        self.assertEqual(frozenset({"volumes"}), OUTPUT.sees)
        self.assertEqual(("root",), OUTPUT.keeps)
        names = [step.name for step in OUTPUT.steps(spec({}))]
        self.assertEqual(["free-root", "clean", "note-result"], names)

    def test_result(self) -> None:
        """The root volume in any state, and no other volume."""
        root = volume(status="in-use")
        for facts, found in (
            (seen(), None),
            (seen(volume("verify")), None),
            (seen(snapshot()), None),
            (seen(root, volume("verify")), root),
        ):
            self.assertEqual(found, OUTPUT.result(facts))
        self.assertEqual({"volume_id": "v-root"}, OUTPUT.ids(seen(root)))

    def test_published(self) -> None:
        """Its name and its metadata are what the user asked for, and no more."""
        for root, published in (
            (None, False),
            (volume(), False),
            (volume(name="golden"), False),
            (volume(name="golden", metadata=METADATA), False),
            (volume(metadata=TAGGED), False),
            (volume(name="golden", metadata={**TAGGED, "imagebuild": "x"}), False),
            (volume(name="golden", metadata=TAGGED), True),
        ):
            facts = seen(root) if root else seen()
            self.assertIs(published, OUTPUT.published(spec(TAGS), facts), str(root))

    def test_publish(self) -> None:
        """Name and metadata in one change; what it declares of itself stays."""
        root = volume(image_metadata={"os_distro": "mini"})
        self.assertEqual(
            SetVolume(root, {"os_distro": "mini"}, "golden", TAGGED),
            OUTPUT.publish(spec(TAGS), seen(root)),
        )


class VolumeStepsTest(StepTestCase):
    """The steps that ask the output."""

    def test_note(self) -> None:
        """The volume's ID is noted while it is there."""
        gone = "fail: the result was deleted by somebody before it was noted"
        self.check(
            NoteResult(OUTPUT),
            (seen(), gone),
            (seen(volume()), SetMark("harvested", {"volume_id": "v-root"})),
        )
        self.check_done(NoteResult(OUTPUT), (seen(marks=NOTED), True))

    def test_publish(self) -> None:
        """Not before it is noted, and not twice."""
        named = volume(name="golden", metadata=METADATA)
        gone = "fail: the result was deleted by somebody before it was published"
        change = SetVolume(volume(), {}, "golden", METADATA)
        self.check(
            Publish(OUTPUT),
            (seen(marks=NOTED), gone),
            (seen(volume(), marks=NOTED), change),
        )
        self.check_done(
            Publish(OUTPUT),
            (seen(named), False),
            (seen(named, marks=NOTED), True),
        )
        self.assertEqual(OUTPUT.sees, Publish(OUTPUT).sees)
