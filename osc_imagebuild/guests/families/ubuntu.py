"""Family ubuntu: Ubuntu Server's installer and its autoinstall file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests import (
    curtin_storage,
    customization,
    disk,
    provision,
    unix_checks,
)
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import machine
from osc_imagebuild.model.request import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return what apt installs at the end, once the user's repositories are there.

    A smaller source than the server's has neither locales nor time zones. The
    installer takes a keyboard's variant apart from its layout.
    """
    wanted = {"locales", "tzdata", *entry.variables["packages"], *request.packages}
    keyboard = request.keyboard or str(entry.variables["keyboard"])
    layout, _, variant = keyboard.rstrip(")").partition("(")
    return {
        "late_packages": sorted(wanted),
        "keyboard_layout": layout,
        "keyboard_variant": variant,
        "storage": curtin_storage.actions(
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
