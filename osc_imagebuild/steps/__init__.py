"""The steps of a build: each knows when it is done, and what to do until then. Pure.

One module for what belongs together; `osc_imagebuild.recipe` puts them in order.
"""

from __future__ import annotations

from typing import Protocol

from osc_imagebuild.actions import Decision
from osc_imagebuild.model import Facts, Spec


class Step(Protocol):
    """One step; ``sees`` names the parts of the cloud that its evidence is in."""

    @property
    def name(self) -> str: ...

    @property
    def sees(self) -> frozenset[str]: ...

    def done(self, spec: Spec, facts: Facts) -> bool: ...

    def decide(self, spec: Spec, facts: Facts) -> Decision: ...
