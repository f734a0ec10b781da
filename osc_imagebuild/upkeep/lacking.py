"""Make good what a fresh image lacks: copies in other clouds, data in more stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from osc_imagebuild.builds.copies import Copied
from osc_imagebuild.errors import ImageBuildError
from osc_imagebuild.model.family import BUILD_ID, Member, Old, words
from osc_imagebuild.model.freshness import Freshness
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Rotation
from osc_imagebuild.upkeep.library import Library
from osc_imagebuild.upkeep.tasks import Applied, End, Task, ToDo, Wish


def find(library: Library, task: Task, current: Member) -> Task:
    """Return what is left to do for a family whose newest result is fresh.

    :raises: RecordError where it cannot be copied, CloudError
    """
    request = task.wish.request
    image = current if isinstance(current, Image) else current.id
    missing: Sequence[Copied] = ()
    if request.copies:
        missing = library.missing_copies(image, request.copies)
    stores = _missing_stores(library, request, image)
    if not (missing or stores):
        return replace(task, to_do=ToDo.NOTHING)
    lacking = [f"store {store} lacks it" for store in stores]
    why = "; ".join(filter(None, (_missing_line(missing), *lacking)))
    build_id = words(current).get(BUILD_ID, "")
    return replace(task, to_do=ToDo.COPY, reason=why, build_id=build_id)


def fill(library: Library, task: Task) -> Applied:
    """Make the copies that are missing, in stores and in other clouds."""
    request = task.wish.request
    rotation = Rotation(
        replace=request.replace, old=Old(request.old), keep=request.keep
    )
    made: Sequence[Copied] = ()
    trouble = ""
    try:
        if stores := _missing_stores(library, request, task.image_id):
            trouble = library.copy_to_stores(task.image_id, stores)
        if request.copies:
            made = library.copy(task.image_id, request.copies, rotation=rotation)
    except ImageBuildError as error:
        return Applied(task, End.FAILED, task.build_id, task.image_id, error.message)
    failed = [copied for copied in made if copied.trouble]
    why = "; ".join(filter(None, (_missing_line(failed), trouble)))
    end = End.FAILED if why else End.COPIED
    return Applied(task, end, task.build_id, task.image_id, why)


def make_good(library: Library, request: Request, found: Freshness) -> Applied:
    """Find what the fresh image of a request lacks, and make it.

    What goes wrong is told, not raised: the image is good as it is.
    """
    current = found.current
    assert current, "what is missing lacks nothing"
    wish = Wish(request.name, request)
    task = Task(wish, found.family, ToDo.NOTHING, found.reason, image_id=current.id)
    try:
        task = find(library, task, current)
    except ImageBuildError as error:
        return Applied(task, End.FAILED, "", current.id, error.message)
    if task.to_do == ToDo.NOTHING:
        return Applied(task, End.UNCHANGED, "", current.id, task.reason)
    return fill(library, task)


def _missing_stores(
    library: Library, request: Request, image: str | Image
) -> Sequence[str]:
    """Return the stores that lack an image, of those that are to have it."""
    if not (request.stores or request.all_stores):
        return ()
    return library.missing_stores(image, request.stores, every=request.all_stores)


def _missing_line(copies: Sequence[Copied]) -> str:
    """Return where copies are missing, and why."""
    return "; ".join(f"no copy in {c.copy.target}: {c.trouble}" for c in copies)
