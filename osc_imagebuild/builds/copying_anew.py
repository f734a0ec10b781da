"""Copy an image of a build that is over: what failed then, or goes elsewhere now."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Callable, Sequence

from osc_imagebuild.builds import copies, families, lease, record_store
from osc_imagebuild.builds.boot_test import BootTest
from osc_imagebuild.builds.copies import Copied
from osc_imagebuild.builds.filling import Listeners
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import Clouds
from osc_imagebuild.errors import CloudError, Message, NextStep, RecordError, Verb
from osc_imagebuild.model import family
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.facts import Mark
from osc_imagebuild.model.names import copied
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Rotation
from osc_imagebuild.steps.copying import Order

Hearing = Callable[[Copy], Listeners]
"""Returns who hears of a copy; its heartbeat is not asked for."""
Texts = Callable[[], tuple[tuple[str, str], int]]
"""Returns user data and sign of the boot test, and its time limit in seconds."""


def find_image(api: Api, word: str | Image) -> Image:
    """Return a finished image by its ID or its build's, or by its family or name.

    One that was just looked at is not looked for again, if it can be copied.

    :raises: RecordError where there is none, CloudError
    """
    if isinstance(word, Image):
        if copies.may_be_copied(word, api.project_id()):
            return word
        word = word.id
    with contextlib.suppress(ValueError):
        image_id = str(uuid.UUID(word))
        found = images.find(api, image_id)
        if found is None or not copies.may_be_copied(found, api.project_id()):
            made = images.with_property(api, family.BUILD_ID, image_id)
            fit = [i for i in made if copies.may_be_copied(i, api.project_id())]
            found = fit[0] if fit else None
        if found is not None:
            return found
    current = families.current(api, word)
    named = [
        image
        for image in images.named(api, word)
        if copies.may_be_copied(image, api.project_id())
    ]
    if isinstance(current, Image) and current.status == "active":
        return current
    if not named:
        raise RecordError(
            f"there is no finished image {word!r:.100} of a build in this project",
            resolution=Message("see: ", NextStep(Verb.LIST)),
        )
    return family.newest_first(named)[0]


def find_any_image(api: Api, word: str) -> Image:
    """Return an image of a build as `find_image` does, or any other that is visible.

    :raises: RecordError where there is none, or more than one, CloudError
    """
    try:
        return find_image(api, word)
    except RecordError:
        found = images.visible(api, word)
    if not found:
        raise RecordError(f"there is no image {word!r:.100}")
    if len(found) > 1:
        ids = ", ".join(image.id for image in found)
        raise RecordError(
            f"several images are named {word!r:.100}",
            resolution=f"give one's ID: {ids}",
        )
    return found[0]


def copy_image(
    api: Api,
    clouds: Clouds,
    image: Image,
    wanted: Sequence[Copy],
    hearing: Hearing,
    texts: Texts,
    rotation: Rotation | None = None,
) -> list[Copied]:
    """Make the copies of a finished image that are missing, or those that its build wanted.

    A cloud that has a right one keeps it. What goes wrong with one keeps no other from
    being made. ``rotation`` is as for `copies.order`.

    :raises: RecordError where a client drives the build, CloudError
    """
    build_id = image.properties[family.BUILD_ID]
    build = _record(api, build_id)
    # A record that somebody else wrote chooses neither logins nor what is put away; nor
    # does an image that only says that the build made it.
    result = build.spec.result if build and build.is_own else None
    made = (result.made_id, result.made_sha512) if result else ("", "")
    if made != (image.id, image.sha512):
        result = None
    if rotation is not None and result is None:
        raise _unproven(image)
    asked = tuple(wanted) or (result.copies if result else ())
    if not asked:
        raise RecordError(
            f"nothing says where image {image.id} is to be copied to",
            resolution=Message(
                "name a cloud: ",
                NextStep(Verb.COPY, image.id, (("copy_to", "<cloud>"),)),
            ),
        )
    # The record of a build that is over has none any more.
    spoken = texts() if any(copy.verify for copy in asked) else (("", ""), 0)
    orders = [
        (copy, copies.order(image, result, verify=copy.verify, rotation=rotation))
        for copy in asked
    ]
    held = lease.take(api, build_id)
    try:
        beat = _heartbeat(api, held, build)
        copied_now = [
            _copied(
                api,
                clouds,
                order,
                copy,
                dataclasses.replace(hearing(copy), heartbeat=beat),
                copies.boot_test_of(copy, *spoken),
            )
            for copy, order in orders
        ]
        if build is not None and result is not None:
            _note(api, held, build, copied_now)
    finally:
        held.release()
    return copied_now


def _copied(
    api: Api,
    clouds: Clouds,
    order: Order,
    copy: Copy,
    listeners: Listeners,
    test: BootTest | None,
) -> Copied:
    """Make a copy; what an interrupted user began goes, as no record may name that cloud."""
    try:
        return copies.make(api, clouds, order, copy, listeners, test)
    except KeyboardInterrupt:
        copies.remove_all(clouds, order.build_id, [copy])
        raise


def _unproven(image: Image) -> RecordError:
    """Say that an image is copied only by a user who names it."""
    return RecordError(
        f"no record that this user signed on this machine says that image {image.id} is "
        "what its build made, so it takes nobody's name in another cloud",
        resolution=Message(
            "if it is the right one, copy it yourself: ",
            NextStep(Verb.COPY, image.id, (("copy_to", "<cloud>"),)),
        ),
    )


def _record(api: Api, build_id: str) -> Record | None:
    """Return the record of a build, None where it is gone or cannot be read."""
    try:
        build = record_store.load(api, build_id)
    except RecordError:
        return None
    if not build.is_over:
        raise RecordError(
            f"build {build_id} is not over: it makes its copies itself",
            resolution=Message(
                "drive it to its end: ", NextStep(Verb.RESUME, build_id)
            ),
            build_id=build_id,
        )
    return build


def _heartbeat(api: Api, held: lease.Lease, build: Record | None) -> Callable[[], None]:
    """Return what shows others that this client lives."""

    def beat() -> None:
        if held.heartbeat_is_due:
            with contextlib.suppress(CloudError):
                held.verify_held()
                if build is not None:
                    record_store.update(api, build.id, lease=held.generation)
                    held.touch()

    return beat


def _note(api: Api, held: lease.Lease, build: Record, made: Sequence[Copied]) -> None:
    """Let the record say what came of the copies that its build wanted."""
    places = {c.target: n for n, c in enumerate(build.spec.result.copies)}
    new = {
        copied(places[each.copy.target]): Mark(api.now(), copies.noted(each))
        for each in made
        if each.copy.target in places
    }
    if new:
        held.verify_held()
        marks = {**build.marks, **new}
        record_store.update(api, build.id, marks=marks, lease=held.generation)
