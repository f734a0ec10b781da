"""Write a manifest as JSON and read it, whoever wrote it. Standard library only."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from osc_imagebuild.model.manifest import Manager, Manifest, Package, System

VERSION = 1
# More than any system has.
MOST_PACKAGES = 50_000
LONGEST_TEXT = 300
# Bytes of a kept manifest; what a guest can say is bounded before that.
SIZE_LIMIT = 32 << 20


class ManifestError(ValueError):
    """A text is no manifest, or not one of this version."""


def to_json(manifest: Manifest) -> str:
    """Return ``manifest`` as JSON in plain ASCII."""
    data = dataclasses.asdict(manifest)
    data["packages"] = [list(dataclasses.astuple(p)) for p in manifest.packages]
    return json.dumps({"version": VERSION, **data}, sort_keys=True)


def from_json(text: str) -> Manifest:
    """Return the manifest that a text is.

    :raises: ManifestError
    """
    data = _object(_loaded(text))
    if data.get("version") != VERSION:
        raise ManifestError(
            f"it is of version {data.get('version')!r:.40}, which this one does not read"
        )
    made_at = data.get("made_at")
    if isinstance(made_at, bool) or not isinstance(made_at, int | float):
        raise ManifestError("it does not tell when it was made")
    return Manifest(
        build_id=_word(data.get("build_id")),
        result_id=_word(data.get("result_id")),
        made_at=float(made_at) if 0 <= made_at < 1 << 40 else 0.0,
        **_inventory(data),
    )


def inventory(data: bytes) -> dict[str, Any]:
    """Return the fields of a manifest that a guest's own words give: system and packages.

    :raises: ManifestError
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ManifestError("it is no text") from error
    return _inventory(_object(_loaded(text)))


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ManifestError("it is not JSON") from error


def _object(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ManifestError("it is no object of JSON")
    return data


def _inventory(data: Mapping[str, Any]) -> dict[str, Any]:
    system = _object(data.get("system") or {})
    fields = [field.name for field in dataclasses.fields(System)]
    manager = data.get("manager")
    if manager is not None and manager not in list(Manager):
        raise ManifestError(f"nothing manages packages as {manager!r:.40}")
    return {
        "system": System(**{name: _word(system.get(name) or "") for name in fields}),
        "manager": Manager(manager) if manager is not None else None,
        "packages": _packages(data.get("packages") or []),
    }


def _packages(items: Any) -> Sequence[Package]:
    if not isinstance(items, list) or len(items) > MOST_PACKAGES:
        raise ManifestError("its packages are no list, or too many")
    packages = set()
    for item in items:
        if not isinstance(item, list) or not 2 <= len(item) <= 4:
            raise ManifestError("a package is not name, version, arch and licence")
        packages.add(Package(*map(_word, item)))
    return tuple(sorted(packages))


def _word(value: Any) -> str:
    """Return one short line of printable text.

    :raises: ManifestError
    """
    if not isinstance(value, str):
        raise ManifestError(f"this is no text: {value!r:.40}")
    line = value[:LONGEST_TEXT]
    return "".join(c if c.isprintable() else "?" for c in line)
