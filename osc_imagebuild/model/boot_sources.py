"""Images and volumes that an install server boots from.

Frozen, free of I/O, standard library only. Boot methods name these parts,
steps see to it that they exist, and `osc_imagebuild.media` makes the bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from osc_imagebuild.model.contents import Disc

# --- contents of images that a build uploads --------------------------------


@dataclass(frozen=True)
class StubDisk:
    """A tiny bootable disk that runs this iPXE script."""

    script: str
    disk_format: str = "qcow2"


@dataclass(frozen=True)
class EfiStubDisk:
    """A tiny bootable disk for UEFI machines that runs this GRUB script."""

    script: str
    arch: str
    disk_format: str = "qcow2"


@dataclass(frozen=True)
class BlankDisk:
    """A disk with nothing on it.

    A raw one is small, whatever its size: servers and volumes enlarge it to their own.
    """

    size_gib: int
    disk_format: str = "qcow2"


@dataclass(frozen=True)
class RemoteFile:
    """A file of an install tree, with the digest it had at planning time."""

    url: str
    sha256: str


@dataclass(frozen=True)
class IsoFile:
    """A file inside of an ISO, of which only that part is read.

    The ISO is at ``url``, which may be a path of this machine, or is the image
    ``image_id``. ``version`` is what `osc_imagebuild.media.iso_files` made of it and of the
    files ``paths`` at planning time; ``path`` is one of these.
    """

    url: str
    image_id: str
    version: str
    paths: tuple[str, ...]
    path: str


@dataclass(frozen=True)
class AnswerCd:
    """A CD with answers; ``files`` maps their paths to names of the build's texts.

    A name that is no text's stands for an empty file. ``texts`` maps paths to what
    is the same for all builds.
    """

    label: str
    files: Mapping[str, str]
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlainText:
    """A text as it is."""

    text: str


@dataclass(frozen=True)
class IsoContent:
    """An installer's ISO at a URL or a path of this machine.

    Digests are '' where nobody knows them. With ``imported`` Glance fetches
    it by itself, else it passes through the client, which verifies it.
    """

    url: str
    sha256: str = ""
    sha512: str = ""
    imported: bool = False

    def may_be(self, sha512: str) -> bool:
        """Whether an active image is this; ``sha512`` is '' if Glance has another kind.

        Source: glance-api.conf's hashing_algorithm.
        """
        is_told = bool(sha512) or self.imported
        return not (self.sha512 and is_told) or sha512 == self.sha512


@dataclass(frozen=True)
class RemasteredIso:
    """An installer's ISO with files put into it on its way through the client.

    ``files`` and ``texts`` are as in `AnswerCd`.
    """

    media: IsoContent
    files: Mapping[str, str]
    texts: Mapping[str, str]


Content = (
    StubDisk
    | EfiStubDisk
    | BlankDisk
    | RemoteFile
    | IsoFile
    | AnswerCd
    | PlainText
    | IsoContent
    | RemasteredIso
    | Disc
)


@dataclass(frozen=True)
class BootImage:
    """An image that must be active before the install server can start.

    ``refs`` maps property names to the roles whose image IDs they take.
    ``shared_key`` names content that several builds use: such an image is
    found again by any client and is not hidden behind one build's tag.
    """

    role: str
    disk_format: str
    container_format: str
    content: Content
    properties: Mapping[str, str] = field(default_factory=dict)
    refs: Mapping[str, str] = field(default_factory=dict)
    shared_key: str = ""

    @property
    def is_to_prove(self) -> bool:
        """Whether nobody knows its sha512 before a client has read the content.

        A tag can be anybody's: what is shared is believed by Glance's sha512 alone.
        """
        return bool(self.shared_key) and not isinstance(self.content, IsoContent)


# --- volumes ----------------------------------------------------------------


@dataclass(frozen=True)
class BootVolume:
    """A volume that must be there before the install server can start.

    It is made of the image of ``image_role``, or of the image ``image_id``
    that the user has, else of nothing: then ``properties`` and ``refs`` are what that
    image would say, as of a `BootImage`. It has ``size_gib``, or what that image needs.
    ``cdrom`` tells how the server sees it, ``boots`` whether it may start from it.
    """

    role: str
    image_role: str = ""
    image_id: str = ""
    size_gib: int = 0
    cdrom: bool = False
    boots: bool = True
    properties: Mapping[str, str] = field(default_factory=dict)
    refs: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        """Whether it is made of no image."""
        return not (self.image_role or self.image_id)


@dataclass(frozen=True)
class Device:
    """A volume as a server gets it; ``boot_index`` is None where it can't boot."""

    volume_id: str
    cdrom: bool = False
    boot_index: int | None = 0
