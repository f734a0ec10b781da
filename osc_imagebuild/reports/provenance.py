"""State what an image was made of, in the words of in-toto and SLSA. Pure.

Source: in-toto/attestation, spec/v1/statement.md, resource_descriptor.md and digest_set.md;
slsa.dev/provenance/v1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.model import family
from osc_imagebuild.model.inputs import from_text
from osc_imagebuild.model.names import Milestone
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Iso, Spec
from osc_imagebuild.model.urls import shown_url

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
# This package, as package URLs call it; what a build is says its documentation.
BUILDER_ID = "pkg:pypi/osc-imagebuild"
BUILD_TYPE = f"{BUILDER_ID}#build/v1"
# The short digests of `osc_imagebuild.model.inputs`: only this tool makes and compares them.
SHORT = "imagebuildInput"
PARENT, ANSWERS, MANIFEST = "parent-image", "answer-file", "manifest.json"
_INPUTS = {
    "template": "template",
    "catalogue": "catalogue-entry",
    "updates": "package-indexes",
}
# What the image itself tells, and not only the record of its build.
OF_IMAGE = (PARENT, ANSWERS, "release-file", *_INPUTS.values())
_PARAMETERS = {
    "os": family.OS,
    "architecture": "architecture",
    "source": "imagebuild_source",
    "family": family.FAMILY,
    "parent": "imagebuild_parent_id",
}


def statement(
    image: Image, build: Record | None, manifest_sha512: str = "", builder_id: str = ""
) -> dict[str, Any]:
    """Return the statement of an image, as far as it and its build's record tell.

    ``manifest_sha512`` is of the list of its packages that is kept beside it.
    """
    return {
        "_type": STATEMENT,
        "subject": [{"name": name(image), "digest": {"sha512": image.sha512}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": _definition(image.properties, build),
            "runDetails": _run(image, build, manifest_sha512, builder_id),
        },
    }


def _definition(said: Mapping[str, str], build: Record | None) -> dict[str, Any]:
    """Return what was asked for, and what it was made of."""
    spec = build.spec if build else None
    parameters = {
        key: said[key_said]
        for key, key_said in _PARAMETERS.items()
        if said.get(key_said)
    }
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": parameters,
        "internalParameters": _internal(said, spec),
        "resolvedDependencies": [
            *_of_image(said),
            *(_of_record(spec) if spec else ()),
        ],
    }


def _run(
    image: Image, build: Record | None, manifest_sha512: str, builder_id: str
) -> dict[str, Any]:
    """Return by whom it was built, when, and what else is kept of it."""
    said = image.properties
    version = {"osc-imagebuild": said.get("imagebuild_tool_version", "")}
    return {
        "builder": {"id": builder_id or BUILDER_ID, "version": version},
        "metadata": {
            "invocationId": said.get(family.BUILD_ID, ""),
            **_times(image, build),
        },
        "byproducts": _byproducts(manifest_sha512),
    }


def name(image: Image) -> str:
    """Return what an image was called when it was published."""
    if not family.is_retired(image):
        return image.name
    return image.name.removesuffix(f" ({family.built_at(image)})")


def _internal(said: Mapping[str, str], spec: Spec | None) -> dict[str, str]:
    known = {"flavor": said.get("imagebuild_flavor", "")}
    if spec is not None:
        hardware = spec.hardware
        known["bootMethod"] = spec.installer.boot_method
        known["firmware"] = hardware.firmware
        known["diskGib"] = str(hardware.disk_gib)
    return {key: value for key, value in known.items() if value}


def _of_image(said: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield what an image says itself that it was made of."""
    if parent := said.get("imagebuild_parent_id"):
        digest = said.get("imagebuild_parent_sha512", "")
        yield _resource(PARENT, {"sha512": digest}, f"urn:uuid:{parent}")
    source = said.get("imagebuild_source", "")
    if digest := said.get("imagebuild_source_sha256", ""):
        yield _resource("release-file", {"sha256": digest}, source)
    if digest := said.get("imagebuild_answer_sha256", ""):
        yield _resource(ANSWERS, {"sha256": digest})
    inputs = from_text(said.get(family.INPUTS))
    for part, called in _INPUTS.items():
        if short := getattr(inputs, part):
            yield _resource(called, {SHORT: short})


def _of_record(spec: Spec) -> Iterator[dict[str, Any]]:
    """Yield what only the record tells of the install media."""
    media = spec.media
    for called, digest, url in (
        ("kernel", media.kernel_sha256, media.kernel_url),
        ("ramdisk", media.ramdisk_sha256, media.ramdisk_url),
    ):
        if digest:
            yield _resource(called, {"sha256": digest}, shown_url(url))
    for called, iso in (("installer.iso", media.iso), ("drivers.iso", media.drivers)):
        digests, place = {"sha256": iso.sha256, "sha512": iso.sha512}, _place(iso)
        if place or any(digests.values()):
            yield _resource(called, digests, place)


def _place(iso: Iso) -> str:
    """Return where an ISO is, '' for a file of the user's."""
    if iso.image_id:
        return f"urn:uuid:{iso.image_id}"
    return shown_url(iso.url) if "://" in iso.url else ""


def _resource(called: str, digests: Mapping[str, str], uri: str = "") -> dict[str, Any]:
    known: dict[str, Any] = {"name": called}
    if uri:
        known["uri"] = uri
    if there := {key: value for key, value in digests.items() if value}:
        known["digest"] = there
    return known


def _times(image: Image, build: Record | None) -> dict[str, str]:
    built_at = family.built_at(image)
    if build is None:
        return {"finishedOn": built_at}
    complete = build.marks.get(Milestone.COMPLETE)
    ended = family.iso(complete.at) if complete else built_at
    return {"startedOn": family.iso(build.begun_at), "finishedOn": ended}


def _byproducts(manifest_sha512: str) -> list[dict[str, Any]]:
    if not manifest_sha512:
        return []
    kept = _resource(MANIFEST, {"sha512": manifest_sha512})
    return [{**kept, "mediaType": "application/json"}]
