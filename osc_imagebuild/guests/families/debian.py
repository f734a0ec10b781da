"""Family debian: debian-installer and its preseed file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests import customization, disk, partman, provision, unix_checks
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import machine
from osc_imagebuild.model.request import Request

_NO_LOCALE = ("", "C", "C.UTF-8", "POSIX")


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return how the disk is divided, and what apt installs once all repositories are there."""
    late = {*request.packages}
    if request.locale not in _NO_LOCALE:
        late.add("locales")
    return {
        "packages": sorted(entry.variables["packages"]),
        "late_packages": sorted(late),
        "recipe": partman.recipe(
            disk.disk(entry, request),
            request.arch,
            uefi=machine.firmware(request) == "uefi",
        ),
    }


def problems(entry: Entry, request: Request) -> list[str]:
    """Refuse wishes that are not well formed."""
    return [
        *unix_checks.problems(entry, request, customization.DEBIAN_PACKAGE, apt=True),
        *provision.problems(entry, request),
    ]
