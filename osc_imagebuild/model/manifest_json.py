"""Write a manifest as JSON and read it, whoever wrote it. Standard library only."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from osc_imagebuild.model import png
from osc_imagebuild.model.manifest import (
    LARGEST_SCREENSHOT,
    LONGEST_SCREENSHOT,
    MOST_SCREENSHOTS,
    Manager,
    Manifest,
    Package,
    PhaseScreen,
    System,
)
from osc_imagebuild.model.names import Role

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
    data["screenshots"] = [
        {"role": s.role, "phase": s.phase, "at": s.at, "png": _encoded(s.png)}
        for s in manifest.screenshots
    ]
    return json.dumps({"version": VERSION, **data}, sort_keys=True)


def from_json(text: str) -> Manifest:
    """Return the manifest that a text is; screenshots that are none are left out.

    :raises: ManifestError
    """
    data = _object(_loaded(text))
    if data.get("version") != VERSION:
        raise ManifestError(
            f"it is of version {data.get('version')!r:.40}, which this one does not read"
        )
    made_at = _moment(data.get("made_at"))
    if made_at is None:
        raise ManifestError("it does not tell when it was made")
    return Manifest(
        build_id=_word(data.get("build_id")),
        result_id=_word(data.get("result_id")),
        made_at=made_at,
        screenshots=_screenshots(data.get("screenshots")),
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


def _moment(value: Any) -> float | None:
    """Return seconds since the epoch, 0.0 where they cannot be, None where it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1 << 40 else 0.0


def _screenshots(items: Any) -> Sequence[PhaseScreen]:
    found = []
    for item in items[:MOST_SCREENSHOTS] if isinstance(items, list) else ():
        try:
            found.append(_screenshot(_object(item)))
        except ValueError:
            continue  # nothing else of a manifest depends on it
    return tuple(found)


def _screenshot(item: Mapping[str, Any]) -> PhaseScreen:
    """Return a screenshot whose file is of our own making.

    :raises: ValueError
    """
    role, at, text = item.get("role"), _moment(item.get("at")), item.get("png")
    if role not in (Role.INSTALL, Role.VERIFY) or at is None:
        raise ManifestError("a screenshot is of no server, or of no time")
    if not isinstance(text, str) or len(text) > 2 * LONGEST_SCREENSHOT:
        raise ManifestError("a screenshot is no text, or too long a one")
    data = base64.b64decode(text, validate=True)
    if len(data) > LONGEST_SCREENSHOT:
        raise ManifestError("a screenshot is too large")
    file = png.anew(data, LARGEST_SCREENSHOT)
    return PhaseScreen(str(role), _word(item.get("phase")), at, file)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _word(value: Any) -> str:
    """Return one short line of printable text.

    :raises: ManifestError
    """
    if not isinstance(value, str):
        raise ManifestError(f"this is no text: {value!r:.40}")
    line = value[:LONGEST_TEXT]
    return "".join(c if c.isprintable() else "?" for c in line)
