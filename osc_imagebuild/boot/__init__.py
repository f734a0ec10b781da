"""Boot methods: how the install server comes to run the installer.

One module a method; its file name is the value of ``--boot-method``. Its ``METHOD``
offers what `BootMethod` lists. Nobody else knows a method by its name: what depends
on the method is asked of it.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Sequence
from typing import Protocol

from osc_imagebuild.model.boot_sources import BootImage, BootVolume, Content
from osc_imagebuild.model.names import Role, shared_tag
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Spec


class BootMethod(Protocol):
    """What the object ``METHOD`` of a module of this package must offer."""

    @property
    def preference(self) -> int:
        """Rank for 'auto': of the methods that can be used, the lowest is taken."""

    @property
    def reason(self) -> str:
        """Why it is a good choice, for the line that tells it; '' for no words."""

    @property
    def takes_tree(self) -> bool:
        """Whether it starts the installer of an install tree."""

    @property
    def takes_iso(self) -> bool:
        """Whether it starts the installer of an ISO."""

    @property
    def starts_installed(self) -> bool:
        """Whether it starts an existing image, of which the root disk is then made."""

    @property
    def iso_keys(self) -> tuple[str, ...]:
        """Keys that the catalogue must have of an architecture to start its ISO."""

    @property
    def boots_iso(self) -> bool:
        """Whether the ISO's own boot loader runs, which may ask for a key."""

    @property
    def starts_signed(self) -> bool:
        """Whether a firmware with Secure Boot starts what it starts."""

    @property
    def uploads_kernel(self) -> bool:
        """Whether this client uploads kernel and ramdisk, else the guest has them."""

    @property
    def needs_volume(self) -> bool:
        """Whether the root disk must be a volume."""

    @property
    def answers_on_cd(self) -> bool:
        """Whether the answers are on a CD, else the command line says where they are."""

    @property
    def command_line_limit(self) -> int:
        """Most bytes of the installer's command line; 0 where there is no limit."""

    @property
    def root(self) -> str:
        """Role of the image that the server's root disk is made of; '' for the user's own."""

    def made_here(self, firmware: str, arch: str) -> Content | None:
        """Return an example of what this machine's tools make, None for nothing.

        `osc_imagebuild.media.content.missing_parts` tells which of them it lacks.
        """

    def refusal(self, arch: str, kernel_url: str) -> str:
        """Return why it cannot start this install tree, '' where it can."""

    def drawback(self, firmware: str) -> str:
        """Return why another method is better with this firmware, '' for no reason."""

    def images(self, spec: Spec) -> tuple[BootImage, ...]:
        """Return the images that must be active first, in order of creation."""

    def cds(self, spec: Spec) -> tuple[BootVolume, ...]:
        """Return the CDs that the server gets beside its root disk."""

    def problems(self, spec: Spec) -> list[str]:
        """Return why this method cannot run this build."""


def names() -> list[str]:
    """Return the boot methods that exist, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__))


def load(name: str) -> BootMethod:
    """Return the boot method ``name``; it must be one of `names`."""
    method: BootMethod = importlib.import_module(f"{__name__}.{name}").METHOD
    return method


def find(name: str) -> BootMethod | None:
    """Return the boot method ``name``, None where there is none, as for 'auto'."""
    return load(name) if name in names() else None


def preference(name: str) -> int:
    """Return the rank of the boot method ``name``, to sort names by."""
    return load(name).preference


def of_trees() -> tuple[str, ...]:
    """Return the boot methods that start an install tree, the preferred one first."""
    takers = (name for name in names() if load(name).takes_tree)
    return tuple(sorted(takers, key=preference))


def of_parents() -> tuple[str, ...]:
    """Return the boot methods that start an existing image, the preferred one first."""
    takers = (name for name in names() if load(name).starts_installed)
    return tuple(sorted(takers, key=preference))


def root_image_id(spec: Spec) -> str:
    """Return the user's own image that the root disk is made of, '' for the build's."""
    is_parent = load(spec.installer.boot_method).starts_installed
    return spec.media.parent.image_id if is_parent else ""


def images(spec: Spec) -> tuple[BootImage, ...]:
    """Return the images that must be active first, in order of creation.

    The disc with contents is no other build's: it goes with the build, and with it
    whatever it holds.
    """
    method = load(spec.installer.boot_method)
    images = method.images(spec)
    if spec.formats.has_blank_root:
        images = tuple(image for image in images if image.role != method.root)
    if not spec.contents:
        return images
    disc = BootImage(Role.CONTENTS, spec.formats.cd, "bare", spec.contents)
    return (*images, disc)


def volumes(spec: Spec) -> tuple[BootVolume, ...]:
    """Return the volumes that the server gets, in the order in which it boots from them."""
    return (*_bootable(spec), *_contents(spec))


def _contents(spec: Spec) -> tuple[BootVolume, ...]:
    """Return the volume with contents, if there is one."""
    if not spec.contents:
        return ()
    disc = BootVolume(
        Role.CONTENTS,
        image_role=Role.CONTENTS,
        size_gib=spec.contents.size_gib,
        cdrom=not spec.contents.as_disk,
        boots=False,
    )
    return (disc,)


def _bootable(spec: Spec) -> tuple[BootVolume, ...]:
    """Return the root volume and the CDs of the boot method, none with a local disk.

    The disk comes first: it is blank at first and the firmware goes on to the
    CD, and an installer that reboots comes up from what it installed.
    """
    if not spec.hardware.has_root_volume:
        return ()
    method = load(spec.installer.boot_method)
    root = BootVolume(
        Role.ROOT,
        image_role=method.root,
        image_id=root_image_id(spec),
        size_gib=spec.hardware.disk_gib,
    )
    if spec.formats.has_blank_root and not root.image_id:
        root = _blank(root, method.images(spec))
    return (root, *method.cds(spec))


def _blank(root: BootVolume, images: Sequence[BootImage]) -> BootVolume:
    """Return a root volume that is made of nothing, and says what its image would."""
    image = next(image for image in images if image.role == root.image_role)
    return dataclasses.replace(
        root, image_role="", properties=image.properties, refs=image.refs
    )


def shared(spec: Spec) -> dict[str, str]:
    """Return the roles of the images that builds share, by the tag of each."""
    return {shared_tag(i.shared_key): i.role for i in images(spec) if i.shared_key}


def unsigned(request: Request, name: str) -> list[str]:
    """Return why a firmware with Secure Boot starts nothing with boot method ``name``.

    It starts what Microsoft has signed: the shim on an ISO, and neither our stubs nor
    a distribution's kernel without its shim.
    """
    if not request.secure_boot or load(name).starts_signed:
        return []
    signed = " or ".join(
        n for n in names() if load(n).starts_signed and not load(n).starts_installed
    )
    return [
        f"boot method {name} starts nothing that is signed, which --secure-boot "
        f"wants; it takes boot method {signed}: an ISO as --source, of a system whose "
        "installer is not told on its command line what to do"
    ]
