"""Output volume: the root volume itself, bootable and clean."""

from __future__ import annotations

from collections.abc import Mapping

from osc_imagebuild.model.actions import SetVolume
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.resources import Quota, Resource, Volume
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import Step, rotation
from osc_imagebuild.steps.result import NoteResult
from osc_imagebuild.steps.root_volume import ROOT, CleanVolume, FreeRoot, metadata


class VolumeOutput:
    """A Cinder volume: the root disk itself."""

    cinder_source = "source_volid"
    needs_volume = True
    has_visibility = False
    sees = frozenset({"volumes"})
    kinds: tuple[type[Resource], ...] = (Volume,)
    is_hidden = False
    keeps = (ROOT,)

    def quota(self, disk_gib: int) -> Quota:
        """Nothing: it is the root disk."""
        return Quota()

    def steps(self, spec: Spec) -> tuple[Step, ...]:
        """From a powered-off server to a clean volume of nobody's."""
        return (FreeRoot(), CleanVolume(), NoteResult(self))

    def result(self, facts: Facts) -> Volume | None:
        """The root volume."""
        return facts.volumes.get(ROOT)

    def ids(self, facts: Facts) -> Mapping[str, str]:
        """The volume alone."""
        return {"volume_id": facts.volumes[ROOT].id}

    def published(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the user's name and metadata, which the build's mark is not of."""
        volume = facts.volumes.get(ROOT)
        return (
            volume is not None
            and rotation.is_named(spec, volume)
            and dict(volume.metadata) == metadata(spec, facts, volume)
        )

    def publish(self, spec: Spec, facts: Facts) -> SetVolume:
        """One change: name and metadata. The build lets go of the volume."""
        root = facts.volumes[ROOT]
        return SetVolume(
            root,
            root.image_metadata,
            rotation.name(spec, facts, root),
            metadata(spec, facts, root),
            rotation.then(spec, facts, root),
        )


OUTPUT = VolumeOutput()
