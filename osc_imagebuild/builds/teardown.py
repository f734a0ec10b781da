"""Remove what a build made; the build's ID is enough, on any half-built state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from osc_imagebuild import outputs
from osc_imagebuild.builds import manifests
from osc_imagebuild.builds.claims import release
from osc_imagebuild.clock import Patience
from osc_imagebuild.cloud import images, servers, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import (
    CloudError,
    ConflictError,
    Message,
    NextStep,
    Verb,
    because,
)
from osc_imagebuild.model.manifest import MANIFEST_TAG
from osc_imagebuild.model.names import (
    BOOKKEEPING,
    RESULT,
    Role,
    build_tag,
    resource_name,
)
from osc_imagebuild.model.ownership import is_own
from osc_imagebuild.model.resources import Image, Resource, Server, Snapshot, Volume

LIMIT_S = 240.0
# What was deleted, and is listed still, is deleted again no sooner than this.
AGAIN_S = 15.0
# A volume that Cinder fills from an image cannot be deleted before it is full.
VOLUME_LIMIT_S = 1800.0


def teardown(
    api: Api,
    build_id: str,
    *,
    keep: Collection[str] = (),
    heartbeat: Callable[[], None] = lambda: None,
    verb: Verb = Verb.CANCEL,
) -> None:
    """Delete all that the build made but its record, lease and ``keep``.

    ``keep`` are IDs. ``heartbeat`` is called before each look, and may stop it; ``verb`` is
    what the user is told to try. Servers go first and are waited for, because what is in
    use may refuse to go. Each look is a fresh one, so what another client
    made in the meantime goes too.

    :raises: CloudError naming what is left after `LIMIT_S` seconds, or
        `VOLUME_LIMIT_S` where volumes are among it
    """
    patience = Patience(api.clock)
    refused: dict[str, CloudError] = {}
    asked: dict[str, float] = {}
    while True:
        heartbeat()
        if not (remaining := _remaining(api, build_id, keep)):
            return
        has_volumes = any(isinstance(item, Volume) for item in remaining)
        limit = VOLUME_LIMIT_S if has_volumes else LIMIT_S
        if patience.look() > limit:
            text = f"still there after {limit:.0f} s: {_names(remaining)}"
            again = Message("try again: ", NextStep(verb, build_id))
            raise _stays(remaining, refused, text, again)
        for item in remaining:
            if api.clock.steady() - asked.get(item.id, -AGAIN_S) < AGAIN_S:
                continue
            if _remove(api, build_id, item, refused):
                asked[item.id] = api.clock.steady()
        api.clock.sleep(2)


def _names(resources: Sequence[Resource]) -> str:
    return ", ".join(f"{item.name} ({item.id})" for item in resources)


def _stays(
    remaining: Sequence[Resource],
    refused: Mapping[str, CloudError],
    text: str,
    resolution: str = "",
) -> CloudError:
    """Name the last refusal to remove what is left, or the service that keeps it."""
    for item in remaining:
        if item.id in refused:
            return because(refused[item.id], text, resolution=resolution)
    return CloudError(text, service=remaining[0].SERVICE, resolution=resolution)


def _remaining(api: Api, build_id: str, keep: Collection[str]) -> Sequence[Resource]:
    """Return what is still there, in the order in which it can be removed."""
    resources: list[Resource] = [*servers.tagged(api, build_tag(build_id))]
    if api.has("volume"):
        resources += volumes.marked_snapshots(api, build_id)
        resources += volumes.marked(api, build_id)
    resources += leftovers(api, build_id)
    return [item for item in resources if item.id not in keep]


def leftovers(api: Api, build_id: str) -> list[Image]:
    """Return the build's images but its record and leases.

    A result that nobody tagged yet is known by its name.

    :raises: CloudError
    """
    prefixes = tuple(resource_name(build_id, word) for word in BOOKKEEPING)
    tagged = images.tagged(api, build_tag(build_id), hidden=True)
    named = images.named(api, resource_name(build_id, RESULT))
    return [i for i in (*tagged, *named) if not i.name.startswith(prefixes)]


def remove_result(api: Api, build_id: str, made: Collection[str]) -> Sequence[Image]:
    """Delete a result that the user has already, by the IDs in ``made``.

    Returns the images that stay.

    Whatever kind each ID is of, in the order that the outputs tell: a damaged record
    does not. Each must say that this build made it: anybody in the project can write
    IDs into a record.

    :raises: CloudError naming what is left after `LIMIT_S` seconds
    """
    stay: list[Image] = []
    for kind in outputs.kinds():
        if made and kind is Image:
            stay += _remove_images(api, build_id, made)
        elif made and api.has("volume"):
            remove_marked(api, build_id, made, kind)
    for item_id in set(made) - {image.id for image in stay}:
        manifests.remove(api, item_id)
    return stay


def _remove_images(api: Api, build_id: str, made: Collection[str]) -> list[Image]:
    """Delete those of the build that nobody has protected; return the others."""
    present = [image for i in made if (image := images.find(api, i)) is not None]
    stay = []
    for image in present:
        if is_own(image, build_id, api.project_id()) and not image.protected:
            images.delete(api, image.id)
        else:
            stay.append(image)
    return stay


def remove_marked(
    api: Api, build_id: str, made: Collection[str], kind: type[Resource]
) -> None:
    """Delete volumes or snapshots of a build, and wait until they are gone.

    :raises: CloudError naming what is left after `LIMIT_S` seconds
    """
    find = volumes.find_snapshot if kind is Snapshot else volumes.find
    patience = Patience(api.clock)
    refused: dict[str, CloudError] = {}
    while True:
        present = [item for i in made if (item := find(api, i)) is not None]
        remaining = [
            item for item in present if is_own(item, build_id, api.project_id())
        ]
        if not remaining:
            return
        if patience.look() > LIMIT_S:
            text = f"still there after {LIMIT_S:.0f} s, perhaps in use: {_names(remaining)}"
            raise _stays(remaining, refused, text)
        for item in remaining:
            _remove(api, build_id, item, refused)
        api.clock.sleep(2)


def _remove(
    api: Api, build_id: str, item: Resource, refused: dict[str, CloudError]
) -> bool:
    """Delete one thing, and tell whether that is under way.

    What is in use for a moment goes at the next look.

    ``refused`` gets the refusal by the ID of what stays.
    """
    try:
        match item:
            case Server():
                servers.delete(api, item.id)
            case Snapshot():
                volumes.delete_snapshot(api, item.id, build_id)
            case Volume():
                volumes.delete(api, item.id, build_id)
            case Image():
                _remove_image(api, build_id, item)
    except CloudError as error:
        # Cinder says 400 where Glance says 409.
        at_cinder = isinstance(item, Volume | Snapshot) and error.status == 400
        if not (at_cinder or isinstance(error, ConflictError)):
            raise
        refused[item.id] = error
        return False
    return True


def _remove_image(api: Api, build_id: str, image: Image) -> None:
    if image.name == resource_name(build_id, Role.MANIFEST):
        # A list may show it as it was before it became the result's.
        fresh = images.find(api, image.id)
        if fresh is None or MANIFEST_TAG in fresh.tags:
            return
    images.unprotect(api, image)
    release(api, build_id, image.id, image.tags)
