"""Put the older results of a family away, and remove them.

Each is looked at again first: what somebody has protected, or taken out of the family,
since it was listed stays as it is.
"""

from __future__ import annotations

from osc_imagebuild.builds import manifests, visibility
from osc_imagebuild.builds.families import find
from osc_imagebuild.cloud import images, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError
from osc_imagebuild.model import family as families
from osc_imagebuild.model.actions import Discard, Retire
from osc_imagebuild.model.family import BUILD_ID, Member, Old
from osc_imagebuild.model.resources import Image, Snapshot, Volume


class NotOursError(CloudError):
    """A result is protected, or was taken out of its family meanwhile."""


def retire(api: Api, action: Retire) -> None:
    """Give a result another name, and put it away, in one request if it can be.

    :raises: CloudError
    """
    fresh, name = _look_again(api, action.item, action.family), action.name
    match fresh:
        case Image():
            _put_away(api, fresh, name, action.old)
        case Volume():
            volumes.set_name(api, "volume", fresh.id, name)
        case Snapshot():
            volumes.set_name(api, "snapshot", fresh.id, name)
            if volume := _volume_of(api, fresh):
                volumes.set_name(api, "volume", volume.id, name)


def _put_away(api: Api, image: Image, name: str, old: Old) -> None:
    """Where its visibility may not be changed, hide it, so that one has the name.

    :raises: CloudError, also where it was hidden instead
    """
    core: dict[str, object] = {"name": name}
    if old in (Old.HIDE, Old.DELETE):
        core["os_hidden"] = True
    elif old == Old.COMMUNITY:
        core["visibility"] = "community"
    hidden = {"name": name, "os_hidden": True}
    if error := visibility.change(api, image, image.properties, core, hidden):
        raise CloudError(
            f"image {image.id} is hidden, as it may not be made {core['visibility']}: "
            f"{error}",
            service=error.service,
            status=error.status,
        ) from error
    if old == Old.DEACTIVATE:
        images.deactivate(api, image.id)


def discard(api: Api, action: Discard) -> None:
    """Delete a result; with a snapshot goes the volume that the build left for it.

    :raises: NotOursError, CloudError, also where it is in use
    """
    item = action.item
    fresh = _look_again(api, item, action.family)
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
    manifests.remove(api, action.item.id)


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
