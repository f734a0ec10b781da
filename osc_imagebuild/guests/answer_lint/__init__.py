"""Check users' own answer files by the grammar of their format. Pure.

One module a format; each has ``read``, which takes a text apart without carrying out,
fetching or expanding anything in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from osc_imagebuild.guests.answer_lint import (
    agama,
    autoyast,
    bsdinstall,
    cloud_config,
    kickstart,
    leftovers,
    preseed,
    unattend,
)
from osc_imagebuild.guests.answer_lint.reading import Finding, Reading

MOST = 10

_READERS: Mapping[str, Callable[[str], Reading]] = {
    "preseed": preseed.read,
    "kickstart": kickstart.read,
    "AutoYaST": autoyast.read,
    "autounattend": unattend.read,
    "autoinstall": cloud_config.read,
    "Agama profile": agama.read,
    "bsdinstall script": bsdinstall.read,
}


def is_known(answer_format: str) -> bool:
    """Whether there is a reader of this format."""
    return answer_format in _READERS


def read(answer_format: str, text: str, release: str = "") -> Reading:
    """Take an answer file apart; nothing is known of one in another format.

    ``release`` is that of a kickstart file, as pykickstart names it.
    """
    try:
        if answer_format == "kickstart":
            return kickstart.read(text, release)
        reader = _READERS.get(answer_format)
        return reader(text) if reader else Reading()
    except RecursionError:
        return Reading(unread="too much stands inside of each other in it")


def mistakes(answer_format: str, text: str, release: str = "") -> list[str]:
    """Return what is wrong in an answer file, a line each; [] where unknown."""
    reading = read(answer_format, text, release)
    unread = [Finding(0, reading.unread)] if reading.unread else []
    return as_lines(unread + findings(reading))


def findings(reading: Reading) -> list[Finding]:
    """All that is to be warned of, in the order of the file."""
    secrets = (
        Finding(
            line, f"a secret in plain text, which all in the build can read: {what}"
        )
        for line, what in reading.secrets
    )
    rest = leftovers.unreplaced(reading.values, reading.scripts)
    return sorted([*reading.mistakes, *secrets, *rest])


def as_lines(all_findings: list[Finding]) -> list[str]:
    """Return the first findings as lines."""
    lines = [f"the answer file, {finding}" for finding in all_findings]
    more = [f"the answer file has {len(lines) - MOST} more of these"]
    return lines[:MOST] + (more if len(lines) > MOST else [])
