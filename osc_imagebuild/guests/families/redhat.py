"""Family redhat: Anaconda and its kickstart file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests import customization, provision, unix_checks
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return the keyboard by its names among console keymaps and X layouts.

    Source: pykickstart's documentation of keyboard; Anaconda's LAYOUT_VARIANT_RE.
    """
    keyboard = request.keyboard or str(entry.variables["keyboard"])
    layout, _, variant = keyboard.rstrip(")").partition("(")
    return {
        "console_keyboard": f"{layout}-{variant}" if variant else layout,
        "x_keyboard": f"'{layout} ({variant})'" if variant else layout,
    }


def problems(entry: Entry, request: Request) -> list[str]:
    """Refuse wishes that are not well formed."""
    return [
        *unix_checks.problems(entry, request, customization.RPM_PACKAGE),
        *provision.problems(entry, request),
    ]
