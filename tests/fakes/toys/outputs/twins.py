"""Output twins: an image, and the volume that it was made of."""

from __future__ import annotations

from collections.abc import Mapping

from osc_imagebuild.model.actions import Action
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.resources import Image, Quota, Resource, Volume
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.outputs import Output, image, volume
from osc_imagebuild.outputs.image import CleanResult, UploadRoot
from osc_imagebuild.steps import Step
from osc_imagebuild.steps.result import NoteResult
from osc_imagebuild.steps.root_volume import ROOT, CleanVolume, FreeRoot


class TwinsOutput:
    """The volume is published first: it is the image that tells the end."""

    cinder_source = "imageRef"
    needs_volume = True
    has_visibility = True
    sees = frozenset({"result", "volumes"})
    kinds: tuple[type[Resource], ...] = (Image, Volume)
    is_hidden = True
    keeps = (ROOT,)

    def quota(self, disk_gib: int) -> Quota:
        """The image, as the volume is the root disk."""
        return Quota(images=1)

    def steps(self, spec: Spec) -> tuple[Step, ...]:
        """From a powered-off server to both of them."""
        return (
            FreeRoot(),
            CleanVolume(),
            UploadRoot(),
            CleanResult(),
            NoteResult(self),
        )

    def result(self, facts: Facts) -> Image | None:
        """The image."""
        return image.OUTPUT.result(facts)

    def ids(self, facts: Facts) -> Mapping[str, str]:
        """Both, the image's first."""
        return {**image.OUTPUT.ids(facts), **volume.OUTPUT.ids(facts)}

    def published(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: both have the user's name."""
        first = volume.OUTPUT.published(spec, facts)
        return first and image.OUTPUT.published(spec, facts)

    def publish(self, spec: Spec, facts: Facts) -> Action:
        """One after the other."""
        if not volume.OUTPUT.published(spec, facts):
            return volume.OUTPUT.publish(spec, facts)
        return image.OUTPUT.publish(spec, facts)


OUTPUT: Output = TwinsOutput()
