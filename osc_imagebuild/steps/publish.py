"""Give the proven result the user's name, and remove the rest. Pure.

What is known of the result stays beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.model.actions import (
    Act,
    Decision,
    DeleteImage,
    DeleteVolume,
    Fail,
    Finish,
    Wait,
)
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.manifest import MANIFEST_TAG
from osc_imagebuild.model.names import Milestone, Role
from osc_imagebuild.model.resources import Image, Volume
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import Result, Step, inspection, rotation


@dataclass(frozen=True)
class Publish:
    """Give the result the user's name, and to those that its predecessor was for."""

    output: Result
    also_sees: frozenset[str] = frozenset()
    name: str = "publish"

    @property
    def sees(self) -> frozenset[str]:
        """Where the result is, and what else of its family."""
        return self.output.sees | self.also_sees

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the user's name and tags on what was noted."""
        return Milestone.HARVESTED in facts.marks and self.output.published(spec, facts)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """The build lets go of the result."""
        result = self.output.result(facts)
        if result is None:
            return Fail("the result was deleted by somebody before it was published")
        if first := rotation.before(spec, facts, result):
            return Act(first, "the result is to take the place of another")
        return Act(
            self.output.publish(spec, facts),
            "the result is proven" if spec.verify.enabled else "the result is clean",
        )


@dataclass(frozen=True)
class Cleanup:
    """Remove the images and volumes that were booted from.

    A build may have none, so it is over only when the steps in ``after`` are: else they
    would be passed over.
    """

    output: Result
    images: tuple[str, ...]
    volumes: tuple[str, ...] = ()
    after: tuple[Step, ...] = ()
    name: str = "cleanup"

    @property
    def sees(self) -> frozenset[str]:
        return frozenset({"images", "volumes"} if self.volumes else {"images"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: published, and none of them is there."""
        before = (Publish(self.output), *self.after)
        return all(s.done(spec, facts) for s in before) and not self._remaining(facts)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """One at a time; a backend may keep an image while a volume is of it."""
        held: Volume | None = None
        for item in self._remaining(facts):
            # Source: cinder.volume.api.API.delete, the statuses that it takes.
            if isinstance(item, Volume):
                if item.status == "available" or item.status.startswith("error"):
                    return Act(DeleteVolume(item.id), f"{item.name} has served")
                held = held or item
            elif item is facts.images.get(Role.MANIFEST) and item.status == "active":
                return Act(inspection.letting_go(item), "it stays with the result")
            elif held is None:
                return Act(DeleteImage(item.id), f"{item.name} has served")
        assert held is not None
        return Wait(f"Cinder has {held.name} as {held.status}", 3)

    def _remaining(self, facts: Facts) -> list[Volume | Image]:
        remaining: list[Volume | Image] = []
        remaining += [facts.volumes[r] for r in self.volumes if r in facts.volumes]
        remaining += [facts.images[r] for r in self.images if r in facts.images]
        manifest = facts.images.get(Role.MANIFEST)
        if manifest is not None and MANIFEST_TAG not in manifest.tags:
            remaining.append(manifest)
        return remaining


@dataclass(frozen=True)
class Complete:
    """Close the record."""

    name: str = "complete"
    sees: frozenset[str] = frozenset()

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return Milestone.COMPLETE in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Close the record."""
        result_id = next(iter(facts.marks[Milestone.HARVESTED].data.values()))
        return Act(Finish(result_id), "all is done")
