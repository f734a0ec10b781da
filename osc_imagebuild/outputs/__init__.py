"""Outputs: what the build leaves behind.

One module a kind; its file name is the value of ``--output``. Its ``OUTPUT`` offers
what `Output` lists.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol

from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import Result, Step


class Output(Result, Protocol):
    """What the object ``OUTPUT`` of a module of this package must offer."""

    @property
    def needs_volume(self) -> bool:
        """Whether the root disk must be a volume."""

    @property
    def has_visibility(self) -> bool:
        """Whether other projects may be let see it."""

    @property
    def keeps(self) -> tuple[str, ...]:
        """Roles of volumes that are the result's."""

    def steps(self, spec: Spec) -> tuple[Step, ...]:
        """Return the steps from a powered-off server to the noted result."""


def names() -> list[str]:
    """Return the output kinds that exist, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__))


def load(name: str) -> Output:
    """Return the output kind ``name``; it must be one of `names`."""
    found: Output = importlib.import_module(f"{__name__}.{name}").OUTPUT
    return found
