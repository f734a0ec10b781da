"""Choose what an image tells of itself by a standard of clouds. Pure.

A promise is the weakest that what is known allows: the user's properties go over it.
"""

from __future__ import annotations

import re

from osc_imagebuild import outputs
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import metadata
from osc_imagebuild.model.family import Old
from osc_imagebuild.model.metadata import Standard
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.urls import shown_url
from osc_imagebuild.planning.stage import Stage

# Of an end of life such as '2026-07-11, for LTS 2028-06-30', the date of all that is free.
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# What makes an image something else than its vendor's system.
_CUSTOMISING = (
    "answer_file",
    "packages",
    "repositories",
    "files",
    "contents",
    "commands",
    "ansible",
    "hardening",
    "users",
    "root_password",
    "ssh_public_keys",
)
_AWAY = (Old.HIDE, Old.COMMUNITY, Old.DELETE)
# Ways to put an image away that leave it to those who know its ID.
_STAYING = (Old.KEEP, Old.HIDE, Old.COMMUNITY)


def problems(request: Request) -> list[str]:
    """Return what is wrong with the properties that a standard is to have."""
    if not request.metadata:
        return []
    if request.metadata not in list(Standard):
        return [
            f"no metadata standard {request.metadata!r:.60}; there are: "
            f"{', '.join(Standard)}"
        ]
    output = outputs.find(request.output)
    if output is not None and Image not in output.kinds:
        return [
            f"--metadata {request.metadata} is for images: leave it out, or build an image"
        ]
    found = metadata.problems(request.properties)
    shown = request.visibility == "public" and request.replace
    if shown and request.old not in _AWAY and purpose(request) == "generic":
        found.append(
            f"SCS-0102 wants one public image of a system to be generic, and --old "
            f"{request.old:.20} would leave several in the list: give --old hide, or "
            "--property os_purpose=custom"
        )
    return found


def dated_ahead(request: Request, now: float) -> list[str]:
    """Return what is wrong with a build date that is later than the build."""
    said = request.properties.get(metadata.BUILD_DATE, "") if request.metadata else ""
    if (metadata.moment(said) or 0) <= now:
        return []
    return [
        f"{metadata.BUILD_DATE} {said} is later than today: leave it out, and the build "
        "tells it"
    ]


def purpose(request: Request) -> str:
    """Return what an image is for: generic, unless anything was asked to be in it."""
    if said := request.properties.get(metadata.PURPOSE):
        return said
    changed = request.has_parent or any(getattr(request, f) for f in _CUSTOMISING)
    return "custom" if changed else "generic"


def properties(request: Request, entry: Entry, source: str) -> dict[str, str]:
    """Return what a standard has an image say, as far as it is known before the build.

    ``source`` is what the system is installed from; the user's own properties are among
    these.
    """
    if request.metadata != Standard.SCS:
        return {}
    known = {
        "hw_disk_bus": entry.properties.get("hw_disk_bus", "virtio"),
        metadata.PURPOSE: purpose(request),
        metadata.ORIGINAL_USER: entry.login_user
        or entry.properties.get("os_admin_user", ""),
        metadata.FREQUENCY: "critical_bug" if request.replace else "never",
        metadata.VALIDITY: _validity(request),
        metadata.UNTIL: _until(entry),
        metadata.SOURCE: "private",
        metadata.DESCRIPTION: _description(request, entry, source),
    }
    known |= {k: v for k, v in request.properties.items() if k in known}
    return {name: value for name, value in known.items() if value}


def check(request: Request, told: dict[str, str]) -> Stage[None]:
    """Tell what is promised, and what the standard wants and nobody knows.

    ``told`` are all properties of the result.
    """
    if request.metadata != Standard.SCS:
        return Stage()
    lacking = [
        f"SCS-0102 wants the property {name}, which the catalogue does not tell of this "
        f"system: give --property {name}=..."
        for name in metadata.missing(told)
    ]
    promised = (metadata.FREQUENCY, metadata.VALIDITY, metadata.UNTIL)
    words = ", ".join(f"{name} {told.get(name, '')}" for name in promised)
    note = f"metadata {request.metadata}: {words}; --property promises something else"
    return Stage(notes=(note,), problems=(*lacking, *metadata.problems(told)))


def _validity(request: Request) -> str:
    """Return how long an image can be found by its ID once a newer one is there."""
    stays = request.replace and request.old in _STAYING and request.keep > 0
    return f"last-{request.keep}" if stays else "none"


def _until(entry: Entry) -> str:
    day = _DAY.match(entry.end_of_life)
    return day.group() if day and metadata.moment(day.group()) else "none"


def _description(request: Request, entry: Entry, source: str) -> str:
    made = "made of" if request.has_parent else "installed from"
    text = f"{entry.title}, {made} {shown_url(source)} by osc-imagebuild"
    return "".join(c for c in text if c.isprintable() and ord(c) <= 0xFFFF)[:255]
