"""Read and change Glance images."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any

from osc_imagebuild.cloud import answers, paging
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import retry_transient
from osc_imagebuild.errors import CloudError, ConflictError, NotFoundError, SpecError
from osc_imagebuild.media.answer import Answer
from osc_imagebuild.media.http_range import Ask
from osc_imagebuild.model.resources import Image

# What Glance shows of every image. Everything else is a property that
# somebody set. Source: glance.api.v2.images (_base_properties).
CORE = frozenset(
    [
        "checksum",
        "container_format",
        "created_at",
        "direct_url",
        "disk_format",
        "file",
        "id",
        "locations",
        "min_disk",
        "min_ram",
        "name",
        "os_hash_algo",
        "os_hash_value",
        "os_hidden",
        "owner",
        "protected",
        "schema",
        "self",
        "size",
        "status",
        "stores",
        "tags",
        "updated_at",
        "virtual_size",
        "visibility",
    ]
)
_NEWEST_FIRST = (("sort_key", "created_at"), ("sort_dir", "desc"))
_NONE: Mapping[str, str] = {}
_JSON_PATCH = "application/openstack-images-v2.1-json-patch"


def parse(data: Mapping[str, Any]) -> Image:
    """Return Glance's JSON as an Image.

    :raises: one of `answers.GARBLED`
    """
    text = partial(answers.text_or, data)
    return Image(
        id=answers.text(data, "id"),
        name=text("name"),
        status=answers.text(data, "status"),
        hidden=bool(data.get("os_hidden")),
        protected=bool(data.get("protected")),
        visibility=text("visibility") or "private",
        owner=text("owner"),
        tags=frozenset(answers.texts(data.get("tags"))),
        properties={
            key: str(value)
            for key, value in data.items()
            if key not in CORE and value is not None
        },
        min_disk_gib=answers.whole(data, "min_disk"),
        min_ram_mib=answers.whole(data, "min_ram"),
        disk_format=text("disk_format"),
        size=answers.whole(data, "size"),
        virtual_size=answers.whole(data, "virtual_size"),
        sha512=text("os_hash_value") if text("os_hash_algo") == "sha512" else "",
        container_format=text("container_format"),
        stores=frozenset(filter(None, text("stores").split(","))),
        created_at=timestamp(data.get("created_at")),
        updated_at=timestamp(data.get("updated_at")),
    )


def timestamp(text: str | None) -> float:
    """Return an API time such as 2026-01-31T12:00:00Z as epoch seconds."""
    if not text:
        return 0.0
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


def find(api: Api, image_id: str) -> Image | None:
    """Return the image, None if it is gone.

    :raises: CloudError
    """
    try:
        return api.read("image", f"/images/{image_id}", parse)
    except NotFoundError:
        return None


def tagged(
    api: Api, tag: str, *, hidden: bool, properties: Mapping[str, str] = _NONE
) -> list[Image]:
    """Return the project's images with ``tag`` and these properties, oldest first.

    :raises: CloudError
    """
    filters = [("tag", tag), ("os_hidden", str(hidden).lower()), *properties.items()]
    return _listed(api, *filters, *_own(api))


def named(api: Api, name: str, *, hidden: bool = False) -> list[Image]:
    """Return the project's images with exactly ``name``, oldest first.

    :raises: CloudError
    """
    return _listed(api, ("name", name), ("os_hidden", str(hidden).lower()), *_own(api))


def with_property(api: Api, name: str, value: str) -> list[Image]:
    """Return the project's images with a property, hidden ones too, oldest first.

    :raises: CloudError
    """
    of = [(name, value), *_own(api)]
    listed = [_listed(api, *of, ("os_hidden", hidden)) for hidden in ("false", "true")]
    return sorted(itertools.chain(*listed), key=lambda i: (i.created_at, i.id))


def unhidden(api: Api, properties: Mapping[str, str]) -> list[Image]:
    """Return the project's images with ``properties`` that are not hidden, oldest first.

    :raises: CloudError
    """
    return _listed(api, ("os_hidden", "false"), *properties.items(), *_own(api))


def any_id(api: Api) -> str:
    """Return the ID of some image that can be seen, '' where there is none.

    :raises: CloudError
    """

    def first(data: Mapping[str, Any]) -> str:
        images = answers.objects(data, "images")
        return answers.text(images[0], "id") if images else ""

    return api.read("image", "/images", first, {"limit": "1"})


def _own(api: Api) -> list[tuple[str, str]]:
    """Return the filter for the project's own images: an admin is shown everybody's.

    Source: glance.db.sqlalchemy.api._select_images_query.
    """
    return [("owner", api.project_id())]


def is_foreign(api: Api, image: Image) -> bool:
    """Whether ``image`` is another project's, which admins see too.

    :raises: CloudError
    """
    return bool(image.owner) and image.owner != api.project_id()


def visible(api: Api, name: str) -> list[Image]:
    """Return the images that a user may mean by an ID or a name.

    :raises: CloudError
    """
    try:
        uuid.UUID(name)
        by_id = find(api, name)
    except ValueError:
        by_id = None
    if by_id is not None:
        return [by_id]
    # A name may look like an ID.
    return _listed(api, ("name", name), ("os_hidden", "false"))


def visible_with(api: Api, properties: Mapping[str, str]) -> list[Image]:
    """Return the images that can be seen and have all of ``properties``, oldest first.

    :raises: CloudError
    """
    return _listed(api, ("os_hidden", "false"), *properties.items())


def _listed(api: Api, *params: tuple[str, str]) -> list[Image]:
    """Return what there is, oldest first.

    Glance sends the newest first: what is made meanwhile moves no page after it.
    """
    asked = [*params, *_NEWEST_FIRST]
    items = paging.read_pages(api, "image", "/images", "images", parse, asked)
    alive = (i for i in items if i.status not in ("deleted", "pending_delete"))
    return sorted(alive, key=lambda image: (image.created_at, image.id))


def create(
    api: Api,
    *,
    name: str,
    tags: Iterable[str],
    properties: Mapping[str, str],
    disk_format: str | None = None,
    container_format: str | None = None,
    image_id: str | None = None,
    hidden: bool = True,
    core: Mapping[str, Any] | None = None,
) -> Image:
    """Create a private queued image in one request that leaves nothing to mend.

    ``core`` are more of its attributes, by Glance's names.

    :raises: ConflictError where ``image_id`` is or ever was in use, CloudError
    """
    body: dict[str, Any] = {
        "name": name,
        "visibility": "private",
        "os_hidden": hidden,
        "tags": sorted(tags),
        **properties,
        **(core or {}),
    }
    if image_id:
        body["id"] = image_id
    if disk_format:
        body["disk_format"] = disk_format
        body["container_format"] = container_format
    return api.change("image", "POST", "/images", parse, body)


def patch(api: Api, image_id: str, operations: list[dict[str, Any]]) -> Image:
    """Apply JSON patch operations.

    :raises: CloudError
    """
    headers = {"Content-Type": _JSON_PATCH}
    path = f"/images/{image_id}"
    return api.change("image", "PATCH", path, parse, operations, headers=headers)


def set_operations(
    image: Image, properties: Mapping[str, str], core: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the patch that leaves exactly ``properties`` and ``core``.

    Properties that only the service may touch (os_glance_*) are left alone.
    """
    remove = [
        {"op": "remove", "path": f"/{_pointer(key)}"}
        for key in image.properties
        if key not in properties and not key.startswith("os_glance")
    ]
    change = [
        {"op": "add", "path": f"/{_pointer(key)}", "value": value}
        for key, value in properties.items()
        if image.properties.get(key) != value
    ]
    replace = [
        {"op": "replace", "path": f"/{key}", "value": value}
        for key, value in core.items()
    ]
    return remove + change + replace


def _pointer(key: str) -> str:
    """Escape a key for JSON pointer. Source: RFC 6901, section 3."""
    return key.replace("~", "~0").replace("/", "~1")


def unprotect(api: Api, image: Image) -> None:
    """Let a protected image be deleted.

    :raises: CloudError
    """
    if image.protected:
        operation = {"op": "replace", "path": "/protected", "value": False}
        patch(api, image.id, [operation])


def delete(api: Api, image_id: str) -> None:
    """Delete an image; one that is gone already is fine.

    :raises: CloudError
    """
    try:
        api.send("image", "DELETE", f"/images/{image_id}")
    except NotFoundError:
        return


def data(api: Api, image_id: str, limit: int) -> bytes:
    """Return the data of an image that has ``limit`` bytes at most.

    :raises: CloudError
    """

    def ask() -> bytes:
        return api.call("image", "GET", f"/images/{image_id}/file", limit=limit).content

    return retry_transient(api.clock, ask)


def members(api: Api, image_id: str) -> dict[str, str]:
    """Return the projects that an image is shared with, and their answer to it.

    That is 'accepted', 'pending' or 'rejected'. Only a shared image has members.

    :raises: CloudError
    """

    def parse_members(data: Mapping[str, Any]) -> dict[str, str]:
        listed = answers.objects(data, "members")
        return {
            answers.text(item, "member_id"): answers.text(item, "status")
            for item in listed
        }

    return api.read("image", f"/images/{image_id}/members", parse_members)


def share(api: Api, image_id: str, member: str) -> None:
    """Share an image with a project; one that has it already is fine.

    :raises: CloudError
    """
    try:
        api.send("image", "POST", f"/images/{image_id}/members", {"member": member})
    except ConflictError:
        return


def accept(api: Api, image_id: str) -> None:
    """Accept an image that another project shares with this one.

    :raises: CloudError
    """
    path = f"/images/{image_id}/members/{api.project_id()}"
    api.send("image", "PUT", path, {"status": "accepted"})


def deactivate(api: Api, image_id: str) -> None:
    """Let nobody use an image's data; one that nobody can is fine.

    :raises: CloudError
    """
    api.send("image", "POST", f"/images/{image_id}/actions/deactivate")


def fetch(api: Api, image_id: str, url: str) -> None:
    """Let Glance fill a queued image from ``url`` by itself.

    :raises: CloudError
    """
    body = {"method": {"name": "web-download", "uri": url}}
    api.send("image", "POST", f"/images/{image_id}/import", body)


def copy_to_stores(api: Api, image_id: str, stores: Iterable[str]) -> None:
    """Let Glance copy an image's data to more of its stores.

    Source: api-ref image, interoperable import: method copy-image.

    :raises: CloudError; ConflictError where that is under way
    """
    body = {
        "method": {"name": "copy-image"},
        "stores": sorted(stores),
        "all_stores_must_succeed": False,
    }
    api.send("image", "POST", f"/images/{image_id}/import", body)


def fetch_from_region(api: Api, image_id: str, region: str, source_id: str) -> None:
    """Let Glance fill a queued image from an image of another region by itself.

    Source: glance.async_.flows._internal_plugins.glance_download.

    :raises: CloudError
    """
    method = {
        "name": "glance-download",
        "glance_region": region,
        "glance_image_id": source_id,
        "glance_service_interface": "public",
    }
    api.send("image", "POST", f"/images/{image_id}/import", {"method": method})


def reader(api: Api, image_id: str) -> Ask:
    """Return a function that reads parts of an image's data.

    Not every store of Glance's can give parts: then asking raises SpecError.
    """

    def ask(headers: Mapping[str, str]) -> Answer:
        path = f"/images/{image_id}/file"
        try:
            answer = api.call("image", "GET", path, headers=headers, stream=True)
            return Answer(f"image {image_id}", answer)
        except CloudError as error:
            # Source: glance.api.v2.image_data, StoreRandomGetNotSupported.
            if error.status not in (400, 416):
                raise
            raise SpecError(
                f"Glance gives no parts of the image {image_id}: {error}; use "
                "--boot-method cdrom, or give the ISO's URL or file"
            ) from error

    return ask


def tag(api: Api, image_id: str, name: str) -> None:
    """Add one tag.

    :raises: CloudError
    """
    api.send("image", "PUT", f"/images/{image_id}/tags/{name}")


def untag(api: Api, image_id: str, name: str) -> None:
    """Take one tag away; one that is gone already is fine.

    :raises: CloudError
    """
    try:
        api.send("image", "DELETE", f"/images/{image_id}/tags/{name}")
    except NotFoundError:
        return
