"""Change images whose visibility may be refused: only operators may allow some."""

from __future__ import annotations

from collections.abc import Mapping

from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError
from osc_imagebuild.model.resources import Image


def change(
    api: Api,
    image: Image,
    properties: Mapping[str, str],
    core: Mapping[str, object],
    instead: Mapping[str, object],
) -> CloudError | None:
    """Leave ``properties`` and ``core`` on an image; where that is forbidden, ``instead``.

    Return the refusal then. What every project may set is not refused for its visibility.

    :raises: CloudError
    """
    try:
        images.patch(api, image.id, images.set_operations(image, properties, core))
    except CloudError as error:
        if error.status != 403 or core.get("visibility", "private") == "private":
            raise
        images.patch(api, image.id, images.set_operations(image, properties, instead))
        return error
    return None
