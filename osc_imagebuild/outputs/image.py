"""Output image: createImage, or Cinder's upload, harvests the root disk.

Nova copies every property of the boot image and of the server onto the
result, Cinder the volume's image metadata: left there, each server of that
image would run the installer again and wipe its disk. So the result is
hidden, cleaned, and read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osc_imagebuild.model.actions import (
    Act,
    Decision,
    DeleteServer,
    Fail,
    Harvest,
    SetImage,
    SetMark,
    UploadVolume,
    Wait,
)
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.family import is_retired
from osc_imagebuild.model.names import BUILD_TAG, RESULT, Milestone, Role
from osc_imagebuild.model.resources import Image, Quota, Resource
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import Step, interference, rotation
from osc_imagebuild.steps.result import NoteResult, wanted
from osc_imagebuild.steps.root_volume import ROOT, FreeRoot

HARVEST_LIMIT_S = 3600
_LATE = (
    f"the image of the installed disk was not ready within {HARVEST_LIMIT_S // 60} "
    "minutes"
)


@dataclass(frozen=True)
class HarvestDisk:
    """Copy the root disk into an image."""

    name: str = "harvest"
    sees: frozenset[str] = frozenset({"server:install", "result"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the result image is active."""
        result = facts.images.get(RESULT)
        return (
            Milestone.INSTALLED in facts.marks
            and result is not None
            and result.status == "active"
        )

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Take the image of a server that is off."""
        result, server = facts.images.get(RESULT), facts.servers.get(Role.INSTALL)
        if result is not None:
            if facts.now - result.created_at > HARVEST_LIMIT_S:
                return Fail(_LATE)
            return Wait(f"Glance has the image as {result.status}", 5)
        if server is None:
            return Fail(
                "the server was deleted by somebody before its disk became an image"
            )
        if spoilt := interference.spoilt(facts):
            return spoilt
        if server.task_state is not None:
            # Nobody may have looked for hours, so only the engine bounds this wait.
            return Wait(f"the server is busy: {server.task_state}", 5)
        return Act(Harvest(server.id), "make an image of the installed disk")


@dataclass(frozen=True)
class UploadRoot:
    """Copy the root volume into an image."""

    name: str = "harvest"
    sees: frozenset[str] = frozenset({"volumes", "result"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the result image is active."""
        return HarvestDisk().done(spec, facts)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Cinder deletes an image that it could not fill."""
        image, root = facts.images.get(RESULT), facts.volumes.get(ROOT)
        if image is not None:
            if facts.now - image.created_at > HARVEST_LIMIT_S:
                return Fail(_LATE)
            return Wait(f"Glance has the image as {image.status}", 3)
        if root is None:
            return Fail("the root volume was deleted before it became an image")
        if root.status == "uploading":
            return Wait("Cinder ends an upload", 3)
        return Act(UploadVolume(root.id), "make an image of the root volume")


@dataclass(frozen=True)
class CleanResult:
    """Remove all that is of the build from the result."""

    name: str = "clean"
    sees: frozenset[str] = frozenset({"images"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: hidden, tagged, and exactly the declared properties."""
        result = facts.images.get(RESULT)
        return (
            Milestone.INSTALLED in facts.marks
            and result is not None
            and result.hidden
            and is_clean(spec, facts, result)
        )

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Strip and set; the next look proves it."""
        result = facts.images[RESULT]
        return Act(
            SetImage(
                image=result,
                name=result.name,
                hidden=True,
                tags=frozenset({BUILD_TAG}),
                properties=wanted(spec, facts, result),
                min_disk_gib=spec.hardware.disk_gib,
                min_ram_mib=spec.result.min_ram_mib,
            ),
            "remove what the build left on the image",
        )


@dataclass(frozen=True)
class RemoveServer:
    """Remove the install server."""

    name: str = "remove-server"
    sees: frozenset[str] = frozenset({"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the result is noted and the server is not there."""
        return Milestone.HARVESTED in facts.marks and Role.INSTALL not in facts.servers

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Note which image it is before the server that proves it goes."""
        if Milestone.HARVESTED not in facts.marks:
            return Act(SetMark(Milestone.HARVESTED, _noted(facts)), "note the result")
        server = facts.servers[Role.INSTALL]
        if server.task_state == "deleting":
            return Wait("Nova deletes the install server", 3)
        return Act(DeleteServer(server.id), "its disk is an image now")


def is_clean(spec: Spec, facts: Facts, image: Image) -> bool:
    """Whether ``image`` carries exactly what it should."""
    return (
        dict(image.properties) == wanted(spec, facts, image)
        and image.min_disk_gib == spec.hardware.disk_gib
        and image.min_ram_mib == spec.result.min_ram_mib
    )


def _is_as_declared(spec: Spec, image: Image) -> bool:
    """Whether an image has what the user declares of servers, and is protected if it shall."""
    wanted = spec.result
    return (
        image.min_disk_gib >= wanted.declared.disk_gib
        and image.min_ram_mib >= wanted.declared.ram_mib
        and (image.protected or not wanted.protected)
    )


def _noted(facts: Facts) -> dict[str, str]:
    return {"image_id": facts.images[RESULT].id}


def _is_shown(spec: Spec, image: Image) -> bool:
    return not image.hidden and image.visibility == rotation.visibility(spec, image)


class ImageOutput:
    """A Glance image of the root disk."""

    cinder_source = "imageRef"
    needs_volume = False
    has_visibility = True
    sees = frozenset({"result"})
    kinds: tuple[type[Resource], ...] = (Image,)
    is_hidden = True
    keeps: tuple[str, ...] = ()

    def quota(self, disk_gib: int) -> Quota:
        """One image."""
        return Quota(images=1)

    def steps(self, spec: Spec) -> tuple[Step, ...]:
        """From a powered-off server to a clean hidden image."""
        if spec.hardware.has_root_volume:
            return (FreeRoot(), UploadRoot(), CleanResult(), NoteResult(self))
        return (HarvestDisk(), CleanResult(), RemoveServer())

    def result(self, facts: Facts) -> Image | None:
        """The image, by its name or by the ID that was noted."""
        return facts.images.get(RESULT)

    def ids(self, facts: Facts) -> Mapping[str, str]:
        """The image alone."""
        return _noted(facts)

    def published(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: visible, with the user's name and tags."""
        image = facts.images.get(RESULT)
        return (
            image is not None
            and rotation.is_named(spec, image)
            and (is_retired(image) or _is_shown(spec, image))
            and image.tags == frozenset(spec.result.tags)
            and _is_as_declared(spec, image)
        )

    def publish(self, spec: Spec, facts: Facts) -> SetImage:
        """One change: name, tags, visible, protected. The build lets go of the image.

        What servers must have is declared no sooner: the one that proves it has less.
        """
        image = facts.images[RESULT]
        return SetImage(
            image=image,
            name=rotation.name(spec, facts, image),
            hidden=False,
            tags=frozenset(spec.result.tags),
            properties=image.properties,
            min_disk_gib=max(image.min_disk_gib, spec.result.declared.disk_gib),
            min_ram_mib=max(image.min_ram_mib, spec.result.declared.ram_mib),
            visibility=rotation.visibility(spec, image),
            protected=spec.result.protected,
            then=rotation.then(spec, facts, image),
        )


OUTPUT = ImageOutput()
