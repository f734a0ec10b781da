"""An image as Glance keeps it, and the rules that it must keep to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.clock import iso
from tests.fakes.wire import Call, Refusal

READ_ONLY = frozenset(
    [
        "checksum",
        "created_at",
        "direct_url",
        "file",
        "id",
        "os_hash_algo",
        "os_hash_value",
        "owner",
        "schema",
        "self",
        "size",
        "status",
        "updated_at",
        "virtual_size",
        "stores",
    ]
)
# What a PATCH may change beside free properties; values are the attributes.
BASE = {
    "name": "name",
    "visibility": "visibility",
    "protected": "protected",
    "os_hidden": "hidden",
    "tags": "tags",
    "min_disk": "min_disk",
    "min_ram": "min_ram",
    "disk_format": "disk_format",
    "container_format": "container_format",
}
FORMATS = frozenset(
    [
        "ami",
        "ari",
        "aki",
        "vhd",
        "vhdx",
        "vmdk",
        "raw",
        "qcow2",
        "vdi",
        "iso",
        "ploop",
    ]
)
CONTAINERS = frozenset(
    [
        "ami",
        "ari",
        "aki",
        "bare",
        "ovf",
        "ova",
        "docker",
        "compressed",
    ]
)


@dataclass
class FakeImage:
    """An image. ``begun`` is what it was when its data began to come."""

    id: str
    owner: str
    created: float
    name: str | None = None
    status: str = "queued"
    visibility: str = "shared"
    protected: bool = False
    hidden: bool = False
    tags: list[str] = field(default_factory=list)
    min_disk: int = 0
    min_ram: int = 0
    disk_format: str | None = None
    container_format: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    size: int | None = None
    updated: float = 0.0
    begun: dict[str, Any] | None = None
    tagged_at: float = 0.0
    members: dict[str, str] = field(default_factory=dict)
    in_use: bool = False  # by a volume that shares its blocks
    # Which have its data, where Glance has more than one; '' shows none.
    stores: list[str] = field(default_factory=list)

    def mutable(self) -> dict[str, Any]:
        """A copy of all that a PATCH may change."""
        found = {key: getattr(self, name) for key, name in BASE.items()}
        found["tags"] = list(self.tags)
        return {**found, "properties": dict(self.properties)}

    def restore(self, kept: dict[str, Any]) -> None:
        """Take ``kept`` back, and lose what was changed since."""
        for key, name in BASE.items():
            setattr(self, name, kept[key])
        self.properties = kept["properties"]

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **self.properties,
            **{key: getattr(self, name) for key, name in BASE.items()},
            "tags": sorted(self.tags),
            "id": self.id,
            "status": self.status,
            "owner": self.owner,
            "created_at": iso(self.created),
            "updated_at": iso(self.updated),
            "size": self.size,
            "checksum": "c" * 32 if self.status == "active" else None,
            "virtual_size": None,
            "os_hash_algo": "sha512" if self.status == "active" else None,
            "os_hash_value": hashlib.sha512(self.data).hexdigest()
            if self.status == "active"
            else None,
            "self": f"/v2/images/{self.id}",
            "file": f"/v2/images/{self.id}/file",
            "schema": "/v2/schemas/image",
            **({"stores": ",".join(self.stores)} if self.stores else {}),
        }


def check(key: str, value: Any) -> None:
    """The stock schema's rules."""
    right = {
        "name": value is None or (isinstance(value, str) and len(value) <= 255),
        "visibility": str(value) in ("public", "private", "shared", "community"),
        "protected": isinstance(value, bool),
        "os_hidden": isinstance(value, bool),
        "tags": isinstance(value, list) and all(_is_tag(tag) for tag in value),
        "min_disk": isinstance(value, int) and value >= 0,
        "min_ram": isinstance(value, int) and value >= 0,
        "disk_format": value is None or str(value) in FORMATS,
        "container_format": value is None or str(value) in CONTAINERS,
    }
    if not right[key]:
        raise Refusal(400, f"Provided object does not match schema 'image': {key}")


def _is_tag(tag: object) -> bool:
    return isinstance(tag, str) and len(tag) <= 255


def matches(image: FakeImage, call: Call) -> bool:
    known = {"os_hidden", "limit", "marker", "sort", "sort_key", "sort_dir", "tag"}
    if not set(call.query.get("tag", ())) <= set(image.tags):
        return False
    shown = image.shown()
    return all(
        str(shown.get(key)) in values
        for key, values in call.query.items()
        if key not in known
    )


def inspect(data: bytes) -> None:
    """A boot record that is not a disk's is refused, as a kernel's is."""
    if data[510:512] == b"\x55\xaa" and data[0x202:0x206] == b"HdrS":
        raise Refusal(415, "Image format detection failed: content does not match raw")
