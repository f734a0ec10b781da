"""Family generic: whatever data file and templates say by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests import customization
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Nothing beside the common variables."""
    return {}


def problems(entry: Entry, request: Request) -> list[str]:
    """What only a family can carry out is refused, not ignored."""
    return customization.refused(
        request, entry.name, dict.fromkeys(customization.WISHES, "")
    )
