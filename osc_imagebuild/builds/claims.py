"""Delete a shared image only where no other build uses it."""

from __future__ import annotations

from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.model.names import (
    build_tag,
    builds_of,
    shared_tag,
)


def release(api: Api, build_id: str, image_id: str, tags: frozenset[str]) -> None:
    """Delete an image, or drop the build's claim where others have one too.

    ``tags`` may be some seconds old; shared content may have been claimed since.

    :raises: CloudError
    """
    if any(tag.startswith(shared_tag("")) for tag in tags):
        image = images.find(api, image_id)
        tags = image.tags if image else tags
    others = [other for other in builds_of(tags) if other != build_id]
    if others:
        images.untag(api, image_id, build_tag(build_id))
    else:
        images.delete(api, image_id)
