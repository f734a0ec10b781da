"""Write and read records: each is one queued, hidden, private image without data.

It never carries data, because a change of properties during an upload is
lost when the upload ends; and it has one writer at a time (see `lease`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.builds import record
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import retry_transient
from osc_imagebuild.errors import (
    ConflictError,
    Message,
    NextStep,
    NotFoundError,
    RecordError,
    Verb,
)
from osc_imagebuild.model.names import (
    RECORD_TAG,
    Role,
    Status,
    build_tag,
    resource_name,
)
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec

LAG_S = 5.0


class NoRecordError(RecordError):
    """There is no build of that ID in this project."""


def create(api: Api, build_id: str, spec: Spec, texts: Mapping[str, str]) -> Record:
    """Write the record of a new build: the first thing in the cloud.

    ``texts`` are the user data of its servers, by name.

    :raises: CloudError
    """
    properties = record.first_fields(build_id, spec, texts)

    def write() -> Record:
        try:
            image = images.create(
                api,
                image_id=build_id,
                name=resource_name(build_id, Role.RECORD),
                tags=(RECORD_TAG, build_tag(build_id)),
                properties={**spec.formats.required, **properties},
            )
        except ConflictError:
            # Nobody else has this ID: an earlier try came through, unheard.
            image = _image(api, build_id)
        return record.parse(image)

    return retry_transient(api.clock, write)


def texts(api: Api, build_id: str) -> dict[str, str]:
    """Return the user data of the build's servers.

    :raises: RecordError, CloudError
    """
    return record.texts_of(_image(api, build_id))


def load(api: Api, build_id: str) -> Record:
    """Return the record of a build.

    :raises: NoRecordError where there is none, RecordError where it cannot be read,
        CloudError
    """
    return record.parse(_image(api, build_id))


def reload(api: Api, build_id: str) -> tuple[Record, dict[str, str]]:
    """Return a record that was there a moment ago, and its servers' user data.

    :raises: as `load`
    """
    try:
        image = _image(api, build_id)
    except RecordError:
        # A replica of Glance's database may lag behind.
        api.clock.sleep(LAG_S)
        image = _image(api, build_id)
    build = record.parse(image)
    return build, {} if build.is_over and not build.has_texts else record.texts_of(
        image
    )


def _image(api: Api, build_id: str) -> Image:
    image = images.find(api, build_id)
    is_record = image is not None and RECORD_TAG in image.tags
    if image is None or not is_record or images.is_foreign(api, image):
        raise NoRecordError(
            f"there is no build {build_id} in this project",
            resolution=Message("see: ", NextStep(Verb.LIST)),
            build_id=build_id,
        )
    return image


def read_all(
    api: Api, status: Status | None = None
) -> tuple[list[Record], dict[str, RecordError]]:
    """Return all records, newest first, and why others cannot be read, by their IDs.

    With ``status`` only those of builds in it, which are all that Glance sends.

    :raises: CloudError
    """
    readable, errors = [], {}
    filters = {record.STATUS: str(status)} if status else {}
    for image in images.tagged(api, RECORD_TAG, hidden=True, properties=filters):
        try:
            readable.append(record.parse(image))
        except RecordError as error:
            errors[image.id] = error
    return readable[::-1], errors


def update(api: Api, build_id: str, *, own: bool = False, **fields: Any) -> Record:
    """Change fields of the record; only the holder of the lease may.

    A new ``spec`` is signed where ``own`` says that the one before was this client's.

    :raises: RecordError where it is gone, or cannot be read any more, CloudError
    """
    operations = record.changes(build_id, fields, own=own)
    try:
        image = images.patch(api, build_id, operations)
    except NotFoundError:
        # A replica of Glance's database may lag behind.
        api.clock.sleep(LAG_S)
        try:
            image = images.patch(api, build_id, operations)
        except NotFoundError as error:
            raise RecordError(
                f"build {build_id} was deleted meanwhile", build_id=build_id
            ) from error
    return record.parse(image)
