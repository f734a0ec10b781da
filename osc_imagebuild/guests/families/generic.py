"""Family generic: whatever data file and templates say by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests import access, customization, provision
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return nothing: the common variables are enough."""
    return {}


def problems(entry: Entry, request: Request) -> list[str]:
    """Refuse what only a family can carry out, rather than ignore it.

    What an existing image can be given its catalogue entry says itself.
    """
    if request.has_parent:
        why = "which files its package manager and its trust have, no family tells"
        return [
            *customization.validate_request(request, customization.RPM_PACKAGE),
            *customization.refused(request, entry.name, {"ca_certificates": why}),
            *access.unknown(request, entry.name, why),
            *provision.problems(entry, request),
        ]
    return customization.refused(
        request, entry.name, dict.fromkeys(customization.FIELDS, "")
    )
