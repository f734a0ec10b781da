"""Boot methods: how the install server comes to run the installer.

One module a method; its file name is the value of ``--boot-method``. A module
offers what `BootMethod` lists.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol, cast

from osc_imagebuild.model.boot_sources import BootImage, BootVolume
from osc_imagebuild.model.names import shared_tag
from osc_imagebuild.model.spec import Spec


class BootMethod(Protocol):
    """What a module of this package must offer."""

    ROOT: str
    """Role of the image that the server's root disk is made of."""

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
    return cast(BootMethod, importlib.import_module(f"{__name__}.{name}"))


def volumes(spec: Spec) -> tuple[BootVolume, ...]:
    """Return the volumes that the server boots from, in that order.

    The disk comes first: it is blank at first and the firmware goes on to the
    CD, and an installer that reboots comes up from what it installed.
    """
    if spec.root != "volume":
        return ()
    method = load(spec.boot_method)
    root = BootVolume("root", image_role=method.ROOT, size_gib=spec.disk_gib)
    return (root, *method.cds(spec))


def shared(spec: Spec) -> dict[str, str]:
    """Return the roles of the images that builds share, by the tag of each."""
    images = load(spec.boot_method).images(spec)
    return {shared_tag(i.shared_key): i.role for i in images if i.shared_key}
