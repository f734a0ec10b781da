"""Family agama: SUSE's installer Agama and its JSON profile."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.guests.families import suse
from osc_imagebuild.model.request import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return the time zone as Agama calls it."""
    return {"timezone": _as_agama_has_it(entry, request).timezone}


def problems(entry: Entry, request: Request) -> list[str]:
    """Refuse what SUSE's installers do not take, by the lists of Agama."""
    return suse.problems(entry, _as_agama_has_it(entry, request))


def _as_agama_has_it(entry: Entry, request: Request) -> Request:
    """The time zone that is UTC, by the only name that Agama has for it.

    All others call it Etc/UTC, which Agama takes for a name of the past.
    Source: agama, rust/agama-locale-data/src/deprecated_timezones.rs.
    """
    timezone = request.timezone or str(entry.variables["timezone"])
    if timezone == "Etc/UTC":
        timezone = "UTC"
    return dataclasses.replace(request, timezone=timezone)
