"""Check what all Unix-like families check of a request."""

from __future__ import annotations

from osc_imagebuild.guests import accepted, access, customization, disk
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request


def problems(
    entry: Entry, request: Request, package: str, *, apt: bool = False
) -> list[str]:
    """Return what is wrong with a request to a system like Unix.

    ``package`` is a regular expression for the names of its packages; ``apt`` says
    whether its repositories have suites and components.
    """
    return [
        *customization.validate_request(request, package),
        *customization.suites(request, apt=apt),
        *accepted.validate_regional(entry, request),
        *disk.problems(entry, request),
        *access.problems(entry, request),
    ]
