"""Steps of a build: each tells when it is done, and what to do until then. Pure.

One module for what belongs together; `osc_imagebuild.engine.recipe` puts them in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from osc_imagebuild.model.actions import Action, Decision
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.resources import Image, Snapshot, Volume
from osc_imagebuild.model.spec import Spec


class Step(Protocol):
    """One step; ``sees`` names the parts of the cloud that its evidence is in."""

    @property
    def name(self) -> str: ...

    @property
    def sees(self) -> frozenset[str]: ...

    def done(self, spec: Spec, facts: Facts) -> bool: ...

    def decide(self, spec: Spec, facts: Facts) -> Decision: ...


class Result(Protocol):
    """What a build leaves behind, as far as its steps ask; an output answers it."""

    @property
    def cinder_source(self) -> str:
        """What Cinder calls such a result where a volume is made of it."""

    @property
    def sees(self) -> frozenset[str]:
        """Parts of the cloud that the result is in, as a step's."""

    def result(self, facts: Facts) -> Image | Volume | Snapshot | None:
        """Return the result, None where it is not there."""

    def ids(self, facts: Facts) -> Mapping[str, str]:
        """Return the IDs of all that must stay, the result's own first."""

    def published(self, spec: Spec, facts: Facts) -> bool:
        """Whether the result is the user's."""

    def publish(self, spec: Spec, facts: Facts) -> Action:
        """Return what comes next until the result is the user's."""
