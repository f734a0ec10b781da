"""Tell which resource an action changes, and which service carries it out. Pure."""

from __future__ import annotations

from osc_imagebuild.model.actions import (
    AcceptImage,
    Action,
    CopyImage,
    CopyToStores,
    CreateImage,
    CreateServer,
    CreateSnapshot,
    CreateVolume,
    DeleteImage,
    DeleteServer,
    DeleteSnapshot,
    DeleteVolume,
    Discard,
    Finish,
    ImportImage,
    ProveImage,
    Retire,
    SetBootable,
    SetImage,
    SetMark,
    SetSnapshot,
    SetVolume,
    ShareImage,
    UploadImage,
    UploadVolume,
)


def target(action: Action) -> str:
    """Return what an action is on: a role, or the ID of what is there already.

    What is made is told by its role, as it has another ID each time.
    """
    match action:
        case CreateImage() | UploadImage() | ImportImage() | ProveImage():
            return action.image.role
        case CreateVolume() | CreateServer():
            return action.role
        case SetImage():
            return action.image.id
        case SetVolume():
            return action.volume.id
        case SetSnapshot():
            return action.snapshot.id
        case DeleteImage() | ShareImage() | AcceptImage() | CopyToStores():
            return action.image_id
        case CopyImage():
            return action.copy.target
        case Retire() | Discard():
            return action.item.id
        case UploadVolume() | CreateSnapshot() | SetBootable() | DeleteVolume():
            return action.volume_id
        case DeleteSnapshot():
            return action.snapshot_id
        case SetMark():
            return action.name
        case Finish():
            return action.result_id
        case _:
            return action.server_id


def changed(action: Action) -> tuple[str, ...]:
    """Return the IDs of what an action changes of what is there already."""
    match action:
        case UploadImage() | ImportImage():
            return (action.image_id,)
        case CreateServer():
            return tuple(device.volume_id for device in action.devices)
        case CreateImage() | CreateVolume() | ProveImage() | SetMark() | Finish():
            return ()
        case CopyImage():
            return ()  # it is only read here
        case SetImage() | SetVolume() | SetSnapshot():
            then = (action.then.item.id,) if action.then else ()
            return (target(action), *then)
        case _:
            return (target(action),)


def optional(action: Action) -> str:
    """Return what an action of `OPTIONAL` is about: a member, or an older result."""
    return (
        action.member
        if isinstance(action, ShareImage | AcceptImage)
        else target(action)
    )


def kept_as(action: Action) -> str:
    """Return what it means that an action of `OPTIONAL` was refused."""
    match action:
        case ShareImage():
            return f"the image is not shared with project {action.member}"
        case AcceptImage():
            return f"cloud {action.cloud} has not accepted the image"
        case Discard():
            return f"{action.item.name} is kept, and goes with a later build"
        case _:
            return f"{target(action)} keeps its name and its place"


def service(action: Action) -> str:
    """Return who removes what an action removes; all else is Glance's."""
    match action:
        case DeleteServer():
            return "compute"
        case DeleteVolume() | DeleteSnapshot():
            return "volume"
        case _:
            return "image"
