"""Cancel a build, or delete it: whoever drives it, and whatever state it is in."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence

from osc_imagebuild.builds import copies, families, fence, record, record_store
from osc_imagebuild.builds.record import Record
from osc_imagebuild.builds.teardown import remove_result, teardown
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import NO_CLOUDS, Clouds
from osc_imagebuild.errors import CloudError, RecordError
from osc_imagebuild.model import family
from osc_imagebuild.model.names import Status, build_tag
from osc_imagebuild.model.resources import Image
from osc_imagebuild.steps import copies as steps_copies

# A client that was put aside may still have had a creation under way, and lists may be
# some seconds behind what was made last.
SETTLED_S = 10.0
PUBLISHED = (
    "cancelled once it was published: the image stays, as it took another's name"
)
PROTECTED = "cancelled once it was published: the image stays, as it is protected"


def cancel(api: Api, build: Record, clouds: Clouds = NO_CLOUDS) -> Record:
    """Stop a build and remove what it made, unless it is complete.

    One whose result has taken the name from another one, or is protected, is completed
    instead: in the one case nothing else has that name, in the other it is to stay.
    ``clouds`` are others, where copies may have been begun.

    :raises: RecordError, CloudError, also where a copy in another cloud stays
    """
    if build.status == Status.COMPLETE:
        return build
    fenced = fence.put_up(api, build.id)
    try:
        marked = _marked(api, build.id)
    except RecordError:  # deleted meanwhile, or damaged: nothing to hold on to
        fenced.lift()
        raise
    if marked.status == Status.COMPLETE:
        fenced.lift()
        return marked
    _tear_down(api, fenced, build.updated_at)
    reason = _published(api, marked) if marked.status == Status.CANCELLED else ""
    if reason:
        over = {"status": Status.COMPLETE, "reason": reason, "percent": 100}
        result = {"result_id": marked.made[0]}
        done = record_store.update(api, marked.id, own=marked.is_own, **over, **result)
        fenced.lift()
        _remove_copies(clouds, marked, finished=False)
        return done
    if marked.status == Status.CANCELLED:
        # It may be published, and not yet told.
        remove_result(api, marked.id, marked.made)
    fenced.lift()
    _remove_copies(clouds, marked, finished=marked.status == Status.CANCELLED)
    return marked


def _published(api: Api, build: Record) -> str:
    """Return why the result of a build that is cancelled stays, '' where it may go."""
    if _is_protected(api, build):
        return PROTECTED
    return PUBLISHED if _has_the_name(api, build) else ""


def _is_protected(api: Api, build: Record) -> bool:
    """Whether a build's result is protected, as it was when it was published."""
    if not (build.spec.result.protected and build.made):
        return False
    image = images.find(api, build.made[0])
    return image is not None and image.protected and not image.hidden


def _has_the_name(api: Api, build: Record) -> bool:
    """Whether a build's result is published in the place of another."""
    name = build.spec.result.family
    if not (name and build.spec.result.rotation.replace and build.made):
        return False
    kind = build.spec.result.properties.get(family.KIND, "")
    # By its ID: a list may be of before it was published.
    return families.is_published(api, build.made[0], kind)


def _remove_copies(clouds: Clouds, build: Record, *, finished: bool) -> None:
    """Remove what was begun in other clouds, or with ``finished`` all copies there.

    :raises: CloudError naming where that could not be done
    """
    begun = steps_copies.begun(build.spec, build.marks)
    if build.status == Status.COMPLETE and not finished:
        return
    left = copies.remove_all(clouds, build.id, begun, finished=finished)
    if left:
        where = "; ".join(f"{made.copy.target}: {made.trouble}" for made in left)
        raise CloudError(
            "nothing is left of the build here, but what was begun to be copied to "
            f"other clouds may still be there: {where}",
            service="image",
            resolution="as a user of those clouds, see: openstack image list --hidden "
            f"--tag {build_tag(build.id)}",
            build_id=build.id,
        )


def _marked(api: Api, build_id: str) -> Record:
    """Return the record, cancelled unless the build was over, and without secrets.

    :raises: RecordError where there is none any more, CloudError
    """
    # Its driver may have written until it lost the lease.
    loaded = record_store.load(api, build_id)
    if loaded.is_over and not loaded.has_texts:
        return loaded
    fields = record.closing(loaded.spec)
    if not loaded.is_over:
        fields |= {"status": Status.CANCELLED, "reason": fence.CANCELLED}
    return record_store.update(api, loaded.id, own=loaded.is_own, **fields)


def delete(
    api: Api,
    build_id: str,
    made: Collection[str],
    build: Record | None = None,
    clouds: Clouds = NO_CLOUDS,
    fenced: fence.Fence | None = None,
) -> None:
    """Remove a build, its record, and the results ``made``.

    ``build`` is None where its record cannot be read. Copies in other ``clouds`` stay,
    but for those that are not finished. ``fenced`` is what keeps others from driving it
    already, if anything does.

    :raises: CloudError, also where an image stays as no build says that it made it
    """
    fenced = fenced or fence.put_up(api, build_id)
    image = images.find(api, build_id)
    _tear_down(api, fenced, image.updated_at if image else 0.0)
    stay = remove_result(api, build_id, made) if made else ()
    fenced.lift()
    if build is not None:
        # Its driver may have begun a copy until it lost the lease.
        with contextlib.suppress(RecordError):
            build = record_store.load(api, build_id)
    images.delete(api, build_id)
    if build is not None:
        _remove_copies(clouds, build, finished=False)
    if stay:
        raise _stays(build_id, stay)


def _stays(build_id: str, images: Sequence[Image]) -> CloudError:
    """Return why images of a build that is deleted are still there."""
    ids = " ".join(image.id for image in images)
    is_protected = all(image.protected for image in images)
    why = "is protected" if is_protected else "does not say that this build made it"
    first = f"openstack image set --unprotected {ids}; " if is_protected else ""
    return CloudError(
        f"the build is deleted, but not the image that its record names: that {why}",
        service="image",
        resolution=f"if it is to go: {first}openstack image delete {ids}",
        build_id=build_id,
    )


def _tear_down(api: Api, fenced: fence.Fence, updated_at: float) -> None:
    """Remove what the build made, twice where it was at work ``updated_at`` just now."""
    teardown(api, fenced.build_id)
    rest = SETTLED_S if fenced.preempted else updated_at + SETTLED_S - api.now()
    if rest > 0:
        api.clock.sleep(min(rest, SETTLED_S))
        teardown(api, fenced.build_id)
