"""Tables of single steps and outputs: facts in, decision or answer out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import testtools

from osc_imagebuild.model.actions import Act, Action, Again, Decision, Fail, Wait
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.resources import Snapshot, Volume
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import Step
from osc_imagebuild.steps.result import wanted
from tests.unit import samples
from tests.unit.samples import BUILD_ID, NOW

INSTALLED = {"installed": Mark(NOW - 10, {"release": "mini 1", "kernel": "6.12"})}
OFF = {**INSTALLED, "off": Mark(NOW - 5)}
METADATA = {"imagebuild_build_id": BUILD_ID}

# What a row expects: an action as a whole, or "wait: ..." and "fail: ...".
Expected = Action | str


def seen(
    *items: Volume | Snapshot, marks: Mapping[str, Mark] = OFF, **fields: Any
) -> Facts:
    """Return facts with volumes and snapshots by their roles, which their IDs end in."""
    volumes = {v.id[2:]: v for v in items if isinstance(v, Volume)}
    snapshots = {s.id[2:]: s for s in items if isinstance(s, Snapshot)}
    return samples.facts(marks=marks, volumes=volumes, snapshots=snapshots, **fields)


def volume(role: str = "root", status: str = "available", **fields: Any) -> Volume:
    """Return the volume of a role."""
    face: dict[str, Any] = {"name": role, "status": status, "created_at": NOW}
    return Volume(f"v-{role}", **(face | fields))


def snapshot(status: str = "available", **fields: Any) -> Snapshot:
    """Return the snapshot that is the result."""
    face: dict[str, Any] = {"name": "result", "status": status, "created_at": NOW}
    return Snapshot("s-result", **(face | fields))


def clean_metadata(**fields: Any) -> dict[str, str]:
    """Return the image metadata of a clean root volume."""
    asked = samples.spec(**fields)
    declared = wanted(asked, samples.facts(marks=INSTALLED), volume())
    return {**declared, "min_ram": str(asked.result.min_ram_mib)}


def expressed(decision: Decision) -> Action | str:
    """Return a decision as a row of a table has it."""
    match decision:
        case Act(action, _):
            return action
        case Wait(reason, seconds):
            return f"wait: {reason} ({seconds:g} s)"
        case Fail(reason, _):
            return f"fail: {reason}"
        case Again(reason, _, _, then):
            return f"again, {then}: {reason}"


class StepTestCase(testtools.TestCase):
    """Tables of one step."""

    def check_done(self, step: Step, *table: tuple[Facts, bool], **asked: Any) -> None:
        """Compare each row: facts, and whether the step is done."""
        for number, (facts, done) in enumerate(table):
            self.assertIs(done, step.done(spec(asked), facts), f"row {number}")

    def check(self, step: Step, *table: tuple[Facts, Expected], **asked: Any) -> None:
        """Compare each row: facts, and the decision; a text is the whole text."""
        for number, (facts, expected) in enumerate(table):
            self.assertFalse(step.done(spec(asked), facts), f"row {number} is done")
            found = expressed(step.decide(spec(asked), facts))
            self.assertEqual(expected, found, f"row {number}")


def spec(fields: Mapping[str, Any]) -> Spec:
    """Return a spec whose root disk is a volume, unless ``fields`` say otherwise."""
    return samples.spec(**{"root": "volume", "output": "volume", **fields})
