"""Outputs: what the build leaves behind.

One module a kind; its file name is the value of ``--output``. A module offers
what `Output` lists.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osc_imagebuild.actions import Action
    from osc_imagebuild.model import Facts, Image, Snapshot, Spec, Volume
    from osc_imagebuild.steps import Step


class Output(Protocol):
    """What a module of this package must offer."""

    SOURCE: str
    """What Cinder calls such a result where a volume is made of it."""

    NEEDS_VOLUME: bool
    """Whether the root disk must be a volume."""

    SEES: frozenset[str]
    """Parts of the cloud that the result is in, as a step's."""

    KEEPS: tuple[str, ...]
    """Roles of volumes that are the result's."""

    def steps(self, spec: Spec) -> tuple[Step, ...]:
        """Return the steps from a powered-off server to the noted result."""

    def result(self, facts: Facts) -> Image | Volume | Snapshot | None:
        """Return the result, None where it is not there."""

    def ids(self, facts: Facts) -> Mapping[str, str]:
        """Return the IDs of all that must stay, the result's own first."""

    def published(self, spec: Spec, facts: Facts) -> bool:
        """Whether the result is the user's."""

    def publish(self, spec: Spec, facts: Facts) -> Action:
        """Return what comes next until the result is the user's."""


def names() -> list[str]:
    """Return the output kinds that exist, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__))


def load(name: str) -> Output:
    """Return the output kind ``name``; it must be one of `names`."""
    return cast(Output, importlib.import_module(f"{__name__}.{name}"))
