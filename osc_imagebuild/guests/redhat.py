"""Family redhat: Anaconda and its kickstart file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild import values
from osc_imagebuild.catalog import Entry
from osc_imagebuild.model import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Nothing beside the common variables."""
    return {}


def problems(entry: Entry, request: Request) -> list[str]:
    """Wishes that are not well formed."""
    return values.problems(request, values.RPM_PACKAGE) + values.suites(
        request, apt=False
    )
