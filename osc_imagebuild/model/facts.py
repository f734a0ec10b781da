"""A build as it was last seen in the cloud. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osc_imagebuild.model.family import Member
from osc_imagebuild.model.manifest import PhaseScreen
from osc_imagebuild.model.resources import Image, Resource, Server, Snapshot, Volume

if TYPE_CHECKING:
    from osc_imagebuild.model.readings import Signal


@dataclass(frozen=True)
class Mark:
    """Something that was seen once and must not be forgotten."""

    at: float
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """The cloud as last seen. Keys are roles; those of ``signals`` roles and monitors.

    ``family`` are the published results of the build's family, its own too. ``sharing``
    maps the IDs of the result and of its predecessor to the projects that they are shared
    with, and these to 'accepted', 'pending' or 'rejected'. ``screenshots`` are those that
    this client took.
    """

    now: float
    images: Mapping[str, Image] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    consoles: Mapping[str, str] = field(default_factory=dict)
    signals: Mapping[str, Mapping[str, Signal]] = field(default_factory=dict)
    reports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    duplicates: tuple[Resource, ...] = ()
    family: tuple[Member, ...] = ()
    sharing: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    screenshots: tuple[PhaseScreen, ...] = ()
