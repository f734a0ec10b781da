"""Find and remove resources of builds that have no record any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from osc_imagebuild.builds import teardown
from osc_imagebuild.builds.claims import release
from osc_imagebuild.cloud import images, servers, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import SECOND_LOOK_S
from osc_imagebuild.model.names import (
    PART_TAG,
    RECORD_TAG,
    RESULT,
    UNTAGGED,
    VOLUME_MARK,
    Role,
    boot_number,
    builds_of,
    resource_name,
    role_of,
)
from osc_imagebuild.model.resources import Image, Server, Snapshot, Volume

# For so long a test of an image may take: until it is up, and twice all tests.
LONGEST_TRIAL_S = 6 * 3600


@dataclass(frozen=True)
class Orphan:
    """A resource of a build whose record is gone.

    ``kind`` is server, snapshot, volume or image.
    """

    kind: str
    id: str
    name: str
    build_id: str
    tags: frozenset[str] = frozenset()


def find_orphans(api: Api) -> list[Orphan]:
    """Return the project's orphans, in the order in which they can go.

    Resources are listed before the records: a build that begins in between is
    then seen with its record, never without.

    :raises: CloudError
    """
    now = api.now()
    candidates = [
        Orphan("server", server.id, server.name, build_id)
        for server in servers.tagged(api, PART_TAG)
        for build_id in builds_of([server.name])
        if server.task_state != "deleting" and not _is_at_work(server, now)
    ]
    if api.has("volume"):
        candidates += [
            Orphan("snapshot", item.id, item.name, item.metadata[VOLUME_MARK])
            for item in volumes.marked_snapshots(api)
        ]
        candidates += [
            Orphan("volume", item.id, item.name, item.metadata[VOLUME_MARK])
            for item in volumes.marked(api)
            if item.status != "deleting" and not _is_at_work(item, now)
        ]
    candidates += [
        Orphan("image", image.id, image.name, build_id, image.tags)
        for image in images.tagged(api, PART_TAG, hidden=True)
        for build_id in builds_of(image.tags)
    ]
    candidates += _results(images.unhidden(api, dict([UNTAGGED])))
    listed = {record.id for record in images.tagged(api, RECORD_TAG, hidden=True)}
    lost = _without_record(api, {o.build_id for o in candidates} - listed)
    # Cinder puts nothing of ours on an image; while it makes one, its volume is there.
    names = [resource_name(build_id, RESULT) for build_id in sorted(lost)]
    candidates += _results(i for name in names for i in images.named(api, name))
    found = {orphan.id: orphan for orphan in candidates if orphan.build_id in lost}
    return list(found.values())


def _is_at_work(item: Server | Volume, now: float) -> bool:
    """Whether it may be what somebody tests an image in: a test has no record."""
    is_young = now - item.created_at < LONGEST_TRIAL_S
    return is_young and any(
        boot_number(role_of(build_id, item.name) or "", Role.TRIAL)
        for build_id in builds_of([item.name])
    )


def _results(found: Iterable[Image]) -> list[Orphan]:
    """Return what Nova or Cinder made of disks, and no client has tagged."""
    return [
        Orphan("image", image.id, image.name, build_id, image.tags)
        for image in found
        for build_id in builds_of([image.name])
        if image.name == resource_name(build_id, RESULT)
    ]


def _without_record(api: Api, build_ids: Iterable[str]) -> set[str]:
    """Return those that have no record, asked for by its ID: a list may lag.

    Twice, as a replica of Glance's database may be behind too.
    """
    lost = {i for i in build_ids if images.find(api, i) is None}
    if lost:
        api.clock.sleep(SECOND_LOOK_S)
    return {i for i in lost if images.find(api, i) is None}


def remove(api: Api, orphan: Orphan) -> None:
    """Delete an orphan; of shared content only the lost build's claim.

    :raises: CloudError
    """
    match orphan.kind:
        case "server":
            servers.delete(api, orphan.id)
        case "snapshot":
            teardown.remove_marked(api, orphan.build_id, [orphan.id], Snapshot)
        case "volume":
            # It goes once its server and its snapshots have gone.
            teardown.remove_marked(api, orphan.build_id, [orphan.id], Volume)
        case _:
            release(api, orphan.build_id, orphan.id, orphan.tags)
