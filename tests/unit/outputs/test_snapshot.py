"""Output snapshot: when it is taken, and when it is the user's."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild import outputs
from osc_imagebuild.model.actions import (
    CreateSnapshot,
    DeleteSnapshot,
    SetMark,
    SetSnapshot,
    SetVolume,
)
from osc_imagebuild.outputs.snapshot import LIMIT_S, OUTPUT, TakeSnapshot
from osc_imagebuild.steps.result import NoteResult
from tests.unit.decisions import METADATA, StepTestCase, seen, snapshot, spec, volume
from tests.unit.samples import NOW, marks

TAGS = {"result_tags": ("gold",), "name": "golden", "output": "snapshot"}
TAGGED = {"gold": "true", **METADATA}
ROOT = volume(image_metadata={"os_distro": "mini"})
NAMED_ROOT = volume(name="golden", metadata=TAGGED)
NAMED = snapshot(name="golden", metadata=TAGGED)


class TakeSnapshotTest(StepTestCase):
    """From a clean root volume to a snapshot that can be used."""

    def test_take(self) -> None:
        """It is taken once, waited for, and taken again where Cinder failed."""
        old, older = NOW - LIMIT_S, NOW - LIMIT_S - 1
        self.check(
            TakeSnapshot(),
            (seen(), "fail: the root volume was deleted by somebody"),
            (seen(volume("verify")), "fail: the root volume was deleted by somebody"),
            (seen(ROOT), CreateSnapshot("v-root")),
            (seen(ROOT, snapshot("error")), DeleteSnapshot("s-result")),
            (
                seen(ROOT, snapshot("error", created_at=older)),
                DeleteSnapshot("s-result"),
            ),
            (
                seen(ROOT, snapshot("creating")),
                "wait: Cinder has the snapshot as creating (3 s)",
            ),
            (
                seen(ROOT, snapshot("creating", created_at=old)),
                "wait: Cinder has the snapshot as creating (3 s)",
            ),
            (
                seen(ROOT, snapshot("creating", created_at=older)),
                "fail: Cinder had no snapshot within 60 minutes",
            ),
            # Somebody deletes it: it is taken again once it is gone.
            (
                seen(ROOT, snapshot("deleting")),
                "wait: Cinder has the snapshot as deleting (3 s)",
            ),
        )

    def test_done(self) -> None:
        """A snapshot in another state cannot be used."""
        self.check_done(
            TakeSnapshot(),
            (seen(ROOT), False),
            (seen(ROOT, snapshot("creating")), False),
            (seen(ROOT, snapshot()), True),
            (seen(snapshot(created_at=0.0)), True),
        )


class SnapshotOutputTest(testtools.TestCase):
    """What the output answers of a build as it was seen."""

    def test_declared(self) -> None:
        """The root volume stays, as the snapshot is of it."""
        self.assertIs(OUTPUT, outputs.load("snapshot"))
        self.assertEqual("snapshot_id", OUTPUT.cinder_source)
        self.assertTrue(OUTPUT.needs_volume)
        self.assertEqual(frozenset({"volumes", "snapshots"}), OUTPUT.sees)
        self.assertEqual(("root",), OUTPUT.keeps)
        names = [step.name for step in OUTPUT.steps(spec(TAGS))]
        self.assertEqual(["free-root", "clean", "snapshot", "note-result"], names)

    def test_result(self) -> None:
        """The snapshot, never the volume."""
        taken = snapshot("creating")
        self.assertIsNone(OUTPUT.result(seen(ROOT)))
        self.assertEqual(taken, OUTPUT.result(seen(ROOT, taken)))
        ids = OUTPUT.ids(seen(ROOT, snapshot()))
        # The first is the result's own.
        self.assertEqual(
            [("snapshot_id", "s-result"), ("volume_id", "v-root")], list(ids.items())
        )

    def test_published(self) -> None:
        """Both have the user's name and metadata."""
        for items, published in (
            ((), False),
            ((ROOT, snapshot()), False),
            ((NAMED_ROOT,), False),
            ((NAMED_ROOT, snapshot()), False),
            ((NAMED_ROOT, snapshot(name="golden")), False),
            ((NAMED_ROOT, snapshot(metadata=TAGGED)), False),
            ((NAMED,), False),
            ((ROOT, NAMED), False),
            ((NAMED_ROOT, NAMED), True),
        ):
            self.assertIs(
                published, OUTPUT.published(spec(TAGS), seen(*items)), str(items)
            )

    def test_publish(self) -> None:
        """The volume, then the snapshot: a client may die between the two."""
        taken = snapshot()
        for items, change in (
            (
                (ROOT, taken),
                SetVolume(ROOT, {"os_distro": "mini"}, "golden", TAGGED),
            ),
            ((NAMED_ROOT, taken), SetSnapshot(taken, "golden", TAGGED)),
        ):
            self.assertEqual(change, OUTPUT.publish(spec(TAGS), seen(*items)))


class SnapshotStepsTest(StepTestCase):
    """The steps that ask the output."""

    def test_note(self) -> None:
        """Both IDs are noted: both must stay."""
        both: dict[str, Any] = {"snapshot_id": "s-result", "volume_id": "v-root"}
        gone = "fail: the result was deleted by somebody before it was noted"
        self.check(
            NoteResult(OUTPUT),
            (seen(ROOT), gone),
            (seen(ROOT, snapshot()), SetMark("harvested", both)),
        )
        noted = marks("harvested", **both)
        self.check_done(NoteResult(OUTPUT), (seen(marks=noted), True))
