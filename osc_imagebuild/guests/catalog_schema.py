"""Is what a catalogue file says of the kind that its key takes? Pure.

A site writes such files by hand, and most of what is in them is used only while a
guest runs: an expression that is none would end a build there.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from osc_imagebuild.media import answer_cd


class Kind(NamedTuple):
    """What a value must be, and how that is called."""

    fits: Callable[[Any], bool]
    words: str


def is_expression(value: object) -> bool:
    """Whether this is a regular expression."""
    if not isinstance(value, str):
        return False
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _a(kind: type, words: str) -> Kind:
    return Kind(lambda value: isinstance(value, kind), words)


def _row(*kinds: Kind) -> Kind:
    """A list of as many values as there are kinds."""

    def fits(value: object) -> bool:
        return (
            isinstance(value, list | tuple)
            and len(value) == len(kinds)
            and all(kind.fits(v) for kind, v in zip(kinds, value, strict=True))
        )

    return Kind(fits, f"[{', '.join(kind.words for kind in kinds)}]")


_ANY, _TEXT, _LIST = _a(object, ""), _a(str, "a text"), _a(list, "a list")
_TEXTS = Kind(
    lambda v: isinstance(v, list) and all(isinstance(i, str) for i in v),
    "a list of texts",
)
_MAPPING, _YES_NO = _a(dict, "a mapping"), _a(bool, "true or false")
_EXPRESSION = Kind(is_expression, "a regular expression")
_NUMBER = Kind(lambda v: type(v) is int and v >= 1, "a whole number from 1 on")
_PER_CENT = Kind(lambda v: type(v) is int and 0 <= v <= 100, "per cent")
# None takes away what the family has.
_MAYBE_MAPPING = Kind(lambda v: v is None or isinstance(v, dict), "a mapping")

# Keys that are no plain text. Version and end_of_life may be any.
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("version", "end_of_life"), _ANY),
    **dict.fromkeys(
        ("arches", "variables", "verify", "network", "answer_cd"), _MAPPING
    ),
    **dict.fromkeys(
        ("properties", "boot_properties", "driver_properties"), _MAYBE_MAPPING
    ),
    **dict.fromkeys(
        "boot_methods progress failures banners deviations press_key fetches".split(),
        _LIST,
    ),
    **dict.fromkeys(
        "min_ram_mib min_disk_gib result_min_ram_mib timeout_min stall_min".split(),
        _NUMBER,
    ),
    "iso_as_cd": _YES_NO,
    "power_off_sign": _EXPRESSION,
}
# What each item of a list is.
_ITEMS: dict[str, Kind] = {
    "boot_methods": _TEXT,
    "progress": _row(_EXPRESSION, _TEXT, _PER_CENT),
    "failures": _row(_EXPRESSION, _TEXT),
    "banners": _EXPRESSION,
    "deviations": _TEXT,
    "fetches": _TEXT,
    "press_key": Kind(lambda v: v in ("bios", "uefi"), "bios or uefi"),
}
_NOT_EMPTY = ("arches", "boot_methods")
_CD = ("label", "file", "empty", "texts")
# What is in a mapping; where its keys are not fixed, the kind of all others is at "*".
_INSIDE: dict[str, dict[str, Kind]] = {
    "arches": {"*": _MAPPING},
    "arch": {"variables": _MAPPING, "*": _TEXT},
    "variables": {"packages": _TEXTS, "*": _ANY},
    "verify": {
        **{"user_data": _TEXT, "sign": _TEXT, "timeout_min": _NUMBER},
        "config_drive": _YES_NO,
    },
    "network": {"dhcp": _TEXT, "static": _TEXT},
    "answer_cd": {
        **{"label": _TEXT, "file": _TEXT, "remaster": _YES_NO},
        **{"empty": _TEXTS, "texts": _MAPPING},
    },
}


def problems(data: Mapping[str, Any], known: Collection[str]) -> list[str]:
    """Return what is wrong with an entry; ``known`` are all keys that it may have."""
    return [line for key, value in data.items() for line in _of(key, value, known)]


def _of(key: str, value: Any, known: Collection[str]) -> Iterator[str]:
    if key not in known:
        near = difflib.get_close_matches(str(key), known, 1)
        yield f"{key}: no such key" + (f"; did you mean {near[0]}?" if near else "")
        return
    kind = _KINDS.get(key, _TEXT)
    if not kind.fits(value):
        yield _wrong(key, kind, value)
        return
    if item := _ITEMS.get(key):
        for number, part in enumerate(value, 1):
            if not item.fits(part):
                yield _wrong(f"{key}[{number}]", item, part)
    if key in _NOT_EMPTY and not value:
        yield f"{key} needs at least one"
    if key in _INSIDE:
        yield from _inside(key, value, _INSIDE[key])
    if key == "answer_cd" and value:
        yield from _answer_cd(value)
    if key == "arches":
        for arch, part in value.items():
            if isinstance(part, dict):
                yield from _inside(f"arches.{arch}", part, _INSIDE["arch"])


def _inside(
    where: str, value: Mapping[Any, Any], kinds: Mapping[str, Kind]
) -> Iterator[str]:
    for key, part in value.items():
        kind = kinds.get(key, kinds.get("*"))
        if not isinstance(key, str):
            yield f"{where}: a key must be a text, not {key!r:.60}"
        elif kind is None:
            yield f"{where}.{key}: no such key; there are: {', '.join(kinds)}"
        elif not kind.fits(part):
            yield _wrong(f"{where}.{key}", kind, part)


def _answer_cd(cd: Mapping[Any, Any]) -> Iterator[str]:
    """What is wrong with the CD as a whole, where its parts are of the right kinds."""
    if "file" not in cd:
        yield "answer_cd.file missing"
    if all(_INSIDE["answer_cd"][key].fits(cd[key]) for key in cd if key in _CD):
        files = [cd["file"]] if "file" in cd else []
        paths = [*files, *cd.get("empty", ()), *map(str, cd.get("texts", ()))]
        for line in answer_cd.problems(cd.get("label", ""), paths):
            yield f"answer_cd: {line}"


def _wrong(where: str, kind: Kind, value: object) -> str:
    return f"{where} takes {kind.words}; not {value!r:.60}"
