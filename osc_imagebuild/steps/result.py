"""Note the result, and list the properties that it declares. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.model import family
from osc_imagebuild.model.actions import Act, Decision, Fail, SetMark
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.family import Member
from osc_imagebuild.model.names import Milestone
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import Result, metadata, patched


@dataclass(frozen=True)
class NoteResult:
    """Write into the record what the result is."""

    output: Result
    name: str = "note-result"
    sees: frozenset[str] = frozenset()

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return Milestone.HARVESTED in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """From here on it is found by its ID."""
        if self.output.result(facts) is None:
            return Fail("the result was deleted by somebody before it was noted")
        return Act(
            SetMark(Milestone.HARVESTED, self.output.ids(facts)), "note the result"
        )


def wanted(spec: Spec, facts: Facts, result: Member) -> dict[str, str]:
    """The properties of a clean result: declared ones and provenance."""
    installed, begun = (
        facts.marks[Milestone.INSTALLED],
        facts.marks.get(Milestone.STARTED),
    )
    report = installed.data
    reported = {
        f"imagebuild_{key}": text
        for key in ("kernel", "release")
        if (text := _storable(report.get(key, "")))
    }
    known = {
        **spec.result.properties,
        **reported,
        **patched.properties(report, begun.at if begun else None, installed.at),
        **itself(spec, result),
        family.BUILT_AT: family.iso(installed.at),
        "imagebuild_duration_s": str(duration_s(facts)),
    }
    return {**known, **metadata.properties(spec, known)}


def itself(spec: Spec, result: Member) -> dict[str, str]:
    """What a result of a family says of itself alone; see `osc_imagebuild.model.family`."""
    return {family.RESULT_ID: result.id} if spec.result.family else {}


def duration_s(facts: Facts) -> int:
    """How long the installer took; tells later builds how long they have left."""
    begun, done = facts.marks.get(Milestone.STARTED), facts.marks[Milestone.INSTALLED]
    return max(0, int(done.at - begun.at)) if begun else 0


def _storable(text: str) -> str:
    """A guest's words without what Glance or Cinder could not keep."""
    kept = (c for c in text if c.isprintable() and ord(c) <= 0xFFFF)
    return "".join(kept)[:255]
