"""Boot methods: how the install server comes to run the installer.

One module a method; its file name is the value of ``--boot-method``. A module
offers ``ROOT``, ``images(spec)`` and ``problems(spec)`` as in `BootMethod`.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol, cast

from osc_imagebuild.model import BootImage, Spec


class BootMethod(Protocol):
    """What a module of this package must offer."""

    ROOT: str
    """Role of the image that the server's root disk is made of."""

    def images(self, spec: Spec) -> tuple[BootImage, ...]:
        """Return the images that must be active first, in order of creation."""

    def problems(self, spec: Spec) -> list[str]:
        """Return why this method cannot run this build."""


def names() -> list[str]:
    """Return the boot methods that exist, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__))


def load(name: str) -> BootMethod:
    """Return the boot method ``name``; it must be one of `names`."""
    return cast(BootMethod, importlib.import_module(f"{__name__}.{name}"))
