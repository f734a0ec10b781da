"""Family agama: SUSE's installer Agama and its JSON profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.catalog import Entry
from osc_imagebuild.guests import suse
from osc_imagebuild.model import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Nothing beside the common variables."""
    return {}


def problems(entry: Entry, request: Request) -> list[str]:
    """What no installer of SUSE's takes, and locales that this one does not."""
    found = suse.problems(entry, request)
    if request.locale in ("C", "POSIX", "C.UTF-8"):
        # Source: agama-locale-data, LocaleId: a language and a territory.
        found.append(
            f"{entry.title} takes no locale {request.locale}: its installer wants one "
            "such as en_US.UTF-8"
        )
    return found
