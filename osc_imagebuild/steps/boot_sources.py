"""Create the images and volumes that the install server boots from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osc_imagebuild.model.actions import (
    Act,
    CreateImage,
    CreateVolume,
    Decision,
    DeleteImage,
    DeleteVolume,
    Fail,
    ImportImage,
    ProveImage,
    SetBootable,
    SetVolume,
    UploadImage,
    Wait,
)
from osc_imagebuild.model.boot_sources import BootImage, BootVolume, IsoContent
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import proof
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec

UPLOAD_LIMIT_S = 120
# Glance fetches an ISO of some GiB from anywhere.
IMPORT_LIMIT_S = 2 * 3600
VOLUME_LIMIT_S = 3600
GIB = 1 << 30

# What Cinder calls a volume that comes into being, or goes.
# Source: cinder.objects.fields.VolumeStatus and the flows that set it.
_PASSING = ("creating", "downloading", "deleting")
# The lock of an import that is under way.
_FETCHING = "os_glance_import_task"
# Where a volume that is encrypted was to become an image.
ENCRYPTED = (
    "{} encrypted, and an image of such a volume cannot be read without its key, which no "
    "other build or cloud has: take another volume type, or --output volume or snapshot"
)
READY = ("available", "reserved", "attaching", "in-use")


@dataclass(frozen=True)
class EnsureImage:
    """Make an image that the server boots from."""

    image: BootImage
    sees: frozenset[str] = frozenset({"images"})

    @property
    def name(self) -> str:
        return f"image-{self.image.role}"

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: it is active, and holds what it should."""
        image = facts.images.get(self.image.role)
        if image is None or image.status != "active" or self._mismatch(image, facts):
            return False
        return not self.image.is_to_prove or bool(self._proven(facts))

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Create it, fill it, or start again where a dead client stopped."""
        image = facts.images.get(self.image.role)
        if image is None:
            return self._create(facts)
        if image.status == "active":
            return self._judge(image, facts)
        if self._is_fetched(image):
            return self._import(image, facts)
        if image.status == "queued":
            return Act(
                UploadImage(self.image, image.id), f"upload the {self.image.role}"
            )
        # An upload whose client died leaves 'saving' behind, and nobody else
        # uploads: the lease is ours.
        if facts.now - image.updated_at < UPLOAD_LIMIT_S and image.status == "saving":
            return Wait(f"Glance has the {self.image.role} as {image.status}", 5)
        return Act(DeleteImage(image.id), f"its upload ended as {image.status}")

    def _judge(self, image: Image, facts: Facts) -> Decision:
        """Return what follows where its content is not known to be right."""
        role, wanted = self.image.role, self._mismatch(image, facts)
        if not wanted:
            why = f"whether the {role} holds what it should"
            return Act(ProveImage(self.image, image.id), why)
        content = self.image.content
        if isinstance(content, IsoContent) and content.imported:
            return Fail(
                f"the {role} that Glance fetched has the sha512 "
                f"{image.sha512 or 'that nobody tells'}, not {wanted}"
            )
        return Act(DeleteImage(image.id), f"this {role} is not what it should be")

    def _proven(self, facts: Facts) -> str:
        """Return the sha512 that a client of this build saw, '' where none has."""
        mark = facts.marks.get(proof(self.image.role))
        return mark.data.get("sha512", "") if mark else ""

    def _mismatch(self, image: Image, facts: Facts) -> str:
        """Return the sha512 that the image should have and has not, else ''."""
        content = self.image.content
        if self.image.is_to_prove and image.sha512:
            wanted = self._proven(facts)
            return wanted if wanted != image.sha512 else ""
        if not isinstance(content, IsoContent) or content.may_be(image.sha512):
            return ""
        return content.sha512

    def _create(self, facts: Facts) -> Decision:
        properties = referring(self.image.properties, self.image.refs, facts)
        if isinstance(properties, Fail):
            return properties
        return Act(CreateImage(self.image, properties), f"no {self.image.role} yet")

    def _is_fetched(self, image: Image) -> bool:
        """Whether Glance fetches it, and has not failed to.

        Source: glance.async_.flows.api_image_import sets these properties.
        """
        content = self.image.content
        return (
            isinstance(content, IsoContent)
            and content.imported
            and not image.properties.get("os_glance_failed_import")
            and (
                _FETCHING in image.properties or image.status in ("queued", "importing")
            )
        )

    def _import(self, image: Image, facts: Facts) -> Decision:
        if image.status == "queued" and _FETCHING not in image.properties:
            return Act(ImportImage(self.image, image.id), "Glance fetches the ISO")
        if facts.now - image.updated_at > IMPORT_LIMIT_S:
            return Fail(
                f"Glance did not fetch the {self.image.role} within "
                f"{IMPORT_LIMIT_S // 60} minutes"
            )
        return Wait("Glance fetches the ISO", 5)


@dataclass(frozen=True)
class EnsureVolume:
    """Make a volume that the server boots from; a ``plain`` one may not be encrypted."""

    volume: BootVolume
    plain: bool = False
    sees: frozenset[str] = frozenset({"volumes"})

    @property
    def name(self) -> str:
        return f"volume-{self.volume.role}"

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: Cinder calls it available, or in use."""
        volume = facts.volumes.get(self.volume.role)
        ready = volume is not None and volume.status in READY
        return ready and not (self._is_unfit(facts) or self._is_unprepared(facts))

    def _is_unprepared(self, facts: Facts) -> bool:
        """Whether servers may not boot from a volume yet that is made of nothing."""
        volume = facts.volumes.get(self.volume.role)
        return self.volume.is_blank and volume is not None and not volume.bootable

    def _is_unfit(self, facts: Facts) -> bool:
        volume = facts.volumes.get(self.volume.role)
        return self.plain and volume is not None and volume.encrypted

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Make it of its image."""
        if self._is_unfit(facts):
            return Fail(ENCRYPTED.format(f"the {self.volume.role} volume is"))
        if self.volume.is_blank:
            return self._make_blank(spec, facts)
        size, image_id = self.volume.size_gib, self.volume.image_id
        if not image_id:
            image = facts.images.get(self.volume.image_role)
            if image is None:
                return Fail(f"the {self.volume.image_role} image was deleted")
            image_id = image.id
            # An ISO may be larger than it was planned, by answers or a new version.
            size = max(size, 1, -(-image.size // GIB), image.min_disk_gib)
        source = ("imageRef", image_id)
        return ensure(facts, CreateVolume(self.volume.role, size, source))

    def _make_blank(self, spec: Spec, facts: Facts) -> Decision:
        """Make it of nothing, and let it say what its image would; at last that it boots."""
        role, present = self.volume.role, facts.volumes.get(self.volume.role)
        if present is None or present.status not in READY:
            return ensure(facts, CreateVolume(role, self.volume.size_gib, None))
        said = referring(self.volume.properties, self.volume.refs, facts)
        if isinstance(said, Fail):
            return said
        wanted = {**spec.formats.required_properties, **said}
        if dict(present.image_metadata) != wanted:
            return Act(SetVolume(present, wanted), f"how the {role} volume starts")
        return Act(SetBootable(present.id), f"servers may boot from the {role} volume")


def referring(
    properties: Mapping[str, str], refs: Mapping[str, str], facts: Facts
) -> dict[str, str] | Fail:
    """Return properties with the IDs of the images of the roles in ``refs``."""
    found = dict(properties)
    for name, role in refs.items():
        image = facts.images.get(role)
        if image is None:
            return Fail(f"the {role} image was deleted by somebody")
        found[name] = image.id
    return found


def ensure(facts: Facts, wanted: CreateVolume) -> Decision:
    """Return what is to be done until a volume can be used."""
    volume = facts.volumes.get(wanted.role)
    if volume is None:
        return Act(wanted, f"no {wanted.role} volume yet")
    if volume.status not in _PASSING:
        return Act(
            DeleteVolume(volume.id), f"the {wanted.role} volume is {volume.status}"
        )
    if facts.now - volume.created_at > VOLUME_LIMIT_S:
        return Fail(
            f"the volume {volume.name} was {volume.status} for more than "
            f"{VOLUME_LIMIT_S // 60} minutes"
        )
    return Wait(f"Cinder has the {wanted.role} volume as {volume.status}", 3)
