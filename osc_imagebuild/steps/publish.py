"""The proven result gets the user's name; the rest goes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osc_imagebuild.actions import Act, Decision, DeleteImage, Fail, Finish, SetImage
from osc_imagebuild.model import Facts, Spec


@dataclass(frozen=True)
class Publish:
    """Until the result stands under the user's name."""

    name: str = "publish"
    sees: frozenset[str] = frozenset({"result"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: not hidden, with the user's name, tags and visibility."""
        result = facts.images.get("result")
        return (
            "harvested" in facts.marks
            and result is not None
            and not result.hidden
            and result.name == spec.name
            and result.visibility == spec.result_visibility
            and result.tags == frozenset(spec.result_tags)
        )

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """One change: name, tags, who sees it. The build lets go of the image."""
        result = facts.images.get("result")
        if result is None:
            return Fail("the result was deleted by somebody before it was published")
        return Act(
            SetImage(
                image=result,
                name=spec.name,
                hidden=False,
                tags=frozenset(spec.result_tags),
                properties=result.properties,
                min_disk_gib=result.min_disk_gib,
                min_ram_mib=result.min_ram_mib,
                visibility=spec.result_visibility,
            ),
            "the result is proven" if spec.verify else "the result is clean",
        )


@dataclass(frozen=True)
class Cleanup:
    """Until the boot images are gone."""

    roles: tuple[str, ...]
    name: str = "cleanup"
    sees: frozenset[str] = frozenset({"images"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: published, and none of them is there."""
        published = Publish().done(spec, facts)
        return published and not self._left(facts)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """One at a time."""
        role, image_id = next(iter(self._left(facts).items()))
        return Act(DeleteImage(image_id), f"the {role} has served")

    def _left(self, facts: Facts) -> Mapping[str, str]:
        return {r: facts.images[r].id for r in self.roles if r in facts.images}


@dataclass(frozen=True)
class Complete:
    """Until the record says so."""

    name: str = "complete"
    sees: frozenset[str] = frozenset()

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return "complete" in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Close the record."""
        return Act(Finish(facts.marks["harvested"].data["image_id"]), "all is done")
