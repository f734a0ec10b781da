"""Build operating-system images on an OpenStack cloud with the vendor's installer.

As a library::

    import openstack
    from osc_imagebuild import Builder, Request

    builder = Builder(openstack.connect(cloud="mycloud"))
    build = builder.create(Request(name="golden", os="debian-13"))

What is listed in ``__all__`` is the public interface; the modules below may move.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osc_imagebuild import template
    from osc_imagebuild.builder import Builder
    from osc_imagebuild.builder.keeping import Refreshed
    from osc_imagebuild.builder.looking import Listing, Screenshot, State
    from osc_imagebuild.builder.testing import Tested
    from osc_imagebuild.builds.copies import Copied
    from osc_imagebuild.builds.families import Family
    from osc_imagebuild.builds.fleet import Fleet, Outcome
    from osc_imagebuild.builds.orphans import Orphan
    from osc_imagebuild.builds.pruning import Fate, Pruned
    from osc_imagebuild.builds.record import Record
    from osc_imagebuild.cloud.access_rules import AccessRule
    from osc_imagebuild.engine.events import Event, EventKind
    from osc_imagebuild.errors import (
        CloudError,
        ConflictError,
        DrivenError,
        Evidence,
        ImageBuildError,
        InstallError,
        LockedError,
        Message,
        NextStep,
        NotFoundError,
        RecordError,
        ScreenError,
        SpecError,
        TransientError,
        Verb,
    )
    from osc_imagebuild.guests.catalog import Catalog
    from osc_imagebuild.model.checks import Check
    from osc_imagebuild.model.copies import Copy
    from osc_imagebuild.model.findings import Finding, Works
    from osc_imagebuild.model.freshness import Freshness
    from osc_imagebuild.model.inputs import Inputs
    from osc_imagebuild.model.names import Status
    from osc_imagebuild.model.own_tests import OwnTest
    from osc_imagebuild.model.request import File, Repository, Request, User
    from osc_imagebuild.planning.plan import Plan
    from osc_imagebuild.planning.trials import TrialPlan
    from osc_imagebuild.reports.report import Picture, Report
    from osc_imagebuild.retry import Hardware
    from osc_imagebuild.template import Template
    from osc_imagebuild.upkeep.tasks import Applied, End, Looked, Task, ToDo, Wish

_HOMES = {
    "builder": ("Builder",),
    "builder.keeping": ("Refreshed",),
    "builder.looking": ("Listing", "Screenshot", "State"),
    "builder.testing": ("Tested",),
    "builds.copies": ("Copied",),
    "builds.families": ("Family",),
    "builds.fleet": ("Fleet", "Outcome"),
    "builds.orphans": ("Orphan",),
    "builds.pruning": ("Fate", "Pruned"),
    "builds.record": ("Record",),
    "cloud.access_rules": ("AccessRule",),
    "engine.events": ("Event", "EventKind"),
    "errors": (
        "CloudError",
        "ConflictError",
        "DrivenError",
        "Evidence",
        "ImageBuildError",
        "InstallError",
        "LockedError",
        "NotFoundError",
        "RecordError",
        "ScreenError",
        "SpecError",
        "TransientError",
        "Message",
        "NextStep",
        "Verb",
    ),
    "guests.catalog": ("Catalog",),
    "model.checks": ("Check",),
    "model.copies": ("Copy",),
    "model.findings": ("Finding", "Works"),
    "model.freshness": ("Freshness",),
    "model.inputs": ("Inputs",),
    "model.names": ("Status",),
    "model.own_tests": ("OwnTest",),
    "model.request": ("File", "Repository", "Request", "User"),
    "planning.plan": ("Plan",),
    "planning.trials": ("TrialPlan",),
    "reports.report": ("Picture", "Report"),
    "retry": ("Hardware",),
    "template": ("Template",),
    "upkeep.tasks": ("Applied", "End", "Looked", "Task", "ToDo", "Wish"),
}
# Modules that are public as such.
_MODULES = ("template",)
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AccessRule",
    "Applied",
    "Builder",
    "Catalog",
    "Check",
    "CloudError",
    "ConflictError",
    "Copied",
    "Copy",
    "DrivenError",
    "End",
    "Event",
    "EventKind",
    "Evidence",
    "Family",
    "Fate",
    "File",
    "Finding",
    "Fleet",
    "Freshness",
    "Hardware",
    "ImageBuildError",
    "Inputs",
    "InstallError",
    "Listing",
    "LockedError",
    "Looked",
    "Message",
    "NextStep",
    "NotFoundError",
    "Orphan",
    "Outcome",
    "OwnTest",
    "Picture",
    "Plan",
    "Pruned",
    "Record",
    "RecordError",
    "Refreshed",
    "Report",
    "Repository",
    "Request",
    "ScreenError",
    "Screenshot",
    "SpecError",
    "State",
    "Status",
    "Task",
    "Template",
    "Tested",
    "ToDo",
    "TransientError",
    "TrialPlan",
    "User",
    "Verb",
    "Wish",
    "Works",
    "template",
]


def __getattr__(name: str) -> Any:
    # The package is imported on every `openstack` call: load nothing early.
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
