"""Decide how a copy of an image comes to be in another cloud. Pure.

As a build is: look, decide, do one thing, look again. So a copy that a dead client began
is gone on with, and one that is there is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from osc_imagebuild.model import family, signatures
from osc_imagebuild.model.actions import Discard, Retire
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.names import (
    PART_TAG,
    Role,
    build_tag,
    kept,
    resource_name,
)
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Result
from osc_imagebuild.steps import rotation
from osc_imagebuild.steps.copies import FAILED_STORES

# What Glance may take to fetch an image from another region.
FETCH_LIMIT_S = 4 * 3600


@dataclass(frozen=True)
class Order:
    """What is copied: an image of a build, its name there, and what becomes of older ones.

    With ``verify`` a server boots from it before it gets its name.
    """

    source: Image
    build_id: str
    result: Result
    verify: bool = False


@dataclass(frozen=True)
class Seen:
    """The cloud that gets the copy, as last seen.

    ``copies`` are the images there that say they are of the build, ``family`` the
    published ones of its family. ``kept`` are older ones that may not be changed,
    ``proven`` copies that have booted. ``fetches`` is whether that Glance gets the data
    by itself.
    """

    now: float
    project_id: str
    copies: tuple[Image, ...] = ()
    family: tuple[Image, ...] = ()
    kept: frozenset[str] = frozenset()
    proven: frozenset[str] = frozenset()
    fetches: bool = False


@dataclass(frozen=True)
class Begin:
    """Make a queued image."""


@dataclass(frozen=True)
class Fill:
    """Bring the data; ``fetched`` by the Glance there."""

    image: Image
    fetched: bool


@dataclass(frozen=True)
class Await:
    """Look again later."""

    reason: str
    seconds: float = 5.0


@dataclass(frozen=True)
class Drop:
    """Delete what came to nothing; ``trouble`` is why, '' where its client has died."""

    image: Image
    trouble: str = ""


@dataclass(frozen=True)
class Prove:
    """Boot a server from it."""

    image: Image


@dataclass(frozen=True)
class Name:
    """Make the copy what it is a copy of, in one change; then do ``then``."""

    image: Image
    name: str
    properties: dict[str, str]
    then: Retire | None


@dataclass(frozen=True)
class Done:
    """Nothing is left to do."""

    image: Image


Deed = Begin | Fill | Await | Drop | Prove | Name | Retire | Discard | Done


def properties(order: Order, image_id: str = "") -> dict[str, str]:
    """Return the properties of a copy: the source's, and its own ID once it has its name.

    The certificate of a signature is in the source's cloud, and is looked for in its own.
    """
    said = {
        key: value
        for key, value in signatures.without(order.source.properties).items()
        if not key.startswith("os_glance") and key != family.RESULT_ID
    }
    return said | ({family.RESULT_ID: image_id} if image_id else {})


def is_finished(order: Order, image: Image) -> bool:
    """Whether an image is a whole copy that its makers have let go of."""
    return (
        PART_TAG not in image.tags
        and image.status in ("active", "deactivated")
        and image.properties.get(family.RESULT_ID) == image.id
        and bool(image.sha512)
        and image.sha512 == order.source.sha512
    )


def is_unfinished(build_id: str, image: Image) -> bool:
    """Whether an image is one that a client began to copy for a build."""
    named = image.name == resource_name(build_id, Role.COPY)
    return named and {PART_TAG, build_tag(build_id)} <= image.tags


def find(order: Order, images: Iterable[Image]) -> Image | None:
    """Return the copy among the images of a build, None where there is none."""
    found = [image for image in images if is_finished(order, image)]
    return min(found, key=lambda i: (i.created_at, i.id), default=None)


def decide(order: Order, seen: Seen) -> Deed:
    """Return what comes next."""
    done = find(order, seen.copies)
    begun = [i for i in seen.copies if is_unfinished(order.build_id, i)]
    if done is not None:
        if begun:
            return Drop(begun[0])
        left = next(iter(_left(order, seen, done)), None)
        return left or Done(done)
    best = max(begun, key=lambda i: _worth(order, i), default=None)
    for image in begun:
        if image is not best:
            return Drop(image)
    return Begin() if best is None else _go_on(order, seen, best)


def _worth(order: Order, image: Image) -> tuple[int, float, str]:
    is_whole = image.status == "active" and image.sha512 == order.source.sha512
    worth = {"importing": 2, "queued": 1}.get(image.status, 0)
    return (3 if is_whole else worth), -image.created_at, image.id


def _go_on(order: Order, seen: Seen, image: Image) -> Deed:
    match image.status:
        case "queued":
            if image.properties.get(FAILED_STORES):
                return Drop(image, "that Glance could not fetch it")
            return Fill(image, seen.fetches)
        case "importing":
            if seen.now - image.created_at > FETCH_LIMIT_S:
                hours = FETCH_LIMIT_S // 3600
                return Drop(image, f"that Glance fetched it for {hours} hours")
            return Await("that Glance fetches it")
        case "active":
            return _end(order, seen, image)
        case _:
            return Drop(image)


def _end(order: Order, seen: Seen, image: Image) -> Deed:
    """Give a whole copy its name."""
    if not image.sha512 or not order.source.sha512:
        return Drop(image, "Glance tells no sha512 of it, so nothing shows what it is")
    if image.sha512 != order.source.sha512:
        return Drop(image, "its sha512 is another one: the data were changed")
    if order.verify and image.id not in seen.proven:
        return Prove(image)
    facts = _facts(order, seen, image)
    if crowd := rotation.crowd(order, facts, image):
        return crowd
    return Name(
        image,
        rotation.name(order, facts, image),
        properties(order, image.id),
        rotation.then(order, facts, image),
    )


def _facts(order: Order, seen: Seen, image: Image) -> Facts:
    """Return the family there as a rotation sees it."""
    older = seen.family if order.result.rotation.replace else ()
    built = order.source.properties.get(family.BUILT_AT, "")
    own = replace(image, properties={**image.properties, family.BUILT_AT: built})
    return Facts(
        seen.now,
        family=(*(i for i in older if i.id != image.id), own),
        marks={kept(i): Mark(seen.now) for i in seen.kept},
    )


def _left(order: Order, seen: Seen, done: Image) -> Iterable[Retire | Discard]:
    is_member = family.family_of(done, seen.project_id) == order.result.family
    if not (order.result.rotation.replace and is_member):
        return ()
    return rotation.pending(order, _facts(order, seen, done), done)
