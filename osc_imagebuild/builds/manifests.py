"""Read what is kept beside a result, and remove it once that is gone."""

from __future__ import annotations

import contextlib

from osc_imagebuild.cloud import images, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import find_twice
from osc_imagebuild.errors import CloudError, RecordError
from osc_imagebuild.model import manifest_json
from osc_imagebuild.model.family import BUILD_ID
from osc_imagebuild.model.manifest import MANIFEST_OF, MANIFEST_TAG, Manifest
from osc_imagebuild.model.names import Role, resource_name
from osc_imagebuild.model.resources import Image, Snapshot, Volume


def kept(api: Api, result_id: str = "") -> list[Image]:
    """Return the images that keep the manifest of a result, or of any; oldest first.

    Only those that say by name and property that a build of this project made them.

    :raises: CloudError
    """
    of = {MANIFEST_OF: result_id} if result_id else {}
    listed = images.tagged(api, MANIFEST_TAG, hidden=True, properties=of)
    return [
        image
        for image in listed
        if image.properties.get(MANIFEST_OF)
        and image.name
        == resource_name(image.properties.get(BUILD_ID, ""), Role.MANIFEST)
    ]


def read(api: Api, result_id: str) -> Manifest | None:
    """Return what is known of a result, None where nothing is kept.

    :raises: RecordError where what is kept cannot be read, CloudError
    """
    for image in reversed(kept(api, result_id)):
        data = images.data(api, image.id, manifest_json.SIZE_LIMIT)
        try:
            return manifest_json.from_json(data.decode())
        except ValueError as error:
            raise RecordError(
                f"image {image.id}, which keeps what is known of {result_id}, cannot be "
                f"read: {error}"
            ) from error
    return None


def remove(api: Api, result_id: str) -> None:
    """Delete what is kept of a result that is gone.

    What cannot be deleted now is found by `of_gone` later: the result is gone all the same.
    """
    with contextlib.suppress(CloudError):
        for image in kept(api, result_id):
            images.delete(api, image.id)


def of_gone(api: Api) -> list[Image]:
    """Return the images that keep manifests of results that are gone.

    :raises: CloudError
    """
    return [
        image for image in kept(api) if _is_gone(api, image.properties[MANIFEST_OF])
    ]


def _is_gone(api: Api, result_id: str) -> bool:
    """Whether there is neither an image nor a volume or snapshot; asked twice."""

    def found() -> Image | Volume | Snapshot | None:
        if image := images.find(api, result_id):
            return image
        if not api.has("volume"):
            return None
        return volumes.find(api, result_id) or volumes.find_snapshot(api, result_id)

    return find_twice(api.clock, found) is None
