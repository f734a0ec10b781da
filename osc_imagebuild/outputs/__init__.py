"""Outputs: what the build leaves behind.

One module a kind; its file name is the value of ``--output``. A module offers
``steps(spec)``, from a server that is off to a result that can be booted.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from osc_imagebuild.model import Spec
    from osc_imagebuild.steps import Step


class Output(Protocol):
    """What a module of this package must offer."""

    def steps(self, spec: Spec) -> tuple[Step, ...]:
        """Return the steps from a powered-off server to the hidden result."""


def names() -> list[str]:
    """Return the output kinds that exist, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__))


def load(name: str) -> Output:
    """Return the output kind ``name``; it must be one of `names`."""
    return cast(Output, importlib.import_module(f"{__name__}.{name}"))
