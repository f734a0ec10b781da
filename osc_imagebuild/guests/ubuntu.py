"""Family ubuntu: Ubuntu Server's installer and its autoinstall file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild import values
from osc_imagebuild.catalog import Entry
from osc_imagebuild.model import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """What apt installs at the end, once the user's repositories are there."""
    return {"late_packages": sorted({*entry.variables["packages"], *request.packages})}


def problems(entry: Entry, request: Request) -> list[str]:
    """Wishes that are not well formed."""
    found = values.problems(request, values.DEBIAN_PACKAGE)
    return found + values.suites(request, apt=True)
