"""Merge one template over another. Pure.

Mappings are merged key by key. Lists below ``customise`` are added to those
of the template below, an item of the same name taking its place; everything
else takes the place of what was there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.template.document import Document, Path, Place

# What tells the items of a list apart; commands may be there twice.
NAMED_BY = {"files": "path", "users": "name", "repositories": "name", "packages": ""}


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
    found: dict[str, Any] = {}
    for key in dict.fromkeys((*old, *new)):
        here = (*path, key)
        if key not in new:
            found[key] = old[key]
            _copy(base, here, here, places)
        elif isinstance(old.get(key), dict) and isinstance(new[key], dict):
            places[here] = top.place(here)
            found[key] = _mapping(here, base, old[key], top, new[key], places)
        elif (
            path == ("customise",)
            and isinstance(old.get(key), list)
            and isinstance(new[key], list)
        ):
            places[here] = top.place(here)
            found[key] = _list(here, base, old[key], top, new[key], places)
        else:
            found[key] = new[key]
            _copy(top, here, here, places)
    return found


def _list(
    path: Path,
    base: Document,
    old: list[Any],
    top: Document,
    new: list[Any],
    places: dict[Path, Place],
) -> list[Any]:
    name = NAMED_BY.get(str(path[-1]))
    items = [(base, n, item) for n, item in enumerate(old)]
    for n, item in enumerate(new):
        label = _label(item, name)
        same = [i for i, (_, _, it) in enumerate(items) if label == _label(it, name)]
        if label is not None and same:
            items[same[0]] = (top, n, item)
        else:
            items.append((top, n, item))
    for at, (document, n, _) in enumerate(items):
        _copy(document, (*path, n), (*path, at), places)
    return [item for _, _, item in items]


def _label(item: Any, name: str | None) -> str | None:
    if name == "":
        return item if isinstance(item, str) else None
    return item.get(name) if name and isinstance(item, dict) else None


def _copy(document: Document, old: Path, new: Path, places: dict[Path, Place]) -> None:
    size = len(old)
    for path, place in document.places.items():
        if path[:size] == old:
            places[(*new, *path[size:])] = place
