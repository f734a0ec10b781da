"""Look at families: the results that follow each other under one name."""

from __future__ import annotations

from collections.abc import Sequence

from osc_imagebuild.cloud import images, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.model import family
from osc_imagebuild.model.family import Member


def members(api: Api, name: str, kind: str = "image") -> Sequence[Member]:
    """Return the published results of a family, hidden ones too, newest first.

    :raises: CloudError
    """
    listed = _listed(api, kind, family.FAMILY, name)
    return [item for item in listed if _family(api, item) == name]


def all_members(api: Api, kind: str = "image") -> Sequence[Member]:
    """Return the published results of all families, newest first.

    :raises: CloudError
    """
    listed = _listed(api, kind, family.KIND, kind)
    return [item for item in listed if _family(api, item)]


def current(api: Api, name: str, kind: str = "image") -> Member | None:
    """Return the newest result of a family, None where there is none.

    :raises: CloudError
    """
    return next(iter(members(api, name, kind)), None)


def _family(api: Api, item: Member) -> str:
    return family.family_of(item, api.project_id())


def _listed(api: Api, kind: str, key: str, value: str) -> Sequence[Member]:
    """Return all results of a kind that say something of themselves, newest first."""
    listed: Sequence[Member]
    match kind:
        case "volume":
            listed = volumes.with_metadata(api, key, value)
        case "snapshot":
            listed = volumes.snapshots_with_metadata(api, key, value)
        case _:
            listed = images.with_property(api, key, value)
    return family.newest_first(listed)
