"""Locales, keyboards and time zones that an installer takes, from its own lists.

An installer that is told another name stops, or goes on with something else without
a word, minutes after the build began. The lists are in ``guests/accepted``, one for
each kind of value and vendor; the variable ``accepts`` of a family or release in the
catalogue says which one counts. A line of a list is a name that is taken and, behind
a tab, other names for the same, which are offered as the first one.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import customization
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request

# A list of this name takes the old names of its zones too.
_AND_OLD = "-and-old"


class Known(NamedTuple):
    """The names that are taken, and others with the one that each stands for."""

    names: frozenset[str]
    others: dict[str, str]


def validate_regional(
    entry: Entry,
    request: Request,
    forms: Mapping[str, customization.Form] = customization.FORMS,
) -> list[str]:
    """Return what the entry's installer does not take, with what is nearest to it.

    What a site has set in the catalogue is judged as what a user asks for.
    """
    if request.answer_file is not None:
        return []  # The options are refused beside one, see `preflight.check_answers`.
    refusals = []
    for field, form in forms.items():
        asked = str(getattr(request, field))
        value = asked or str(entry.variables.get(field, ""))
        if not value:
            continue
        whose = "" if asked else f"the variable {field} of the catalogue: "
        where = dict(entry.variables.get("accepts", {})).get(field)
        if not re.fullmatch(form.pattern, value):
            refusals.append(
                f"{whose}this is no {form.words}: {value!r:.60}; write it as "
                f"{_well_formed(field, where, value) or form.example}"
            )
        elif where and not takes(field, where, value):
            refusals.append(
                f"{whose}the installer of {entry.title} knows no {form.words} "
                f"{value!r:.60}{_advice(field, where, value, form.example)}"
            )
    return refusals


def _well_formed(field: str, where: str | None, value: str) -> str:
    """A locale with its character set, as it was most likely meant."""
    match = re.match(r"([a-z]{2,3})[_-]([a-z]{2})(?![a-z])", value, re.I)
    if field != "locale" or not where or not match:
        return ""
    name = f"{match[1].lower()}_{match[2].upper()}.UTF-8"
    near = [name] if takes(field, where, name) else nearest(field, where, name)
    return " or ".join(near)


def _advice(field: str, where: str, value: str, example: str) -> str:
    """What to write, or where to say it, instead."""
    if near := nearest(field, where, value):
        return f"; write it as {' or '.join(near)}"
    if _is_a_zone(field, value) and where != "windows":
        return (
            " by any name; set it with --run-command "
            f"'ln -sf ../usr/share/zoneinfo/{value} /etc/localtime'"
        )
    return f"; write it as one such as {example}"


def _is_a_zone(field: str, value: str) -> bool:
    """Whether there is such a time zone, whoever knows it."""
    return field == "timezone" and takes(field, f"current{_AND_OLD}", value)


def takes(field: str, where: str, value: str) -> bool:
    """Whether a list has this locale, keyboard or time zone."""
    accepted = read(field, where.removesuffix(_AND_OLD))
    return value in accepted.names or (
        where.endswith(_AND_OLD) and value in accepted.others
    )


def nearest(field: str, where: str, value: str) -> list[str]:
    """Return the names of a list that were most likely meant, the best first."""
    names, others = read(field, where.removesuffix(_AND_OLD))
    if value in others:
        return [others[value]]
    if field == "keyboard" and (same := _same_keyboard(value, names)):
        return same
    small = {name.lower(): name for name in [*others, *names]}
    if (name := small.get(value.lower())) is not None:
        return [others.get(name, name)]
    if field == "locale":
        return _near_locale(value, names)
    if _is_a_zone(field, value):
        return []  # One that is spelled alike is another zone.
    if field == "timezone" and (city := _in_other_region(value, names, others)):
        return city
    close = difflib.get_close_matches(value.lower(), small, 1, 0.75)
    return list(dict.fromkeys(others.get(small[n], small[n]) for n in close))


@functools.cache
def read(field: str, where: str) -> Known:
    """Return a list of this package.

    :raises: SpecError where there is none
    """
    names: set[str] = set()
    others: dict[str, str] = {}
    for line in _lines(f"{field}-{where}.txt"):
        name, _, rest = line.partition("\t")
        names.add(name)
        others |= dict.fromkeys(rest.split(), name)
    return Known(frozenset(names), others)


def _lines(file: str) -> list[str]:
    place = importlib.resources.files("osc_imagebuild.guests") / "accepted"
    try:
        text = (place / file).read_text(encoding="utf-8")
    except OSError:
        files = sorted(item.name for item in place.iterdir())
        raise SpecError(
            f"the catalogue's variable accepts names a list that is not there: {file}; "
            f"there are: {', '.join(files)}"
        ) from None
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _same_keyboard(value: str, names: Iterable[str]) -> list[str]:
    """The same keyboard by a name that is taken."""
    for line in _lines("keyboard-names.txt"):
        words = line.split()
        if value.lower() in words and (same := [w for w in words if w in names]):
            return same[:1]
    return []


def _near_locale(value: str, names: Iterable[str]) -> list[str]:
    """Of the same language; people write the UK for Great Britain's code."""
    value = value.replace("_UK.", "_GB.")
    if value in ("C", "POSIX", "C.UTF-8"):
        return [n for n in ("C.UTF-8", "en_US.UTF-8") if n in names][:1]
    language = value.partition("_")[0]
    same = sorted(name for name in names if name.startswith(f"{language}_"))
    if value in same:
        return [value]
    home = [name for name in same if name == f"{language}_{language.upper()}.UTF-8"]
    close = difflib.get_close_matches(value, same or list(names), 2, 0.6)
    return list(dict.fromkeys([*home, *close]))[:2]


def _in_other_region(
    value: str, names: Iterable[str], others: dict[str, str]
) -> list[str]:
    """Berlin, or Asia/Berlin, is Europe/Berlin."""
    city = value.lower().rpartition("/")[2].replace(" ", "_")
    zones = {
        others.get(name, name)
        for name in (*names, *others)
        if name.lower().rpartition("/")[2] == city
    }
    return sorted(zones)[:2]
