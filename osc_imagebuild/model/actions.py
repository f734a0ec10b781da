"""Actions in the cloud, and the decisions of steps.

Frozen, free of I/O, standard library only. A decision knows no build ID:
the actor adds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from osc_imagebuild.model.boot_sources import BootImage, Device
from osc_imagebuild.model.boots import FIRST, Boot
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.family import Member, Old
from osc_imagebuild.model.names import Milestone
from osc_imagebuild.model.resources import Image, Resource, Server, Snapshot, Volume

# --- what can be done -------------------------------------------------------


@dataclass(frozen=True)
class CreateImage:
    """Make a queued image for ``image.role``, or adopt a shared one."""

    image: BootImage
    properties: Mapping[str, str]


@dataclass(frozen=True)
class UploadImage:
    """Fill the queued image ``image_id``."""

    image: BootImage
    image_id: str


@dataclass(frozen=True)
class ImportImage:
    """Let Glance fetch what the queued image ``image_id`` is to hold."""

    image: BootImage
    image_id: str


@dataclass(frozen=True)
class ProveImage:
    """Note the sha512 of what the shared image ``image_id`` must hold.

    By this client's own reading of the content, whoever brought the image.
    """

    image: BootImage
    image_id: str


@dataclass(frozen=True)
class CreateVolume:
    """Make a volume for ``role`` out of ``source``.

    ``source`` is one pair as Cinder takes it: imageRef, source_volid or
    snapshot_id, and the ID.
    """

    role: str
    size_gib: int
    source: tuple[str, str]


@dataclass(frozen=True)
class UploadVolume:
    """Make the result image out of a volume that nothing uses."""

    volume_id: str


@dataclass(frozen=True)
class CreateSnapshot:
    """Make the result snapshot out of a volume that nothing uses."""

    volume_id: str


@dataclass(frozen=True)
class SetVolume:
    """Bring a volume to exactly these metadata and image metadata.

    With ``name`` it gets that name and is the user's from then on; else it
    keeps its name and the build's mark. ``then`` is as in `SetImage`.
    """

    volume: Volume
    image_metadata: Mapping[str, str]
    name: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    then: Retire | None = None


@dataclass(frozen=True)
class SetSnapshot:
    """Give a snapshot name and metadata; it is the user's from then on.

    ``then`` is as in `SetImage`.
    """

    snapshot: Snapshot
    name: str
    metadata: Mapping[str, str]
    then: Retire | None = None


@dataclass(frozen=True)
class DeleteVolume:
    """Delete a volume that carries the build's mark."""

    volume_id: str


@dataclass(frozen=True)
class DeleteSnapshot:
    """Delete a snapshot that carries the build's mark."""

    snapshot_id: str


@dataclass(frozen=True)
class CreateServer:
    """Start a server; ``user_data`` names the text: 'answer' or 'verify'.

    It boots from ``image_id``, and has ``devices`` beside that disk; without an image it
    boots from the devices. It gets a config drive where the spec says so, and with
    ``config_drive`` in any case. Servers whose IDs are in ``instead_of`` do not count as
    the one that is to be made. It is on what ``boot`` says, else on the build's own flavor
    and networks.
    """

    role: str
    image_id: str
    user_data: str
    devices: tuple[Device, ...] = ()
    config_drive: bool = False
    instead_of: frozenset[str] = frozenset()
    boot: Boot = FIRST


@dataclass(frozen=True)
class RebootServer:
    """Switch a server off and on, whatever its guest does; ``mark`` notes that."""

    server_id: str
    mark: str = Milestone.REBOOTED


@dataclass(frozen=True)
class PressKey:
    """Press the space bar of a server again and again ``until`` a time."""

    server_id: str
    until: float


@dataclass(frozen=True)
class StopServer:
    """Power a server off."""

    role: str
    server_id: str


@dataclass(frozen=True)
class DeleteServer:
    """Delete a server and wait for nothing."""

    server_id: str


@dataclass(frozen=True)
class Harvest:
    """Make the result image out of the server's root disk."""

    server_id: str


@dataclass(frozen=True)
class SetImage:
    """Bring an image to exactly these attributes, properties and tags.

    With ``protected`` Glance refuses to delete it from then on. ``then`` is done right
    after it, if it can be; if not, it is tried later.
    """

    image: Image
    name: str
    hidden: bool
    tags: frozenset[str]
    properties: Mapping[str, str]
    min_disk_gib: int
    min_ram_mib: int
    visibility: str = "private"
    protected: bool = False
    then: Retire | None = None


@dataclass(frozen=True)
class ShareImage:
    """Let another project use an image; ``member`` is its ID.

    ``accepted_id`` is an older image that it has accepted, '' where it has none, or where
    it is accepted for it.
    """

    image_id: str
    member: str
    accepted_id: str = ""


@dataclass(frozen=True)
class AcceptImage:
    """Accept a shared image for ``member``, by the credentials of ``cloud``."""

    image_id: str
    member: str
    cloud: str


@dataclass(frozen=True)
class Retire:
    """Give an older result of the family another name, and put it away as ``old`` says."""

    item: Member
    family: str
    name: str
    old: Old


@dataclass(frozen=True)
class Discard:
    """Delete an older result of the family."""

    item: Member
    family: str


@dataclass(frozen=True)
class CopyToStores:
    """Let Glance copy the result's data to more of its stores."""

    image_id: str
    stores: tuple[str, ...]


@dataclass(frozen=True)
class CopyImage:
    """Make a copy of the result elsewhere; ``number`` is its place in the spec."""

    image_id: str
    copy: Copy
    number: int


@dataclass(frozen=True)
class DeleteImage:
    """Delete an image, or only this build's claim on a shared one."""

    image_id: str


@dataclass(frozen=True)
class SetMark:
    """Write a mark to the record."""

    name: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finish:
    """Close the record: the build is complete."""

    result_id: str


Action = (
    CreateImage
    | UploadImage
    | ImportImage
    | ProveImage
    | CreateVolume
    | UploadVolume
    | CreateSnapshot
    | SetVolume
    | SetSnapshot
    | DeleteVolume
    | DeleteSnapshot
    | CreateServer
    | RebootServer
    | PressKey
    | StopServer
    | DeleteServer
    | Harvest
    | SetImage
    | ShareImage
    | AcceptImage
    | Retire
    | Discard
    | CopyToStores
    | CopyImage
    | DeleteImage
    | SetMark
    | Finish
)


# What is made by these may be there where their answer is lost.
MAKING = (
    CreateImage,
    CreateServer,
    Harvest,
    CreateVolume,
    UploadVolume,
    CreateSnapshot,
)
# What is made by these for a build that somebody just cancelled would leak.
CREATING = (*MAKING, UploadImage, ImportImage, CopyToStores, CopyImage)

# What is refused of these keeps no build from its end: the next one tries it again.
OPTIONAL = (ShareImage, AcceptImage, Retire, Discard)
# Of these, what is done to results of other builds.
ROTATING = (Retire, Discard)

DELETING = (DeleteImage, DeleteServer, DeleteVolume, DeleteSnapshot)

# --- what is decided --------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """Do this one thing, then look again."""

    action: Action
    reason: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do for ``seconds``; ``percent`` where the guest tells it.

    ``left_s`` is how long the guest needs by earlier builds, None if unknown.
    """

    reason: str
    seconds: float
    percent: int | None = None
    left_s: float | None = None


@dataclass(frozen=True)
class Fail:
    """The build cannot succeed any more; ``role`` whose console tells why.

    ``evidence`` is the line of the console that shows it.
    """

    reason: str
    role: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class Again:
    """An attempt failed for a reason that may pass: note it, and make the next one.

    ``reason``, ``role`` and ``evidence`` are as in `Fail`. ``then`` is the next
    attempt: REBOOT of the same server, or a new SERVER. The marks in ``forget`` were
    of what failed.
    """

    reason: str
    role: str
    evidence: str
    then: str
    forget: tuple[str, ...] = ()


REBOOT, SERVER = "reboot", "server"

Decision = Act | Wait | Fail | Again


def delete_action(resource: Resource) -> Action:
    """Return what removes a resource of the build."""
    kinds: dict[type[Resource], Callable[[str], Action]] = {
        Image: DeleteImage,
        Server: DeleteServer,
        Volume: DeleteVolume,
        Snapshot: DeleteSnapshot,
    }
    return kinds[type(resource)](resource.id)
