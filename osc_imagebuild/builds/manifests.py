"""Read what is kept beside a result, and remove it once that is gone."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping

from osc_imagebuild.builds import families
from osc_imagebuild.cloud import images, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import find_twice
from osc_imagebuild.errors import CloudError, Message, NextStep, RecordError, Verb
from osc_imagebuild.model import family, manifest_json
from osc_imagebuild.model.family import BUILD_ID, Member
from osc_imagebuild.model.manifest import MANIFEST_OF, MANIFEST_TAG, Manifest
from osc_imagebuild.model.names import Role, resource_name
from osc_imagebuild.model.resources import Image

# What of a result's own words tells two apart: how it is shown, and the property.
_SAID = {
    "answers": "imagebuild_answer_sha256",
    "build": family.BUILD_ID,
    "os": family.OS,
    "source": "imagebuild_source",
    "source_sha256": "imagebuild_source_sha256",
    "tool_version": "imagebuild_tool_version",
}
_FAMILIES = NextStep(Verb.LIST_FAMILIES)


def kept(api: Api, **of: str) -> list[Image]:
    """Return the images that keep manifests and have these properties, oldest first.

    Only those that say by name and property that a build of this project made them.

    :raises: CloudError
    """
    listed = images.tagged(api, MANIFEST_TAG, hidden=True, properties=of)
    return [
        image
        for image in listed
        if image.properties.get(MANIFEST_OF)
        and image.name
        == resource_name(image.properties.get(BUILD_ID, ""), Role.MANIFEST)
    ]


def find(api: Api, word: str) -> Manifest:
    """Return what is known of a result.

    ``word`` is its ID or its build's, or the name of its family or of an image.

    :raises: RecordError where nothing is, or it cannot be read, CloudError
    """
    listed: list[Image] = []
    with contextlib.suppress(ValueError):
        said = str(uuid.UUID(word))
        listed = kept(api, **{MANIFEST_OF: said}) or kept(api, **{BUILD_ID: said})
    if not listed:
        current = families.current(api, word)
        named = [current] if current else images.named(api, word)
        for item in reversed(named):
            listed = listed or kept(api, **{MANIFEST_OF: item.id})
    if not listed:
        raise RecordError(
            f"nothing is known of {word!r:.100}: no boot test of a build has listed what "
            "it has",
            resolution=Message("for the images of builds see: ", _FAMILIES),
        )
    return _read(api, listed[-1])


def said(api: Api, manifest: Manifest) -> Mapping[str, str]:
    """Return what a result says of itself of use to who compares two; nothing if it is gone.

    :raises: CloudError
    """
    item = _result(api, manifest.result_id)
    if item is None:
        return {}
    words = family.words(item)
    told = {name: words.get(key, "") for name, key in _SAID.items()}
    if isinstance(item, Image):
        told["size_mib"] = str(item.size >> 20)
    return told


def _read(api: Api, image: Image) -> Manifest:
    data = images.data(api, image.id, manifest_json.SIZE_LIMIT)
    try:
        return manifest_json.from_json(data.decode())
    except ValueError as error:
        raise RecordError(
            f"image {image.id}, which keeps what is known of "
            f"{image.properties[MANIFEST_OF]}, cannot be read: {error}"
        ) from error


def remove(api: Api, result_id: str) -> None:
    """Delete what is kept of a result that is gone.

    What cannot be deleted now is found by `of_gone` later: the result is gone all the same.
    """
    with contextlib.suppress(CloudError):
        for image in kept(api, **{MANIFEST_OF: result_id}):
            images.delete(api, image.id)


def of_gone(api: Api) -> list[Image]:
    """Return the images that keep manifests of results that are gone.

    :raises: CloudError
    """
    return [
        image for image in kept(api) if _is_gone(api, image.properties[MANIFEST_OF])
    ]


def _is_gone(api: Api, result_id: str) -> bool:
    """Whether a result is nowhere; asked twice."""
    return find_twice(api.clock, lambda: _result(api, result_id)) is None


def _result(api: Api, result_id: str) -> Member | None:
    if image := images.find(api, result_id):
        return image
    if not api.has("volume"):
        return None
    return volumes.find(api, result_id) or volumes.find_snapshot(api, result_id)
