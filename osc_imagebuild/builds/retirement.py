"""Put the older results of a family away, and remove them.

Each is looked at again first: what somebody has protected, or taken out of the family,
since it was listed stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from osc_imagebuild.builds import manifests
from osc_imagebuild.builds.families import find
from osc_imagebuild.cloud import images, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError
from osc_imagebuild.model import family as families
from osc_imagebuild.model.family import BUILD_ID, Member, Old
from osc_imagebuild.model.resources import Image, Snapshot, Volume


class NotOursError(CloudError):
    """A result is protected, or was taken out of its family meanwhile."""


def retire(api: Api, item: Member, family: str, name: str, old: Old) -> None:
    """Give a result another name, and put it where ``old`` says, in one request if it can be.

    :raises: CloudError
    """
    fresh = _look_again(api, item, family)
    match fresh:
        case Image():
            core: dict[str, object] = {"name": name}
            if old in (Old.HIDE, Old.DELETE):
                core["os_hidden"] = True
            elif old == Old.COMMUNITY:
                core["visibility"] = "community"
            _change(api, fresh, core)
            if old == Old.DEACTIVATE:
                images.deactivate(api, fresh.id)
        case Volume():
            volumes.set_name(api, "volume", fresh.id, name)
        case Snapshot():
            volumes.set_name(api, "snapshot", fresh.id, name)
            if volume := _volume_of(api, fresh):
                volumes.set_name(api, "volume", volume.id, name)


def _change(api: Api, image: Image, core: Mapping[str, object]) -> None:
    """Change an image; where its visibility may not be, hide it, so that one has the name.

    :raises: CloudError, also where it was hidden instead
    """
    try:
        images.patch(
            api, image.id, images.set_operations(image, image.properties, core)
        )
    except CloudError as error:
        if error.status != 403 or "visibility" not in core:
            raise
        hidden = {"name": core["name"], "os_hidden": True}
        images.patch(
            api, image.id, images.set_operations(image, image.properties, hidden)
        )
        raise CloudError(
            f"image {image.id} is hidden, as it may not be made {core['visibility']}: "
            f"{error}",
            service=error.service,
            status=error.status,
        ) from error


def discard(api: Api, item: Member, family: str) -> None:
    """Delete a result; with a snapshot goes the volume that the build left for it.

    :raises: NotOursError, CloudError, also where it is in use
    """
    fresh = _look_again(api, item, family)
    match fresh:
        case Image():
            images.delete(api, fresh.id)
        case Volume():
            volumes.remove(api, "volume", fresh.id)
        case Snapshot():
            volume = _volume_of(api, fresh)
            # A volume goes with its snapshots at once, so none of both is left behind.
            if volume and volumes.snapshots_of(api, volume.id) == [fresh.id]:
                volumes.remove(api, "volume", volume.id, cascade=True)
            else:
                volumes.remove(api, "snapshot", fresh.id)
    manifests.remove(api, item.id)


def _look_again(api: Api, item: Member, family: str) -> Member | None:
    """Return a result as it is now, None where it is gone or going.

    :raises: NotOursError where it is not one of ``family`` any more, or protected,
        CloudError
    """
    fresh = find(api, item.id, families.kind(item))
    if fresh is None or families.is_going(fresh):
        return None
    is_of = families.family_of(fresh, api.project_id()) == family
    if not is_of or not families.may_change(fresh):
        raise NotOursError(
            f"{families.kind(fresh)} {fresh.id} is protected, or not of the family "
            f"{family} any more",
            service=fresh.SERVICE,
        )
    return fresh


def _volume_of(api: Api, snapshot: Snapshot) -> Volume | None:
    """Return the volume of a snapshot, None where another build made it, or somebody."""
    volume = volumes.find(api, snapshot.volume_id) if snapshot.volume_id else None
    build_id = snapshot.metadata.get(BUILD_ID)
    if volume is None or volume.metadata.get(BUILD_ID) != build_id:
        return None
    is_foreign = bool(volume.owner) and volume.owner != api.project_id()
    return None if is_foreign else volume
