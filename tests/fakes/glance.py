"""Glance: images, with the oddities that a build has to live with."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

from tests.fakes.clock import World
from tests.fakes.image import (
    BASE,
    CONTAINERS,
    FORMATS,
    READ_ONLY,
    FakeImage,
    check,
    inspect,
    matches,
)
from tests.fakes.mirror import Mirror, part_of
from tests.fakes.wire import Call, Refusal, Reply, Service, route

# Shorter than any client takes to hear of it and ask again.
TAGS_LATE_S = 0.04

IMPORT_TASK = "os_glance_import_task"
IMPORTING_TO = "os_glance_importing_to_stores"
IMPORT_S = 8.0
_JSON_PATCH = re.compile(r"application/openstack-images-v2\.[01]-json-patch")


class Glance(Service):
    """``limits`` are quotas, ``forbidden`` a prefix of protected properties.

    ``visibilities`` are those that the policy allows.
    """

    name = "image"

    def __init__(self, world: World, mirror: Mirror | None = None) -> None:
        super().__init__()
        self.url = "http://glance.fake"
        self._world, self._mirror = world, mirror or Mirror()
        self._imports: dict[str, tuple[float, dict[str, Any]]] = {}
        # How Glance takes data by itself, and whether that goes wrong.
        self.methods = ["glance-direct", "web-download"]
        self.imports_fail = False
        # More than one has IDs; an image is in the first. Some of them may fail.
        self.stores: list[str] = []
        self.broken_stores: set[str] = set()
        self.copies_stores = True  # by default only for admins
        # Those of other regions, from which data come by glance-download.
        self.regions: dict[str, Glance] = {}
        self.converts = False  # what it imports to another format
        self.formats = sorted(FORMATS)
        self.containers = sorted(CONTAINERS)
        # Without these properties no image is made; each may have values. Glance 33.0.0
        # misses them in each single change of an image too.
        self.required: dict[str, list[str]] = {}
        self.changes_need_required = True
        self.gives_parts = True  # which depends on its store
        self.images: dict[str, FakeImage] = {}
        self.used_ids: set[str] = set()
        self.admins = False  # who then see what all projects have
        self.limits: dict[str, int] | None = None
        self.forbidden = ""
        self.most_members = 128
        self.visibilities = {"private", "shared", "community", "public"}
        # While this is set, an upload never ends: its client was killed.
        self.stuck_uploads = False

    # --- what the rest of the fake cloud uses

    def add(self, owner: str, **fields: Any) -> FakeImage:
        """Add an image by other ways than the API."""
        at = self._world.now
        image = FakeImage(str(uuid.uuid4()), owner, at, updated=at, **fields)
        self.images[image.id] = image
        self.used_ids.add(image.id)
        return image

    def begin(self, image: FakeImage) -> None:
        """Data begin to come."""
        image.status, image.begun = "saving", image.mutable()
        image.updated = self._world.now

    def end(self, image: FakeImage, data: bytes) -> None:
        """All data are there: what was changed meanwhile is lost."""
        if image.begun is not None:
            image.restore(image.begun)
        image.begun, image.status = None, "active"
        image.data, image.size = data, len(data)
        image.stores = self.stores[:1]
        image.updated = self._world.now

    def tick(self) -> None:
        """Catch up with the time."""
        for image_id, (due, body) in list(self._imports.items()):
            if self._world.now >= due:
                del self._imports[image_id]
                if image_id in self.images:
                    self._end_import(self.images[image_id], body)

    def _end_import(self, image: FakeImage, body: dict[str, Any]) -> None:
        del image.properties[IMPORT_TASK]
        image.updated = self._world.now
        method = body["method"]
        if method["name"] == "copy-image":
            good = [s for s in body["stores"] if s not in self.broken_stores]
            failed = [s for s in body["stores"] if s in self.broken_stores]
            image.stores += good
            image.properties[IMPORTING_TO] = ""
            image.properties["os_glance_failed_import"] = ",".join(failed)
            return
        data = self._fetched(image, method)
        if self.imports_fail or data is None:
            image.status = "queued"
            image.properties["os_glance_failed_import"] = "file1"
        else:
            image.begun = None
            self.end(image, b"converted" + data if self.converts else data)

    def _fetched(self, image: FakeImage, method: dict[str, Any]) -> bytes | None:
        """What Glance gets by itself, None where it gets nothing."""
        if method["name"] == "web-download":
            reply = self._mirror.serve("GET", method["uri"])
            return reply.content() if reply.status == 200 else None
        region = self.regions.get(method["glance_region"])
        source = region and region.images.get(method["glance_image_id"])
        if not source or source.owner != image.owner:
            return None
        # Source: glance.async_.flows.api_image_import, _ImportMetadata.
        said = source.properties.items()
        image.properties |= {k: v for k, v in said if k.startswith(("hw_", "os_dis"))}
        return source.data

    # --- the API

    def refusal(self, status: int, message: str) -> Reply:
        """Glance answers with HTML."""
        html = (
            f"<html><head><title>{status}</title></head><body>{message}</body></html>"
        )
        return Reply(status, html.encode(), {"Content-Type": "text/html"})

    @route("GET", "/?")
    @route("GET", "/v2/?")
    @route("GET", "/versions")
    def discover(self, call: Call) -> Reply:
        """Tell the versions."""
        link = {"rel": "self", "href": f"{self.url}/v2/"}
        return Reply(
            200,
            {
                "versions": [
                    {"id": "v2.17", "status": "CURRENT", "links": [link]},
                    {"id": "v2.0", "status": "SUPPORTED", "links": [link]},
                ]
            },
        )

    @route("POST", "/v2/images", "create image")
    def create(self, call: Call) -> Reply:
        """Make a queued image."""
        self.require(call.json)
        body = dict(call.json)
        image_id = body.pop("id", None) or str(uuid.uuid4())
        try:
            uuid.UUID(image_id)
        except ValueError as error:
            raise Refusal(400, "Invalid image id format") from error
        image = FakeImage(image_id, call.project, self._world.now)
        for key, value in body.items():
            self._set(image, key, value)
        if image_id in self.used_ids:
            raise Refusal(409, f"Image ID {image_id} already exists!")
        self._require_room()
        image.updated = self._world.now
        # Glance writes tags after the image, in transactions of their own.
        image.tagged_at = self._world.now + TAGS_LATE_S
        self.images[image_id] = image
        self.used_ids.add(image_id)
        return Reply(201, image.shown())

    def require(self, body: dict[str, Any]) -> None:
        """Refuse what the schema does not allow, also to other services.

        Source: glance.api.v2.images.RequestDeserializer.
        """
        for name in self.required:
            if name not in body:
                raise Refusal(400, f"schema 'image': '{name}' is a required property")
        for name, value in body.items():
            if (values := self.required.get(name)) and value not in values:
                raise Refusal(400, f"schema 'image': '{value}' is not one of {values}")
            known = {"disk_format": self.formats, "container_format": self.containers}
            # Without a list it tells of none, and takes what it takes.
            if value is not None and known.get(name) and value not in known[name]:
                raise Refusal(400, f"schema 'image': {value} is not one of them")

    def _require_room(self) -> None:
        limit = (self.limits or {}).get("image_count_total", -1)
        if 0 <= limit <= len(self.images):
            raise Refusal(413, "Resource image_count_total is over limit")

    def _set(self, image: FakeImage, key: str, value: Any) -> None:
        if key in READ_ONLY:
            raise Refusal(403, f"Attribute '{key}' is read-only.")
        if key.startswith("os_glance"):
            raise Refusal(403, f"Attribute '{key}' is reserved.")
        if self.forbidden and key.startswith(self.forbidden):
            raise Refusal(403, f"Property '{key}' is protected")
        if key not in BASE:
            if not isinstance(value, str) or len(key) > 255:
                raise Refusal(400, f"Provided object does not match schema: {key}")
            if any(ord(c) > 0xFFFF or c in "\0\ud800" for c in value):
                raise Refusal(400, "4 byte unicode characters are not supported")
            if len(value.encode()) > 0xFFFF:  # MySQL's TEXT, which is strict
                raise Refusal(500, f"Data too long for column 'value': {key}")
            image.properties[key] = value
            return
        check(key, value)
        if key == "visibility" and value not in self.visibilities:
            raise Refusal(403, f"You are not authorized to make images {value}.")
        if key == "tags":
            value = list(dict.fromkeys(value))
        setattr(image, BASE[key], value)

    @route("GET", "/v2/images")
    def list(self, call: Call) -> Reply:
        """List one page of what the project sees."""
        hidden = call.one("os_hidden") == "true"
        found = [
            image
            for image in self._seen(call)
            if image.hidden == hidden
            and matches(image, call)
            and not (call.query.get("tag") and self._world.now < image.tagged_at)
        ]
        found.sort(key=lambda image: (image.created, image.id), reverse=True)
        page, full = self.page(call, [image.shown() for image in found])
        body: dict[str, Any] = {"images": page}
        if full:
            body["next"] = f"/v2/images?marker={page[-1]['id']}"
        return Reply(200, body)

    def _seen(self, call: Call) -> Iterator[FakeImage]:
        for image in self.images.values():
            mine = image.owner == call.project or self.admins
            shared = image.visibility == "shared"
            accepted = shared and image.members.get(call.project) == "accepted"
            if mine or accepted or image.visibility == "public":
                yield image

    def _image(self, call: Call, image_id: str) -> FakeImage:
        image = self.images.get(image_id)
        if image is not None:
            is_member = image.visibility == "shared" and call.project in image.members
            if is_member or image.visibility == "community":
                return image
        if image is None or image not in tuple(self._seen(call)):
            raise Refusal(404, f"No image found with ID {image_id}")
        return image

    def _own(self, call: Call, image_id: str) -> FakeImage:
        """The project's own image; who only sees one may not change it."""
        image = self._image(call, image_id)
        if image.owner != call.project and not self.admins:
            raise Refusal(403, "You are not authorized to complete this action.")
        return image

    @route("GET", "/v2/images/(?P<image_id>[^/]+)")
    def show(self, call: Call, image_id: str) -> Reply:
        """Show one."""
        return Reply(200, self._image(call, image_id).shown())

    @route("PATCH", "/v2/images/(?P<image_id>[^/]+)", "change image")
    def patch(self, call: Call, image_id: str) -> Reply:
        """Apply all operations, or none."""
        if not _JSON_PATCH.fullmatch(call.headers.get("Content-Type", "")):
            raise Refusal(415, "Unsupported Content-Type")
        for operation in call.json:
            if self.changes_need_required and operation["op"] != "remove":
                self.require({_key(operation): operation["value"]})
        image = self._own(call, image_id)
        before = image.mutable()
        try:
            for operation in call.json:
                self._change(image, operation)
        except Refusal:
            image.restore(before)
            raise
        image.updated = self._world.now
        return Reply(200, image.shown())

    def _change(self, image: FakeImage, operation: dict[str, Any]) -> None:
        key, op = _key(operation), operation["op"]
        there = key in BASE or key in READ_ONLY or key in image.properties
        if op in ("replace", "remove") and not there:
            raise Refusal(409, f"Property {key} does not exist.")
        if op == "remove":
            if key in BASE or key in READ_ONLY:
                raise Refusal(403, f"Property {key} may not be removed.")
            del image.properties[key]
        elif op in ("add", "replace"):
            self._set(image, key, operation["value"])
        else:
            raise Refusal(400, f"Unable to find operation {op}")

    @route("PUT", "/v2/images/(?P<image_id>[^/]+)/file", "upload image")
    def upload(self, call: Call, image_id: str) -> Reply:
        """Take the data."""
        image = self._image(call, image_id)
        if call.headers.get("Content-Type") != "application/octet-stream":
            raise Refusal(415, "Unsupported Content-Type")
        if image.status != "queued":
            raise Refusal(409, f"Image status transition from {image.status} to saving")
        if not (image.disk_format and image.container_format):
            raise Refusal(400, "Properties disk_format, container_format must be set")
        if (image.disk_format, image.container_format) == ("raw", "bare"):
            inspect(call.body)
        self.begin(image)
        data = call.body  # may take its time
        if not self.stuck_uploads:
            self.end(image, data)
        return Reply(204)

    @route("GET", "/v2/images/(?P<image_id>[^/]+)/file")
    def download(self, call: Call, image_id: str) -> Reply:
        """Give the data, or a part of them."""
        image = self._image(call, image_id)
        if image.status != "active":
            return Reply(204)
        if not self.gives_parts and "Range" in call.headers:
            raise Refusal(400, "Random get not supported by the store")
        kind = {"Content-Type": "application/octet-stream"}
        return part_of(image.data, call.headers.get("Range", ""), kind)

    @route("POST", "/v2/images/(?P<image_id>[^/]+)/actions/deactivate", "deactivate")
    def deactivate(self, call: Call, image_id: str) -> Reply:
        """Give its data to nobody any more."""
        image = self._own(call, image_id)
        if image.status not in ("active", "deactivated"):
            raise Refusal(403, f"Not allowed to deactivate image in {image.status}")
        image.status, image.updated = "deactivated", self._world.now
        return Reply(204)

    @route("GET", "/v2/images/(?P<image_id>[^/]+)/members")
    def list_members(self, call: Call, image_id: str) -> Reply:
        """Tell whom it is shared with; a member is told of itself alone."""
        image = self._shared(call, image_id)
        mine = image.owner == call.project
        return Reply(
            200,
            {
                "members": [
                    {"member_id": member, "status": status, "image_id": image_id}
                    for member, status in image.members.items()
                    if mine or member == call.project
                ]
            },
        )

    @route("POST", "/v2/images/(?P<image_id>[^/]+)/members", "share image")
    def share(self, call: Call, image_id: str) -> Reply:
        """Share it with a project, which has to accept it."""
        image, member = self._shared(call, image_id), call.json["member"]
        self._own(call, image_id)
        if member in image.members:
            raise Refusal(409, f"Image member {member} is already associated")
        if len(image.members) >= self.most_members:
            raise Refusal(413, "The limit has been exceeded on the number of members")
        image.members[member] = "pending"
        return Reply(200, {"member_id": member, "status": "pending"})

    @route(
        "PUT",
        "/v2/images/(?P<image_id>[^/]+)/members/(?P<member>[^/]+)",
        "accept image",
    )
    def accept(self, call: Call, image_id: str, member: str) -> Reply:
        """Accept it, or not; that is the member's to say."""
        image = self._shared(call, image_id)
        if member not in image.members:
            raise Refusal(404, f"{member} not found in the member list")
        if member != call.project:
            raise Refusal(403, "You are not authorized to complete this action.")
        image.members[member] = call.json["status"]
        return Reply(200, {"member_id": member, "status": call.json["status"]})

    def _shared(self, call: Call, image_id: str) -> FakeImage:
        image = self._image(call, image_id)
        if image.visibility != "shared":
            raise Refusal(403, "Only shared images have members.")
        return image

    @route("GET", "/v2/info/import")
    def import_methods(self, call: Call) -> Reply:
        """Tell how data can come."""
        return Reply(200, {"import-methods": {"value": self.methods}})

    @route("POST", "/v2/images/(?P<image_id>[^/]+)/import", "import image")
    def fetch(self, call: Call, image_id: str) -> Reply:
        """Fetch the data from an address."""
        image, method = self._image(call, image_id), call.json["method"]
        if IMPORT_TASK in image.properties:
            raise Refusal(409, "prior operation is still in progress")
        if method["name"] == "copy-image":
            return self._copy_to_stores(image, call.json)
        if image.status != "queued":
            raise Refusal(409, "Image needs to be in 'queued' state")
        if method["name"] not in self.methods or ":22/" in method.get("uri", ""):
            raise Refusal(400, "URI for web-download does not pass filtering")
        image.properties.pop("os_glance_failed_import", None)
        image.status = "importing"
        return self._import(image, call.json)

    def _import(self, image: FakeImage, body: dict[str, Any]) -> Reply:
        image.properties[IMPORT_TASK] = str(uuid.uuid4())
        image.updated = self._world.now
        self._imports[image.id] = (self._world.now + IMPORT_S, body)
        return Reply(202)

    def _copy_to_stores(self, image: FakeImage, body: dict[str, Any]) -> Reply:
        """Source: glance.api.v2.images, import_image."""
        if not self.copies_stores:
            raise Refusal(403, "You are not authorized to complete copy_image action.")
        if image.status != "active" or "copy-image" not in self.methods:
            raise Refusal(400, "Only images with status active can be targeted")
        stores = body["stores"]
        if set(stores) - set(self.stores):
            raise Refusal(409, "Store not configured")
        if set(stores) & set(image.stores):
            raise Refusal(400, f"Image is already present at store '{stores[0]}'")
        image.properties[IMPORTING_TO] = ",".join(stores)
        image.properties["os_glance_failed_import"] = ""
        return self._import(image, body)

    @route("GET", "/v2/info/stores")
    def list_stores(self, call: Call) -> Reply:
        """Tell the stores, where there are several."""
        if not self.stores:
            raise Refusal(404, "Multi backend is not supported at this site.")
        first = self.stores[0]
        listed = [{"id": s, "default": str(s == first).lower()} for s in self.stores]
        web = {"id": "web", "read-only": "true", "default": "false"}
        return Reply(200, {"stores": [*listed, web]})

    @route("GET", "/v2/schemas/image")
    def schema(self, call: Call) -> Reply:
        """Tell what an image may have."""
        text = {"type": ["null", "string"]}
        properties: dict[str, Any] = {
            "disk_format": {**text, "enum": [None, *self.formats]},
            "container_format": {**text, "enum": [None, *self.containers]},
        }
        for name, values in self.required.items():
            properties[name] = {
                "type": "string",
                **({"enum": values} if values else {}),
            }
        shown: dict[str, Any] = {"name": "image", "properties": properties}
        return Reply(
            200, shown | ({"required": [*self.required]} if self.required else {})
        )

    @route("PUT", "/v2/images/(?P<image_id>[^/]+)/tags/(?P<tag>.+)", "tag image")
    def tag(self, call: Call, image_id: str, tag: str) -> Reply:
        """Add a tag."""
        image = self._image(call, image_id)
        if tag not in image.tags:
            image.tags.append(tag)
        image.updated = self._world.now
        return Reply(204)

    @route("DELETE", "/v2/images/(?P<image_id>[^/]+)/tags/(?P<tag>.+)", "untag image")
    def untag(self, call: Call, image_id: str, tag: str) -> Reply:
        """Take a tag away."""
        image = self._image(call, image_id)
        if tag not in image.tags:
            raise Refusal(404, f"no tag {tag}")
        image.tags.remove(tag)
        image.updated = self._world.now
        return Reply(204)

    @route("DELETE", "/v2/images/(?P<image_id>[^/]+)", "delete image")
    def delete(self, call: Call, image_id: str) -> Reply:
        """Delete it; its ID is used up for ever."""
        image = self._own(call, image_id)
        if image.protected:
            raise Refusal(403, f"Image {image_id} is protected")
        if image.in_use:
            raise Refusal(409, f"Image {image_id} could not be deleted: it is in use")
        del self.images[image_id]
        return Reply(204)

    @route("GET", "/v2/info/usage")
    def usage(self, call: Call) -> Reply:
        """Tell quotas, where there are any."""
        used = {
            "image_count_total": len(self.images),
            "image_size_total": sum(i.size or 0 for i in self.images.values()) >> 20,
        }
        limits = self.limits or {}
        return Reply(
            200,
            {"usage": {k: {"limit": v, "usage": used[k]} for k, v in limits.items()}},
        )


def _key(operation: dict[str, Any]) -> str:
    """Return the property that an operation of a patch is on."""
    path: str = operation["path"]
    return path.removeprefix("/").replace("~1", "/").replace("~0", "~")
