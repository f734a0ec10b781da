"""Outputs: what the build leaves behind.

One module a kind; its file name is the value of ``--output``. Its ``OUTPUT`` offers
what `Output` lists.
"""

from __future__ import annotations

import graphlib
import importlib
import itertools
import pkgutil
from collections.abc import Sequence
from typing import Protocol

from osc_imagebuild.model.resources import Quota, Resource
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
    def kinds(self) -> tuple[type[Resource], ...]:
        """Kinds of resources that the result is made of, in the order to remove them."""

    @property
    def is_hidden(self) -> bool:
        """Whether nobody sees the result in a list before it is published."""

    def quota(self, disk_gib: int) -> Quota:
        """Return what the result takes beside a root disk of ``disk_gib``."""

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
    output: Output = importlib.import_module(f"{__name__}.{name}").OUTPUT
    return output


def find(name: str) -> Output | None:
    """Return the output kind ``name``, None where there is none."""
    return load(name) if name in names() else None


def kinds() -> Sequence[type[Resource]]:
    """Return the kinds of resources of all outputs, in an order to remove them."""
    graph: dict[type[Resource], set[type[Resource]]] = {}
    for output in map(load, names()):
        graph.setdefault(output.kinds[0], set())
        for first, then in itertools.pairwise(output.kinds):
            graph.setdefault(then, set()).add(first)
    return tuple(graphlib.TopologicalSorter(graph).static_order())
