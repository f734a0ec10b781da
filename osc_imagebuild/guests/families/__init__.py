"""Families of operating systems: what their installers have in common.

One module a family, named by an entry's ``family``; it offers what `Family` lists.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, Protocol, cast

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request


class Family(Protocol):
    """What a module of this package must offer."""

    def context(self, entry: Entry, request: Request) -> Mapping[str, Any]:
        """Return the family's own variables."""

    def problems(self, entry: Entry, request: Request) -> list[str]:
        """Return why this request cannot be built."""


def family(name: str) -> Family:
    """Return the module of a family.

    :raises: SpecError where there is none
    """
    names = [m.name for m in pkgutil.iter_modules(__path__)]
    if name not in names:
        raise SpecError(f"unknown family {name!r}; known: {', '.join(names)}")
    return cast(Family, importlib.import_module(f"{__name__}.{name}"))
