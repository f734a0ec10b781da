"""Keep what the proven result says of itself beside it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.model import manifest_json
from osc_imagebuild.model.actions import Act, Decision, SetImage, SetMark, Wait
from osc_imagebuild.model.boot_sources import BootImage, PlainText
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.family import BUILD_ID
from osc_imagebuild.model.formats import container_of
from osc_imagebuild.model.manifest import MANIFEST_OF, MANIFEST_TAG, Manifest
from osc_imagebuild.model.names import Milestone, Role
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.monitors.console import frames
from osc_imagebuild.steps.boot_sources import EnsureImage

# A guest lists its packages within seconds of being up, by emulation within a minute.
LIMIT_S = 240.0
# The word by which a guest's frames are known.
KIND = "inventory"


@dataclass(frozen=True)
class Inspect:
    """Read the inventory that the test server has written, and keep it in an image.

    No build fails by it: a result that boots is proven, whatever it says of itself.
    """

    name: str = "inspect"
    sees: frozenset[str] = frozenset({"inventory", "images"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return Milestone.INSPECTED in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Make the image as soon as all of the inventory can be read."""
        kept = facts.images.get(Role.MANIFEST)
        if kept is not None and kept.status == "active":
            return Act(SetMark(Milestone.INSPECTED), "what the result has is known")
        build_id = spec.result.properties.get(BUILD_ID, "")
        if Role.VERIFY not in facts.servers:
            return _without("the server that tests the result was deleted by somebody")
        text = facts.consoles.get(Role.VERIFY, "")
        data = frames.decode(text, build_id, KIND)
        if data is None:
            waited = facts.now - facts.marks[Milestone.VERIFIED].at
            if waited < LIMIT_S:
                return Wait("the result lists what it has", 5)
            return _without(
                "not all of it came over the console"
                if frames.is_begun(text, build_id, KIND)
                else "it wrote nothing of it on its console"
            )
        try:
            image = _image(spec, facts, data)
        except manifest_json.ManifestError as error:
            return _without(f"it is garbled: {error}")
        return EnsureImage(image).decide(spec, facts)


def _without(trouble: str) -> Act:
    return Act(
        SetMark(Milestone.INSPECTED, {"trouble": trouble}),
        "what the result has is not known",
    )


def _image(spec: Spec, facts: Facts, data: bytes) -> BootImage:
    """Return the image that keeps the manifest.

    :raises: ManifestError
    """
    [result_id, *_] = facts.marks[Milestone.HARVESTED].data.values()
    build_id = spec.result.properties.get(BUILD_ID, "")
    manifest = Manifest(
        build_id=build_id,
        result_id=result_id,
        made_at=facts.marks[Milestone.VERIFIED].at,
        **manifest_json.inventory(data),
    )
    return BootImage(
        role=Role.MANIFEST,
        disk_format=spec.formats.text,
        container_format=container_of(spec.formats.text),
        content=PlainText(manifest_json.to_json(manifest)),
        properties={MANIFEST_OF: result_id, BUILD_ID: build_id},
    )


def letting_go(image: Image) -> SetImage:
    """Return what makes a kept manifest the result's, for as long as that is there."""
    return SetImage(
        image=image,
        name=image.name,
        hidden=True,
        tags=frozenset({MANIFEST_TAG}),
        properties=image.properties,
        min_disk_gib=image.min_disk_gib,
        min_ram_mib=image.min_ram_mib,
        visibility=image.visibility,
    )
