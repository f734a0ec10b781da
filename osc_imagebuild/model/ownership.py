"""Tell whether a build made a resource, and whether its project may read it.

Marks and specs are words of a record, which every member of the project can write; an
admin's session reaches even what is other projects'. So a resource counts as a build's
only where it says so itself, and is of this project. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping

from osc_imagebuild.model.names import VOLUME_MARK, build_tag, role_of
from osc_imagebuild.model.resources import Image, Resource, Server, Snapshot, Volume

# Properties and metadata that say which build something was made by.
_PROPERTY = "imagebuild_build_id"


def is_own(item: Resource, build_id: str, project_id: str) -> bool:
    """Whether a resource is of this project, and says that this build made it."""
    if item.owner and item.owner != project_id:
        return False
    named = role_of(build_id, item.name) is not None
    match item:
        case Image():
            claimed = build_tag(build_id) in item.tags
            return named or claimed or _says(item.properties, build_id)
        case Server():
            return named
        case Volume() | Snapshot():
            return item.metadata.get(VOLUME_MARK) == build_id or _says(
                item.metadata, build_id
            )


def _says(properties: Mapping[str, str], build_id: str) -> bool:
    return properties.get(_PROPERTY) == build_id


def may_read(image: Image, project_id: str) -> bool:
    """Whether an image is this project's, or shown to it by whoever owns it."""
    foreign = bool(image.owner) and image.owner != project_id
    return not foreign or image.visibility != "private"
