"""Names, tags and states by which any client finds a build again.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

RECORD_TAG = "imagebuild"

# Source: glance.api.v2.images.
VISIBILITIES = ("private", "shared", "community", "public")

# Names that no property can have: fields of every image, and three that Glance reserves.
# Source: glance.api.v2.images (_base_properties, _reserved_properties).
IMAGE_FIELDS = frozenset(
    """
    checksum container_format created_at direct_url disk_format file id locations
    min_disk min_ram name os_hash_algo os_hash_value os_hidden owner protected schema
    self size status stores tags updated_at virtual_size visibility
    location deleted deleted_at
    """.split()
)

# What begins so are properties of the tool's own, Glance's or its clients'.
RESERVED_PREFIXES = ("imagebuild_", "os_glance", "owner_specified.")

# What a property of a server can be called.
# Source: nova/api/validation/parameter_types.py, metadata.
SERVER_PROPERTY = re.compile(r"[a-zA-Z0-9_:. -]{1,255}")

# The tag of every other resource of any build, so that all can be listed.
PART_TAG = "imagebuild-part"

# The property, and its value, of an image that Nova makes of a build's disk: the one thing by
# which all can be listed that nobody has tagged yet. The build takes it off the result.
UNTAGGED = ("imagebuild_part", "result")

# The metadata key that marks a volume or a snapshot as a build's; the value
# is the build's ID. Cinder has no tags.
VOLUME_MARK = "imagebuild"

# Stands for the build's own tag in decisions, which do not know the build ID.
BUILD_TAG = "{build}"


class Role(StrEnum):
    """What a resource is for in its build; its name ends so.

    Boot methods have roles of their own for what they start the installer from.
    """

    INSTALL = "install"  # the server that the installer runs in
    # the server, and the volume, that the result is booted in: see `in_boot`
    VERIFY = "verify"
    ROOT = "root"  # the volume that the installer writes on
    CONTENTS = "contents"  # the disc with files of any size, as an image and a volume
    RESULT = "result"
    RECORD = "record"
    MANIFEST = "manifest"  # an image with what is known of the result
    COPY = "copy"  # an image, or a server of it, in another cloud
    TRIAL = "trial"  # the same of an image that exists: see `in_boot`


RESULT = Role.RESULT

# Roles that begin so belong to a build but are no part of what it makes.
BOOKKEEPING = (Role.RECORD, "lease-")


class Status(StrEnum):
    """What the record says of a build as a whole."""

    BUILDING = "building"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Milestone(StrEnum):
    """What was seen once of a build and must not be forgotten: names of its marks."""

    STARTED = "started"
    KEY = "key"
    INSTALLED = "installed"
    STOPPING = "stopping"
    OFF = "off"
    HARVESTED = "harvested"
    REBOOTED = "rebooted"
    VERIFIED = "verified"
    INSPECTED = "inspected"
    TESTED = "tested"
    SIGNED = "signed"
    STORING = "storing"
    STORED = "stored"
    COMPLETE = "complete"


def proof(role: str) -> str:
    """The name of the mark with the sha512 that a shared image must have."""
    return f"sha512-{role}"


def kept(item_id: str) -> str:
    """The name of the mark of what could not be rotated or shared, and stays as it is."""
    return f"kept-{item_id}"


def copied(number: int) -> str:
    """The name of the mark of what came of a copy, by its place in the spec."""
    return f"copy-{number}"


def in_boot(name: str, number: int) -> str:
    """What a role, mark or step of the boot test is called in the boot of that number.

    The first one has the plain name.
    """
    return name if number == 1 else f"{name}-boot{number}"


def boot_number(name: str, known: str) -> int:
    """Which boot a name is of, if it is ``known`` in one of them, 0 if it is not."""
    rest = name.removeprefix(known)
    if rest == name:
        return 0
    number = re.fullmatch(r"-boot([2-9]|[1-9][0-9])", rest)
    return 1 if not rest else int(number.group(1)) if number else 0


def build_tag(build_id: str) -> str:
    """The tag of everything that belongs to one build."""
    return f"imagebuild-{build_id}"


def resource_name(build_id: str, role: str) -> str:
    """The name that a resource has from its creation on."""
    return f"imagebuild-{build_id}-{role}"


def role_of(build_id: str, name: str) -> str | None:
    """The role in a resource's name, None where it is not this build's."""
    prefix = build_tag(build_id) + "-"
    return name[len(prefix) :] if name.startswith(prefix) else None


# As services and we write IDs; some services take other spellings too.
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_BUILD_TAG = re.compile(rf"imagebuild-({UUID})")


def builds_of(words: Iterable[str]) -> list[str]:
    """The IDs of the builds that tags, or names of resources, speak of."""
    return sorted({m.group(1) for w in words if (m := _BUILD_TAG.match(w))})


def shared_tag(key: str) -> str:
    """The tag by which any client finds shared content again."""
    return f"imagebuild-content-{key}"
