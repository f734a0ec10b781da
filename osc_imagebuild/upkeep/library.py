"""What upkeep asks of the library: `osc_imagebuild.builder.Builder` offers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from osc_imagebuild.builds.copies import Copied
from osc_imagebuild.builds.fleet import Fleet, every
from osc_imagebuild.builds.record import Record
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.freshness import Freshness
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Rotation
from osc_imagebuild.planning.plan import Plan


class Library(Protocol):
    """Builds and copies images one by one, and tells of them."""

    def outdated(
        self,
        request: Request,
        *,
        max_age_s: int | None = None,
        catalog: Catalog | None = None,
        parent_anew: bool = False,
    ) -> Freshness: ...

    def plan(self, request: Request, catalog: Catalog | None = None) -> Plan: ...

    def start(self, plan: Plan, *, wait: bool = True) -> Record: ...

    def missing_copies(
        self, image: str | Image, copies_wanted: Sequence[Copy]
    ) -> Sequence[Copied]: ...

    def missing_stores(
        self, image: str | Image, stores_wanted: Sequence[str], *, every: bool = False
    ) -> Sequence[str]: ...

    def copy_to_stores(self, image: str, stores_wanted: Sequence[str]) -> str: ...

    def copy(
        self,
        image: str,
        copy_to: Sequence[Copy],
        *,
        verify: bool = False,
        rotation: Rotation | None = None,
    ) -> Sequence[Copied]: ...

    def unfinished(self) -> Sequence[Record]: ...

    def find(self, build: str) -> Record: ...

    def fleet(self, only: Callable[[Record], bool] = every) -> Fleet: ...
