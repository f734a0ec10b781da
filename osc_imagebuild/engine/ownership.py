"""Refuse actions on resources that this build did not make. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from osc_imagebuild.model import family
from osc_imagebuild.model.actions import (
    AcceptImage,
    Action,
    CopyImage,
    CopyToStores,
    CreateServer,
    CreateVolume,
    DeleteImage,
    Discard,
    ImportImage,
    Retire,
    SetImage,
    SetSnapshot,
    SetVolume,
    ShareImage,
    SignImage,
    UploadImage,
)
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.ownership import is_own
from osc_imagebuild.model.resources import Resource


def refusal(action: Action, facts: Facts, build_id: str, project_id: str) -> str:
    """Return why ``action`` is on what this build did not make, '' where it did."""
    for rotated in _rotated(action):
        older = next((i for i in facts.family if i.id == rotated.item.id), None)
        if (
            older is None
            or not family.may_change(older)
            or family.family_of(older, project_id) != rotated.family
        ):
            return (
                f"{family.kind(rotated.item)} {rotated.item.id} stays as it is: nothing "
                f"there says that a build made it as one of {rotated.family}"
            )
    seen = {item.id: item for item in _seen(facts)}
    for kind, item_id in subjects(action):
        item = seen.get(item_id)
        if item is None or not is_own(item, build_id, project_id):
            return (
                f"{kind} {item_id} stays as it is: nothing there says that build "
                f"{build_id} made it"
            )
    return ""


def _rotated(action: Action) -> Iterator[Retire | Discard]:
    """Yield what an action does to older ones of the family."""
    if isinstance(action, Retire | Discard):
        yield action
    elif isinstance(action, SetImage | SetVolume | SetSnapshot) and action.then:
        yield action.then


def subjects(action: Action) -> Iterator[tuple[str, str]]:
    """Yield kind and ID of what an action changes, destroys, or makes something of."""
    match action:
        case SetImage() | SignImage():
            yield "image", action.image.id
        case (
            UploadImage()
            | ImportImage()
            | DeleteImage()
            | ShareImage()
            | AcceptImage()
            | CopyToStores()
            | CopyImage()
        ):
            yield "image", action.image_id
        case SetVolume():
            yield "volume", action.volume.id
        case SetSnapshot():
            yield "snapshot", action.snapshot.id
        case CreateServer() | CreateVolume():
            # What they are made of may be the user's own.
            return
        case Retire() | Discard():
            return  # other builds made these
        case _:
            for kind in ("server", "volume", "snapshot"):
                if item_id := getattr(action, f"{kind}_id", ""):
                    yield kind, item_id


def _seen(facts: Facts) -> Iterator[Resource]:
    yield from facts.images.values()
    yield from facts.servers.values()
    yield from facts.volumes.values()
    yield from facts.snapshots.values()
    yield from facts.duplicates
