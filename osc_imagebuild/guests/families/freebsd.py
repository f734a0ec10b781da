"""Family freebsd: bsdinstall and its script."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests import customization, unix_checks
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request

_REFUSED = {
    "lvm": "there is none on FreeBSD",
    "ansible": "its package is named after the release of Python that it is for; let a "
    "command install and run it",
    "hardening": "no guide of OpenSCAP's is for FreeBSD",
}


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return the group of root's files, wheel: there is no group root."""
    return {
        "files": [
            dataclasses.replace(file, owner="root:wheel")
            if file.owner == "root:root"
            else file
            for file in request.files
        ]
    }


def problems(entry: Entry, request: Request) -> list[str]:
    """Refuse wishes that are not well formed, and what FreeBSD does not have."""
    return [
        *unix_checks.problems(entry, request, customization.FREEBSD_PACKAGE),
        *customization.refused(request, entry.title, _REFUSED),
    ]
