"""Copy the published image to other stores, and to other clouds. Pure.

The image is out by then: what fails here is told and noted, and the build is complete all
the same. Marks are the evidence, since a target may be away whenever it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from osc_imagebuild.model.actions import (
    Act,
    CopyImage,
    CopyToStores,
    Decision,
    SetMark,
    Wait,
)
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.names import Milestone, copied
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import Result

# Less than the engine waits in any step.
STORE_LIMIT_S = 3600
# Source: glance.async_.flows.api_image_import, ImportActionWrapper; a task that has died
# leaves the first one for ever.
_IMPORTING, FAILED_STORES = "os_glance_importing_to_stores", "os_glance_failed_import"
_GONE = "the image was deleted by somebody"


@dataclass(frozen=True)
class Store:
    """Have Glance copy the image's data to more of its stores."""

    output: Result
    name: str = "stores"

    @property
    def sees(self) -> frozenset[str]:
        return self.output.sees

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return Milestone.STORED in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Ask once, and wait until each store has them or has failed."""
        image = self.output.result(facts)
        if not isinstance(image, Image):
            return _stored((), _GONE)
        missing = [s for s in spec.result.stores if s not in image.stores]
        if not missing:
            return _stored(image.stores)
        asked = facts.marks.get(Milestone.STORING)
        importing = _words(image, _IMPORTING)
        if asked is None:
            if importing.intersection(missing):
                return Act(SetMark(Milestone.STORING), "Glance copies it already")
            return Act(
                CopyToStores(image.id, tuple(missing)), "its data go to more stores"
            )
        if trouble := asked.data.get("trouble", ""):
            return _stored(image.stores, trouble)
        failed = _words(image, FAILED_STORES)
        going = [s for s in missing if s not in failed]
        if not going:
            return _stored(image.stores, f"Glance could not: {', '.join(missing)}")
        if facts.now - asked.at > STORE_LIMIT_S:
            late = f"not within {STORE_LIMIT_S // 60} minutes: {', '.join(going)}"
            return _stored(image.stores, late)
        return Wait(f"Glance copies it to {', '.join(going)}", 5)


def _words(image: Image, key: str) -> set[str]:
    return set(filter(None, image.properties.get(key, "").split(",")))


def _stored(stores: Iterable[str], trouble: str = "") -> Act:
    data = {"stores": " ".join(sorted(stores))}
    if trouble:
        data["trouble"] = trouble[:200]
    return Act(
        SetMark(Milestone.STORED, data), trouble or "the stores have what they can"
    )


@dataclass(frozen=True)
class CopyElsewhere:
    """Make a copy in each cloud that is to have one."""

    output: Result
    name: str = "copies"

    @property
    def sees(self) -> frozenset[str]:
        return self.output.sees

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: a mark for each that says what came of it."""
        marks = [facts.marks.get(copied(n)) for n in range(len(spec.result.copies))]
        return all(mark and is_over(mark) for mark in marks)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """One after the other; `osc_imagebuild.builds.copies` makes each."""
        image = self.output.result(facts)
        for number, copy in enumerate(spec.result.copies):
            name, data = copied(number), {"target": copy.target}
            mark = facts.marks.get(name)
            if mark and is_over(mark):
                continue
            reason = f"copy it to {copy.target}"
            if image is None:
                return Act(SetMark(name, data | {"trouble": _GONE}), _GONE)
            if mark is None:
                # Whoever cancels the build knows by it where to look for what was begun.
                return Act(SetMark(name, data), reason)
            return Act(CopyImage(image.id, copy, number), reason)
        return Wait("all copies are noted", 1)


def is_over(mark: Mark) -> bool:
    """Whether a mark says what came of a copy, not only that it was begun."""
    return bool(mark.data.get("image_id") or mark.data.get("trouble"))


def begun(spec: Spec, marks: Mapping[str, Mark]) -> list[Copy]:
    """Return the copies that were begun, whatever came of them."""
    return [c for n, c in enumerate(spec.result.copies) if copied(n) in marks]


def told(spec: Spec, marks: Mapping[str, Mark]) -> list[str]:
    """Return a line on each copy, and on the stores, as far as they were tried."""
    lines = []
    if stored := marks.get(Milestone.STORED):
        lines.append(_line("stores", stored, "stores"))
    for number, copy in enumerate(spec.result.copies):
        if mark := marks.get(copied(number)):
            lines.append(_line(copy.target, mark, "image_id"))
    return lines


def _line(what: str, mark: Mark, key: str) -> str:
    trouble, good = mark.data.get("trouble", ""), mark.data.get(key, "")
    parts = [good, f"failed: {trouble}" if trouble else ""]
    return f"{what}: {', '.join(filter(None, parts)) or 'being made'}"
