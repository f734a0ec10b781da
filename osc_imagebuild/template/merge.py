"""Merge one template over another. Pure.

Mappings are merged key by key. Lists below ``customise`` and ``verify`` are added to
those of the template below, an item of the same name taking its place; everything else
takes the place of what was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from osc_imagebuild.template.document import Document, Path, Place

# What tells the items of a list apart; commands may be there twice.
NAMED_BY = {
    "files": "path",
    "contents": "path",
    "users": "name",
    "repositories": "name",
    "packages": "",
    "tests": "name",
    "test_files": "path",
    "test_flavors": "",
    "test_networks": "",
    "test_firmware": "",
}
_ADDING = (("customise",), ("verify",))
# Where a list is no field of the same name.
_FIELDS: Mapping[Path, str] = {
    ("verify", "commands"): "tests",
    ("verify", "files"): "test_files",
    ("verify", "flavors"): "test_flavors",
    ("verify", "networks"): "test_networks",
    ("verify", "firmware"): "test_firmware",
}


def merge(base: Document, top: Document) -> Document:
    """Return ``base`` as ``top`` changes it."""
    places: dict[Path, Place] = {(): top.place(())}
    data = _mapping((), base, base.data, top, top.data, places)
    return Document(data, places)


def _mapping(
    path: Path,
    base: Document,
    old: Mapping[str, Any],
    top: Document,
    new: Mapping[str, Any],
    places: dict[Path, Place],
) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key in dict.fromkeys((*old, *new)):
        here = (*path, key)
        if key not in new:
            merged[key] = old[key]
            _copy(base, here, here, old[key], places)
        elif isinstance(old.get(key), dict) and isinstance(new[key], dict):
            places[here] = top.place(here)
            merged[key] = _mapping(here, base, old[key], top, new[key], places)
        elif (
            path in _ADDING
            and isinstance(old.get(key), list)
            and isinstance(new[key], list)
        ):
            places[here] = top.place(here)
            merged[key] = _list(here, base, old[key], top, new[key], places)
        else:
            merged[key] = new[key]
            _copy(top, here, here, new[key], places)
    return merged


def _list(
    path: Path,
    base: Document,
    old: list[Any],
    top: Document,
    new: list[Any],
    places: dict[Path, Place],
) -> list[Any]:
    name = NAMED_BY.get(_FIELDS.get(path, str(path[-1])))
    items = [(base, n, item) for n, item in enumerate(old)]
    where: dict[str | None, int] = {}
    for n, item in enumerate(old):
        where.setdefault(_label(item, name), n)
    for n, item in enumerate(new):
        label = _label(item, name)
        if label is not None and label in where:
            items[where[label]] = (top, n, item)
        else:
            where.setdefault(label, len(items))
            items.append((top, n, item))
    for at, (document, n, item) in enumerate(items):
        _copy(document, (*path, n), (*path, at), item, places)
    return [item for _, _, item in items]


def _label(item: Any, name: str | None) -> str | None:
    if name:
        item = item.get(name) if isinstance(item, dict) else None
    return item if name is not None and isinstance(item, str) else None


def _copy(
    document: Document, old: Path, new: Path, value: Any, places: dict[Path, Place]
) -> None:
    """Note where ``value`` was written, and all that is in it."""
    if old in document.places:
        places[new] = document.places[old]
    parts: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for key, part in parts:
        _copy(document, (*old, key), (*new, key), part, places)
