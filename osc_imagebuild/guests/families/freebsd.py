"""Family freebsd: bsdinstall and its script."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests import accepted, access, customization, disk
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
        *customization.validate_request(request, customization.FREEBSD_PACKAGE),
        *customization.suites(request, apt=False),
        *accepted.validate_regional(entry, request),
        *disk.problems(entry, request),
        *access.problems(entry, request),
        *customization.refused(request, entry.title, _REFUSED),
    ]
