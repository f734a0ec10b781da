"""See whether the image can be copied where it is wanted, before anything is written."""

from __future__ import annotations

import dataclasses

from osc_imagebuild.cloud import image_schema, limits, networks
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import Clouds
from osc_imagebuild.errors import CloudError, SpecError
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.formats import DISK_FORMATS
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import selection
from osc_imagebuild.planning.spec_builder import Copying
from osc_imagebuild.planning.stage import Stage, stage

# What Nova and Cinder make of a disk.


@stage
def find_copies(
    api: Api, clouds: Clouds, request: Request, disk_gib: int, ram_mib: int
) -> Stage[Copying]:
    """Log in to each cloud that gets a copy, and find the stores.

    ``disk_gib`` and ``ram_mib`` are what the image needs.

    :raises: CloudError
    """
    problems: list[str] = []
    warnings: list[str] = []
    copies: list[Copy] = []
    for copy in request.copies:
        try:
            stage = check_target(api, clouds, copy)
            copies.append(placed(clouds, copy, disk_gib, ram_mib))
        except CloudError as error:
            stage = Stage(problems=(f"no copy to {copy.target}: {error}",))
        except SpecError as error:
            stage = Stage(problems=error.problems)
        problems += stage.problems
        warnings += stage.warnings
    stores = _find_stores(api, request)
    return Stage(
        Copying(tuple(copies), stores.value or ()),
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
    schema = image_schema.read(target)
    lacks = [word for word in DISK_FORMATS if not schema.takes(word)]
    warnings = []
    if lacks == list(DISK_FORMATS):
        problems.append(f"no copy to {name}: it takes neither qcow2 nor raw")
    elif lacks:
        warnings.append(f"{name} takes no {lacks[0]}: a copy of such an image fails")
    return Stage(True, warnings=tuple(warnings), problems=tuple(problems))


def placed(clouds: Clouds, copy: Copy, disk_gib: int, ram_mib: int) -> Copy:
    """Return a copy with flavor and network of the server that is to boot from it.

    :raises: SpecError where there is none that fits, or several networks, CloudError
    """
    if not copy.verify:
        return copy
    api = clouds.api(copy.target)
    try:
        flavor = selection.boot_flavor(limits.flavors(api), disk_gib, ram_mib)
        chosen, _ = selection.networks(networks.networks(api), ())
    except SpecError as error:
        raise SpecError(
            [f"no test of the copy in {copy.target}: {p}" for p in error.problems]
        ) from error
    return dataclasses.replace(copy, flavor_id=flavor.id, networks=chosen)


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
