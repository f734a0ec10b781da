"""See whether the image can be copied where it is wanted, before anything is written."""

from __future__ import annotations

from osc_imagebuild.cloud import limits
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import Clouds
from osc_imagebuild.errors import CloudError
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.spec_builder import Copying
from osc_imagebuild.planning.stage import Stage, stage

# What Nova and Cinder make of a disk.
_FORMATS = ("qcow2", "raw")


@stage
def find_copies(api: Api, clouds: Clouds, request: Request) -> Stage[Copying]:
    """Log in to each cloud that gets a copy, and find the stores.

    :raises: CloudError
    """
    problems: list[str] = []
    warnings: list[str] = []
    for copy in request.copies:
        try:
            stage = check_target(api, clouds, copy)
        except CloudError as error:
            stage = Stage(problems=(f"no copy to {copy.target}: {error}",))
        problems += stage.problems
        warnings += stage.warnings
    stores = _find_stores(api, request)
    return Stage(
        Copying(request.copies, stores.value or ()),
        warnings=tuple(warnings),
        problems=(*problems, *stores.problems),
    )


def check_target(api: Api, clouds: Clouds, copy: Copy) -> Stage[bool]:
    """Check that a cloud takes a copy.

    :raises: CloudError
    """
    target, name = clouds.api(copy.target), copy.target
    if not target.has("image"):
        return Stage(problems=(f"no copy to {name}: that cloud has no Glance",))
    here, there = api.place("image")[1], target.place("image")[1]
    if here and here == there and api.project_id() == target.project_id():
        return Stage(
            problems=(f"no copy to {name}: that is where the image itself is",)
        )
    count, size_mib = limits.image_room(target)
    problems = []
    if count is not None and count < 1:
        problems.append(f"the quota of {name} has no image left for a copy")
    if size_mib is not None and size_mib <= 0:
        problems.append(f"the quota of {name} for the size of images is used up")
    taken = limits.disk_formats(target)
    lacks = [word for word in _FORMATS if taken and word not in taken]
    warnings = []
    if lacks == list(_FORMATS):
        problems.append(f"no copy to {name}: it takes neither qcow2 nor raw")
    elif lacks:
        warnings.append(f"{name} takes no {lacks[0]}: a copy of such an image fails")
    return Stage(True, warnings=tuple(warnings), problems=tuple(problems))


def _find_stores(api: Api, request: Request) -> Stage[tuple[str, ...]]:
    """Return the stores that the image's data are copied to.

    :raises: CloudError
    """
    if not (request.stores or request.all_stores):
        return Stage(())
    known = limits.stores(api)
    if not known:
        return Stage(
            problems=(
                "Glance has one store here, or tells of no other: leave out --store and "
                "--all-stores",
            )
        )
    unknown = [store for store in request.stores if store not in known]
    problems = [
        f"no store {store!r:.60}; there are: {', '.join(known)}" for store in unknown
    ]
    if "copy-image" not in limits.import_methods(api):
        problems.append(
            "Glance copies no image from store to store here: its import method "
            "copy-image is switched off; leave out --store and --all-stores"
        )
    stores = tuple(known) if request.all_stores else request.stores
    return Stage(stores, problems=tuple(problems))
