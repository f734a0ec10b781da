"""Copies of images in other clouds: which are missing, making them, removing them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from osc_imagebuild.builds.boot_test import BootTest
from osc_imagebuild.builds.copier import Copier, remove
from osc_imagebuild.builds.filling import Listeners
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import Clouds
from osc_imagebuild.errors import (
    CloudError,
    ImageBuildError,
    Message,
    NextStep,
    RecordError,
    Verb,
)
from osc_imagebuild.model import family
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.names import build_tag, builds_of
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Result, Rotation
from osc_imagebuild.steps import copying
from osc_imagebuild.steps.copying import Order


@dataclass(frozen=True)
class Copied:
    """What came of a copy: the image's ID there, or the ``trouble`` with it.

    ``error`` is what the trouble was, for who words its next steps.
    """

    copy: Copy
    image_id: str = ""
    trouble: str = ""
    error: ImageBuildError | None = None


def order(
    source: Image,
    result: Result | None = None,
    *,
    verify: bool = False,
    rotation: Rotation | None = None,
) -> Order:
    """Return what a copy of a finished image is to be.

    ``result`` is what its build's record says of it; without one its name in the other
    cloud is its own. Older ones there give it away as ``rotation`` says, by default as
    that record does, or not at all.
    """
    if result is None:
        said = source.properties
        base = source.name
        if family.is_retired(source):
            base = base.removesuffix(f" ({family.built_at(source)})")
        result = Result(
            name=base,
            output="image",
            properties={},
            visibility=source.visibility,
            family=said.get(family.FAMILY, ""),
            rotation=Rotation(),
        )
    elif source.visibility == "shared":
        result = dataclasses.replace(result, visibility="shared")
    if rotation is not None:
        result = dataclasses.replace(result, rotation=rotation)
    return Order(source, source.properties[family.BUILD_ID], result, verify)


def may_be_copied(image: Image, project_id: str) -> bool:
    """Whether an image is a finished one of a build of this project."""
    made_by = image.properties.get(family.BUILD_ID, "")
    is_of_a_build = builds_of([build_tag(made_by)]) == [made_by]
    return (
        image.status == "active"
        and is_of_a_build
        and bool(family.family_of(image, project_id))
    )


def find(target: Api, wanted: Order) -> Image | None:
    """Return the copy that is in a cloud, None where there is none.

    :raises: CloudError
    """
    project_id = target.project_id()
    listed = images.with_property(target, family.BUILD_ID, wanted.build_id)
    return copying.find(wanted, (i for i in listed if i.owner == project_id))


def missing(
    clouds: Clouds, source: Image, wanted: Iterable[Copy]
) -> tuple[Copied, ...]:
    """Return the copies of a finished image that are not there, each with the reason.

    A cloud that does not answer counts as one that lacks it.
    """
    found = []
    for copy in wanted:
        try:
            if find(clouds.api(copy.target), order(source)) is None:
                found.append(Copied(copy, trouble="it is not there"))
        except CloudError as error:
            text = f"nobody knows: {_line(error)}"
            found.append(Copied(copy, trouble=text, error=error))
    return tuple(found)


def make(
    api: Api,
    clouds: Clouds,
    wanted: Order,
    copy: Copy,
    listeners: Listeners,
    test: BootTest | None = None,
) -> Copied:
    """Make one copy, or find it; what goes wrong is told, not raised.

    :raises: RecordError, as a heartbeat raises where another client has taken over
    """
    try:
        target = clouds.api(copy.target)
        copier = Copier(api, target, wanted, listeners, test)
        return Copied(copy, image_id=copier.make().id)
    except RecordError:
        raise
    except ImageBuildError as error:
        return Copied(copy, trouble=_line(error), error=error)


def boot_test_of(
    copy: Copy, texts: tuple[str, str], timeout_s: int, *, config_drive: bool = True
) -> BootTest | None:
    """Return how a copy is booted, None where it is not to be.

    ``texts`` are the user data of the server, and its sign on the console.
    """
    if not (copy.verify and copy.flavor_id and copy.networks):
        return None
    return BootTest(*texts, timeout_s, copy.flavor_id, copy.networks, config_drive)


def noted(made: Copied) -> dict[str, str]:
    """Return what the record says of a copy."""
    data = {"target": made.copy.target, "image_id": made.image_id}
    data["trouble"] = made.trouble
    return {key: value for key, value in data.items() if value}


def told(image_id: str, made: Copied) -> Message:
    """Return why there is no copy, and what makes it."""
    why = made.error.message if made.error else made.trouble
    step = NextStep(Verb.COPY, image_id, (("copy_to", made.copy.target),))
    way = "the image itself is complete; this makes the copy: "
    return Message.lines((Message("it failed: ", why), Message(way, step)))


def _line(error: ImageBuildError) -> str:
    """What a record keeps of an error: what happened, and by which request."""
    return str(error).partition("\n")[0][:200]


def remove_all(
    clouds: Clouds, build_id: str, copies: Sequence[Copy], *, finished: bool = False
) -> list[Copied]:
    """Delete what was begun to be copied for a build, or with ``finished`` its copies too.

    Return where it could not be.
    """
    failed = []
    for copy in copies:
        try:
            api = clouds.api(copy.target)
            remove(api, build_id, finished=finished, servers=copy.verify)
        except CloudError as error:
            failed.append(Copied(copy, trouble=_line(error), error=error))
    return failed
