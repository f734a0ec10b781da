"""List every sentence that a verdict can say, for the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from osc_imagebuild.monitors.console import restarts, sign_files, verdict, waiting
from osc_imagebuild.monitors.console.signs import Signs

# What is in the place of the guest's own words.
_PLACE = re.compile(r"\{(?:line|items|\d|:\.0f|)\}")
_OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
NAMES = {
    "agama": "Agama: SLES 16, openSUSE Leap 16",
    "debian": "debian-installer",
    "freebsd": "FreeBSD",
    "redhat": "Anaconda: Fedora, RHEL and its kin",
    "suse": "linuxrc and YaST: SLES 15, openSUSE Leap 15, Tumbleweed",
    "ubuntu": "Ubuntu's server installer",
    "windows": "Windows",
    sign_files.COMMON: "Every installer",
    sign_files.BOOT: "A result that is booted",
}


def of(family: str) -> list[str]:
    """Return what is said of a family's consoles, in the order it is looked for."""
    return list(dict.fromkeys(map(_shown, _told(sign_files.read(family)))))


def general() -> list[str]:
    """Return what is said by the rules, whatever the installer."""
    off = (verdict.NO_REPORT, verdict.NO_REPORT + verdict.MUST_REPORT)
    early = (verdict.WENT_OFF, verdict.WENT_OFF + verdict.EARLY)
    well = (verdict.REPORTED, verdict.ENDED, verdict.ENDED_AGAIN)
    so_far = (verdict.UP, verdict.NOTHING_WRONG)
    rest = (restarts.AGAIN, waiting.WAITS, verdict.NO_LIFE)
    return list(map(_shown, (*well, *so_far, *off, *early, *rest)))


def page() -> str:
    """Return all of them as reStructuredText, a section for each family."""
    parts = [_section("What the rules say by themselves", general())]
    for family in (sign_files.COMMON, *sign_files.families(), sign_files.BOOT):
        parts.append(_section(NAMES[family], of(family)))
    return "\n".join(parts)


def _told(signs: Signs) -> Iterator[str]:
    groups = (signs.failures, signs.causes, signs.troubles, signs.complaints)
    for group in (*groups, signs.stuck, signs.questions):
        yield from (sentence for _, sentence in group if sentence)


def _shown(sentence: str) -> str:
    return _PLACE.sub("...", sentence)


def _marked(sentence: str) -> str:
    """As reStructuredText, options as they are typed."""
    return _OPTION.sub(r"``\g<0>``", sentence.replace("*", r"\*"))


def _section(title: str, sentences: list[str]) -> str:
    lines = [f"* {_marked(sentence)}" for sentence in sentences]
    return "\n".join((title, "-" * len(title), "", *lines, ""))
