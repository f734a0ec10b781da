"""What standards of clouds ask of an image's properties. Standard library only.

Source: SovereignCloudStack/standards, Standards/scs-0102-v1-image-metadata.md (1.1), and
the tests that go with it, Tests/iaas/scs_0102_image_metadata.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from enum import StrEnum


class Standard(StrEnum):
    """A standard that an image's metadata can follow."""

    SCS = "scs"


PURPOSE, FREQUENCY = "os_purpose", "replace_frequency"
BUILD_DATE, ORIGINAL_USER = "image_build_date", "image_original_user"
VALIDITY, UNTIL, HOTFIX = "uuid_validity", "provided_until", "hotfix_hours"
SOURCE, DESCRIPTION, PATCH_LEVEL = "image_source", "image_description", "patchlevel"
# What an image must have of it; a build adds the date itself.
MANDATORY = (
    "architecture",
    "os_distro",
    "os_version",
    "hw_disk_bus",
    PURPOSE,
    ORIGINAL_USER,
    FREQUENCY,
    VALIDITY,
    UNTIL,
    SOURCE,
    DESCRIPTION,
)
# Version 2 adds oldgeneric, for what another image has taken the place of.
PURPOSES = ("generic", "minimal", "k8snode", "gpu", "network", "custom")
FREQUENCIES = (
    "yearly",
    "quarterly",
    "monthly",
    "weekly",
    "daily",
    "critical_bug",
    "never",
)
_BUSES = ("scsi", "virtio")
_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_DATE = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?", re.ASCII)
_LAST = re.compile(r"last-[0-9]{1,4}")
_HOURS = re.compile(r"[0-9]{1,5}")
_PLACE = re.compile(r"(https?|ftps?)://[^\s/@]+(/[^\s]*)?")
_LONGEST = 255


def moment(text: str) -> float | None:
    """Return a date, or a date and time, of UTC in seconds; None where it is none."""
    if not _DATE.fullmatch(text):
        return None
    for form in _FORMATS:
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        return found.replace(tzinfo=timezone.utc).timestamp()
    return None


def problems(properties: Mapping[str, str]) -> list[str]:
    """Return what is wrong, by SCS-0102, with those of its properties that are there."""
    return [
        f"SCS-0102 takes {wanted} as {name}, not {properties[name]!r:.60}"
        for name, (wanted, is_right) in _RULES.items()
        if name in properties and not is_right(properties[name])
    ]


def missing(properties: Mapping[str, str]) -> list[str]:
    """Return which mandatory properties of SCS-0102 an image would not have."""
    return [name for name in MANDATORY if not properties.get(name)]


def _is_day(text: str) -> bool:
    return len(text) == 10 and moment(text) is not None


def _is_text(text: str) -> bool:
    return bool(text.strip()) and len(text) <= _LONGEST


_RULES = {
    PURPOSE: (f"one of {', '.join(PURPOSES)}", PURPOSES.__contains__),
    FREQUENCY: (f"one of {', '.join(FREQUENCIES)}", FREQUENCIES.__contains__),
    BUILD_DATE: (
        "YYYY-MM-DD or YYYY-MM-DD hh:mm[:ss]",
        lambda text: moment(text) is not None,
    ),
    ORIGINAL_USER: (
        "the name of a user, or none,",
        lambda text: _is_text(text) and len(text.split()) == 1,
    ),
    VALIDITY: (
        "none, last-N, YYYY-MM-DD, notice or forever",
        lambda text: (
            text in ("none", "notice", "forever")
            or bool(_LAST.fullmatch(text))
            or _is_day(text)
        ),
    ),
    UNTIL: (
        "none, notice or YYYY-MM-DD",
        lambda text: text in ("none", "notice") or _is_day(text),
    ),
    HOTFIX: ("a number of hours", lambda text: bool(_HOURS.fullmatch(text))),
    SOURCE: (
        "the URL of a place to download it from, or private,",
        lambda text: text == "private" or bool(_PLACE.fullmatch(text)),
    ),
    DESCRIPTION: (f"a URL or 1 to {_LONGEST} characters of text", _is_text),
    PATCH_LEVEL: (f"1 to {_LONGEST} characters", _is_text),
    "hw_disk_bus": (f"{' or '.join(_BUSES)}", _BUSES.__contains__),
    "os_distro": ("a distribution's name", _is_text),
    "os_version": ("a release's version", _is_text),
}
