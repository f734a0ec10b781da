"""Family redhat: Anaconda and its kickstart file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from osc_imagebuild import values
from osc_imagebuild.catalog import Entry
from osc_imagebuild.model import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Whether the installer and the packages are on a CD."""
    source = request.source or ""
    path = urlsplit(source).path if "://" in source else source
    is_iso = path.lower().endswith(".iso") or "://" not in source
    return {"from_cd": request.boot_method == "cdrom" or bool(source and is_iso)}


def problems(entry: Entry, request: Request) -> list[str]:
    """Wishes that are not well formed."""
    return values.problems(request, values.RPM_PACKAGE) + values.suites(
        request, apt=False
    )
