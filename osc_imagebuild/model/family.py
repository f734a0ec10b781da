"""Families: the results of builds that follow each other under one name. Standard library only.

A result says itself which family it is of. Nova copies an image's properties onto the
images of its servers' disks, so a result also says its own ID: what carries another one
is a copy of these words, and the user's own. Like `osc_imagebuild.model.ownership`,
nothing counts that is of another project.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from enum import StrEnum
from typing import TypeVar, get_args

from osc_imagebuild.model.names import PART_TAG, VOLUME_MARK
from osc_imagebuild.model.resources import Image, Snapshot, Volume

FAMILY, RESULT_ID = "imagebuild_family", "imagebuild_result_id"
# The same on every result of its kind, so that all can be listed.
KIND = "imagebuild_kind"
BUILD_ID, BUILT_AT = "imagebuild_build_id", "imagebuild_built_at"
INPUTS, OS = "imagebuild_inputs", "imagebuild_os"

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

# Source: glance.db.sqlalchemy.models.Image.name, cinder's Volume.display_name.
_LONGEST_NAME = 255

# Cinder and Glance may take their time to let go of something.
_GOING = ("deleting", "pending_delete")

Member = Image | Volume | Snapshot
# As outputs are called.
KINDS = tuple(member.__name__.lower() for member in get_args(Member))
M = TypeVar("M", bound=Member)


class Old(StrEnum):
    """What becomes of the older results of a family, beside another name."""

    KEEP = "keep"
    HIDE = "hide"
    COMMUNITY = "community"
    DEACTIVATE = "deactivate"
    DELETE = "delete"


# Cinder knows neither hidden nor deactivated volumes, and shows them to nobody else.
FOR_VOLUMES = (Old.KEEP, Old.HIDE, Old.DELETE)


def words(item: Member) -> Mapping[str, str]:
    """Return what a result says of itself: properties, or metadata."""
    return item.properties if isinstance(item, Image) else item.metadata


def kind(item: Member) -> str:
    """Return the kind of output that a result is."""
    return type(item).__name__.lower()


def family_of(item: Member, project_id: str) -> str:
    """Return the family that a published result is of, '' where it is of none."""
    said = words(item)
    is_copy = said.get(RESULT_ID) != item.id or said.get(KIND) != kind(item)
    if is_copy or _is_unfinished(item) or not said.get(BUILD_ID):
        return ""
    # Cinder may not tell whose something is, but then shows the project's own alone.
    owner = item.owner or ("" if isinstance(item, Image) else project_id)
    return said.get(FAMILY, "") if owner == project_id else ""


def _is_unfinished(item: Member) -> bool:
    """Whether a build has not let go of it."""
    if isinstance(item, Image):
        return PART_TAG in item.tags or item.status not in ("active", "deactivated")
    return VOLUME_MARK in item.metadata


def newest_first(items: Iterable[M]) -> list[M]:
    """Return results in their order, by the time that their service tells.

    A copy in another cloud is as old as what it is a copy of, whenever it was made.
    """
    return sorted(
        items,
        key=lambda item: (_moment(item), item.created_at, item.id),
        reverse=True,
    )


def _moment(item: Member) -> str:
    """When a result was built: by its own words no later than its service made it."""
    made, said = iso(item.created_at), words(item).get(BUILT_AT, "")
    return min(said, made) if _TIME.fullmatch(said) else made


def iso(seconds: float) -> str:
    """Return a time as results tell it, such as 2026-01-31T12:00:00Z."""
    moment = datetime.fromtimestamp(int(seconds), timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def may_change(item: Member) -> bool:
    """Whether a result may be renamed or removed for a newer one."""
    return not (isinstance(item, Image) and item.protected)


def is_going(item: Member) -> bool:
    """Whether its service is removing it already."""
    return item.status in _GOING


def built_at(item: Member) -> str:
    """Return when a result was built, such as 2026-01-31T12:00:00Z."""
    return words(item).get(BUILT_AT, "")[:20] or iso(item.created_at)


def old_name(name: str, item: Member) -> str:
    """Return the name of a result that has given ``name`` to a newer one."""
    suffix = f" ({built_at(item)})"
    return name[: _LONGEST_NAME - len(suffix)] + suffix


def is_retired(item: Member) -> bool:
    """Whether a result has given its name away."""
    return item.name.endswith(f" ({built_at(item)})")


def is_put_away(item: Member, old: Old) -> bool:
    """Whether an older result is where ``old`` says that it goes; deleted is gone."""
    if not is_retired(item):
        return False
    if not isinstance(item, Image):
        return True
    match old:
        case Old.HIDE | Old.DELETE:
            return item.hidden
        case Old.COMMUNITY:
            return item.visibility == "community"
        case Old.DEACTIVATE:
            return item.status == "deactivated"
        case _:
            return True


def os_of(item: Member) -> str:
    """Return the catalogue's name of the system on a result, '' if it does not tell."""
    said = item.image_metadata if isinstance(item, Volume) else words(item)
    return said.get(OS, "")


def states(item: Member) -> tuple[str, ...]:
    """Return what sets a result apart from one that its project sees and uses freely.

    Such as 'hidden', 'deactivated', its visibility, 'protected'; of a volume or a
    snapshot its status, unless it is available.
    """
    if not isinstance(item, Image):
        return () if item.status == "available" else (item.status,)
    found = {
        "hidden": item.hidden,
        "deactivated": item.status == "deactivated",
        item.visibility: item.visibility != "private",
        "protected": item.protected,
    }
    return tuple(word for word, is_so in found.items() if is_so)
