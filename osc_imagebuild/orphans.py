"""Find and remove what carries a build's tag but has no record any more."""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.cloud import images, servers
from osc_imagebuild.cloud.act import release
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.model import PART_TAG, RECORD_TAG, builds_of


@dataclass(frozen=True)
class Orphan:
    """A resource of a build whose record is gone; ``kind`` is server or image."""

    kind: str
    id: str
    name: str
    build_id: str
    tags: frozenset[str] = frozenset()


def find(api: Api) -> list[Orphan]:
    """Return the project's orphans, servers first.

    Resources are listed before the records: a build that begins in between is
    then seen with its record, never without.

    :raises: CloudError
    """
    found = [
        Orphan("server", server.id, server.name, build_id)
        for server in servers.tagged(api, PART_TAG)
        for build_id in builds_of([server.name])
        if server.task_state != "deleting"
    ]
    found += [
        Orphan("image", image.id, image.name, build_id, image.tags)
        for image in images.tagged(api, PART_TAG, hidden=True)
        for build_id in builds_of(image.tags)
    ]
    known = {record.id for record in images.tagged(api, RECORD_TAG, hidden=True)}
    return [orphan for orphan in found if orphan.build_id not in known]


def remove(api: Api, orphan: Orphan) -> None:
    """Delete an orphan; of shared content only the lost build's claim.

    :raises: CloudError
    """
    if orphan.kind == "server":
        servers.delete(api, orphan.id)
    else:
        release(api, orphan.build_id, orphan.id, orphan.tags)
