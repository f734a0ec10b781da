"""Family debian: debian-installer and its preseed file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests import accepted, customization, provision
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request

_NO_LOCALE = ("", "C", "C.UTF-8", "POSIX")


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return what apt installs at the end, once the user's repositories are there."""
    late = {*request.packages}
    if request.locale not in _NO_LOCALE:
        late.add("locales")
    return {
        "packages": sorted(entry.variables["packages"]),
        "late_packages": sorted(late),
    }


def problems(entry: Entry, request: Request) -> list[str]:
    """Refuse wishes that are not well formed."""
    return [
        *customization.validate_request(request, customization.DEBIAN_PACKAGE),
        *customization.suites(request, apt=True),
        *accepted.validate_regional(entry, request),
        *provision.problems(entry, request),
    ]
