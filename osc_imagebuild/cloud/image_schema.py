"""Read what Glance takes as an image, and whether it lets one be changed."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.cloud import answers, images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, NotFoundError
from osc_imagebuild.model.formats import ImageSchema

# Most required properties, and most values of one, that are looked at.
_MOST = 64
_PUBLIC = {"visibility": "public", "status": "active", "limit": "100"}


def read(api: Api) -> ImageSchema:
    """Return formats and required properties; nothing of them where Glance does not tell.

    Source: GET /v2/schemas/image, glance.api.v2.images.get_schema; properties are required
    from Glance 33.0.0 (2026.1) on, by schema-image.json.

    :raises: CloudError
    """
    try:
        return api.read("image", "/schemas/image", _schema)
    except NotFoundError:
        return ImageSchema()


def _schema(data: Mapping[str, Any]) -> ImageSchema:
    known = answers.obj(data.get("properties") or {})
    required = answers.texts(data.get("required"))[:_MOST]
    return ImageSchema(
        disk_formats=frozenset(_enum(known, "disk_format")),
        container_formats=frozenset(_enum(known, "container_format")),
        required={name: tuple(_enum(known, name)[:_MOST]) for name in required},
    )


def _enum(known: Mapping[str, Any], name: str) -> list[str]:
    told = answers.items(answers.obj(known.get(name) or {}).get("enum"))
    return [word for word in told if isinstance(word, str)]


def prefers_raw(api: Api) -> bool:
    """Whether most of the images that everybody has are raw, as where Ceph clones them.

    :raises: CloudError
    """
    counts = api.read("image", "/images", _counts, _PUBLIC)
    return counts["raw"] > counts["qcow2"]


def _counts(data: Mapping[str, Any]) -> Counter[str]:
    listed = answers.objects(data, "images")
    return Counter(answers.text_or(image, "disk_format") for image in listed)


def lets_change(api: Api) -> bool:
    """Whether images can be changed where properties are required.

    Glance 33.0.0 compares each single change with the schema as if it were all of the
    image, and so refuses every one that is not of the required property itself. It does
    so before it looks for the image: one that does not exist tells.
    Source: glance.api.v2.images.RequestDeserializer, _validate_change.

    :raises: CloudError
    """
    operation = {"op": "add", "path": "/imagebuild_probe", "value": "1"}
    try:
        images.patch(api, str(uuid.uuid4()), [operation])
    except CloudError as error:
        return error.status != 400
    return True
