"""Read from a guest's report how far its system is up to date. Pure.

A report is anybody's word, and a guest's clock may be wrong: times are taken within
bounds alone, by the cloud's clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from osc_imagebuild.model import family

PATCHED_AT = "imagebuild_patched_at"
NEWEST_PACKAGE_AT = "imagebuild_newest_package_at"
# What the guests report: seconds since 1970, and why nothing was updated.
PATCHED, NEWEST, UNPATCHED = "patched", "newest_package", "unpatched"

_SECONDS = re.compile(r"[0-9]{1,10}")
# No system of the catalogue has packages from before 2000, nor from after today.
_OLDEST_S = 946684800
_DAY_S = 86400
_LONGEST_REASON = 200


def properties(
    report: Mapping[str, str], begun_at: float | None, installed_at: float
) -> dict[str, str]:
    """Return the properties of a result that tell how new it is.

    It was updated between the begin of the installation, None where that is not known,
    and the report. The time of a package is the one at which its vendor made it.
    """
    found = {}
    patched_s = _seconds(report.get(PATCHED, ""))
    if patched_s is not None:
        first = installed_at if begun_at is None else min(begun_at, installed_at)
        at = min(max(patched_s, first), installed_at)
        found[PATCHED_AT] = family.iso(at)
    newest_s = _seconds(report.get(NEWEST, ""))
    if newest_s is not None and _OLDEST_S <= newest_s <= installed_at + _DAY_S:
        found[NEWEST_PACKAGE_AT] = family.iso(newest_s)
    return found


def why_not(report: Mapping[str, str]) -> str:
    """Return why the guest could not update its system, '' where it says nothing."""
    said = "".join(c for c in report.get(UNPATCHED, "") if c.isprintable())
    return said.strip()[:_LONGEST_REASON]


def _seconds(text: str) -> int | None:
    return int(text) if _SECONDS.fullmatch(text) else None
