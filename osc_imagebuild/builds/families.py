"""Look at families: the results that follow each other under one name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osc_imagebuild.cloud import images, servers, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, Message, NextStep, SpecError, Verb
from osc_imagebuild.model import family
from osc_imagebuild.model.family import KINDS, Member
from osc_imagebuild.model.resources import Image, Server, Volume


@dataclass(frozen=True)
class Family:
    """The results of one kind that follow each other under one name.

    ``results`` are all of them, newest first. ``servers`` are the project's servers that
    were made of them, or have them, by the IDs of the results; None where that was not
    asked for, or Nova does not tell.
    """

    name: str
    kind: str
    results: Sequence[Member]
    servers: Mapping[str, Sequence[Server]] | None = None

    @property
    def current(self) -> Member:
        """The newest result."""
        return self.results[0]

    @property
    def older(self) -> Sequence[Member]:
        """All others, newest first."""
        return self.results[1:]


def all_families(api: Api, kind: str = "image") -> Sequence[Family]:
    """Return all families with results of a kind, by their names.

    :raises: SpecError where there is no such kind, CloudError
    """
    found: dict[str, list[Member]] = {}
    for item in all_members(api, require_kind(kind)):
        found.setdefault(_family(api, item), []).append(item)
    return [Family(name, kind, found[name]) for name in sorted(found)]


def look(api: Api, name: str, kind: str = "image") -> Family:
    """Return one family, and which servers use its results.

    :raises: SpecError where no result of that kind is of it, CloudError
    """
    results = members(api, name, require_kind(kind))
    if not results:
        options = (("kind", kind),) if kind != "image" else ()
        raise SpecError(
            Message(
                f"no {kind} is of a family {name!r:.300}; see: ",
                NextStep(Verb.LIST_FAMILIES, options=options),
            )
        )
    return Family(name, kind, results, servers_of(api, results))


def require_kind(kind: str) -> str:
    """Return a kind of results.

    :raises: SpecError where there is no such kind
    """
    if kind not in KINDS:
        raise SpecError(
            f"no kind {kind!r:.40} of results; there are: {', '.join(KINDS)}"
        )
    return kind


def servers_of(
    api: Api, results: Sequence[Member]
) -> Mapping[str, Sequence[Server]] | None:
    """Return the project's servers that use any of ``results``, by their IDs.

    Those are servers made of an image, and those with a volume that is a result, or was
    made of one. None where Nova does not tell; what Cinder does not tell is missing.
    """
    try:
        there = [s for s in servers.every(api) if s.owner in ("", api.project_id())]
    except CloudError:
        return None
    made_of = _origins(api, there)
    using: dict[str, list[Server]] = {item.id: [] for item in results}
    for server in there:
        origins = {server.image_id, *server.volume_ids}
        origins |= {made_of.get(volume_id, "") for volume_id in server.volume_ids}
        for result_id in origins & using.keys():
            using[result_id].append(server)
    return using


def _origins(api: Api, there: Sequence[Server]) -> Mapping[str, str]:
    """Return what volumes were made of, by their IDs; nothing where no server has any."""
    try:
        if not any(s.volume_ids for s in there) or not api.has("volume"):
            return {}
        return {v.id: _origin(v) for v in volumes.every(api)}
    except CloudError:
        return {}


def _origin(volume: Volume) -> str:
    return volume.source_id or volume.image_metadata.get("image_id", "")


def shared_with(api: Api, item: Member) -> Sequence[str] | None:
    """Return the projects that an image is shared with, None where Glance does not tell."""
    if not isinstance(item, Image) or item.visibility != "shared":
        return ()
    try:
        return tuple(images.members(api, item.id))
    except CloudError:
        return None


def find(api: Api, item_id: str, kind: str = "image") -> Member | None:
    """Return a result as it is now, None where it is gone.

    :raises: CloudError
    """
    match kind:
        case "volume":
            return volumes.find(api, item_id)
        case "snapshot":
            return volumes.find_snapshot(api, item_id)
        case _:
            return images.find(api, item_id)


def is_published(api: Api, item_id: str, kind: str = "image") -> bool:
    """Whether a result is there, and no build's any more.

    :raises: CloudError
    """
    item = find(api, item_id, kind)
    return item is not None and bool(_family(api, item))


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
