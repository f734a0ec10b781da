"""Copy a finished image's data to more stores of its own Glance."""

from __future__ import annotations

from collections.abc import Sequence

from osc_imagebuild.clock import Patience
from osc_imagebuild.cloud import images, limits
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import (
    CloudError,
    ConflictError,
    NotFoundError,
    TransientError,
)
from osc_imagebuild.model.resources import Image
from osc_imagebuild.steps.copies import FAILED_STORES, STORE_LIMIT_S

LOOK_S = 5.0


def missing(
    api: Api, image: str | Image, stores: Sequence[str], *, every: bool = False
) -> Sequence[str]:
    """Return which of some stores, or of ``every`` one of Glance's, lack an image's data.

    ``image`` is its ID, or what a look at it has shown.

    :raises: CloudError
    """
    found = images.find(api, image) if isinstance(image, str) else image
    wanted = limits.stores(api) if every else stores
    there = found.stores if found else ()
    return tuple(store for store in wanted if store not in there)


def ask(api: Api, image_id: str, stores: Sequence[str]) -> str:
    """Ask Glance to copy data from store to store; return why it does not, or ''.

    :raises: TransientError, NotFoundError
    """
    try:
        images.copy_to_stores(api, image_id, stores)
    except (TransientError, NotFoundError):
        raise
    except ConflictError:
        return ""  # it does so already
    except CloudError as error:
        return str(error)
    return ""


def fill(api: Api, image_id: str, stores: Sequence[str]) -> str:
    """Have Glance copy an image's data to stores; return why some lack them still, or ''.

    Who dies meanwhile has lost nothing: Glance goes on, and the next one sees what is there.

    :raises: TransientError
    """
    patience = Patience(api.clock)
    try:
        trouble = ask(api, image_id, stores)
    except CloudError as error:
        if not error.status:
            raise
        trouble = str(error)
    if trouble:
        return trouble
    while patience.look() < STORE_LIMIT_S:
        image = images.find(api, image_id)
        if image is None:
            return "the image was deleted by somebody"
        left = [store for store in stores if store not in image.stores]
        failed = set(image.properties.get(FAILED_STORES, "").split(","))
        if failed.issuperset(left):
            return f"Glance could not: {', '.join(left)}" if left else ""
        api.clock.sleep(LOOK_S)
    return f"not within {STORE_LIMIT_S // 60} minutes: {', '.join(left)}"
