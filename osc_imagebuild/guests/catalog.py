"""The catalogue of operating systems: one YAML data file a release.

Files of later directories change the keys they name in entries of the same
name, so a site sets its mirror with three lines. Directories, in order: this
package's, ~/.config/openstack/imagebuild, and those of the environment
variable OSC_IMAGEBUILD_CATALOG (separated by colons). What the releases of a
family share is in ``families/<family>.yaml`` below each of them.
"""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import catalog_schema
from osc_imagebuild.guests.entry import Entry

ENVIRONMENT = "OSC_IMAGEBUILD_CATALOG"
BUILT_IN = Path(__file__).parent / "data"

_PROPERTIES = ("properties", "boot_properties", "driver_properties")
_REQUIRED = ("family", "title", "version", "source", "arches", "answer", "kernel_args")


class Catalog:
    """All entries of some directories.

    :raises: SpecError where a file cannot be read
    """

    def __init__(self, directories: Iterable[Path] | None = None) -> None:
        found = default_directories() if directories is None else tuple(directories)
        self._entries: dict[str, dict[str, Any]] = {}
        self._families: dict[str, dict[str, Any]] = {}
        self._directories = tuple(d for d in found if d.is_dir())
        for directory in self._directories:
            for path in sorted(directory.glob("*.yaml")):
                _merge_file(self._entries, path)
        for directory in dict.fromkeys((BUILT_IN, *self._directories)):
            for path in sorted(directory.glob("families/*.yaml")):
                _merge_file(self._families, path)

    def names(self) -> list[str]:
        """Return the names of all entries, sorted."""
        return sorted(self._entries)

    def entry(self, name: str) -> Entry:
        """Return one entry.

        :raises: SpecError where there is none, naming what is near
        """
        if name not in self._entries:
            raise SpecError(f"unknown OS {name!r}{self._near(name)}")
        data = self._data(name)
        wrong = catalog_schema.problems(data)
        if missing := [key for key in _REQUIRED if key not in data]:
            wrong.insert(0, f"{', '.join(missing)} missing")
        if wrong:
            raise SpecError(f"catalogue entry {name}: {'; '.join(wrong)}")
        directories = (*self._directories[::-1], BUILT_IN.parent / "templates")
        return Entry(name=name, directories=directories, **_frozen(data))

    def add(self, name: str, data: Mapping[str, Any]) -> None:
        """Add an entry, or change the keys of one, for this process."""
        _merge_into(self._entries.setdefault(name, {}), data)

    def _near(self, name: str) -> str:
        import difflib

        near = difflib.get_close_matches(name, self.names(), 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        return f"{hint} (see: openstack image build os list)"

    def _data(self, name: str) -> dict[str, Any]:
        """Return an entry over what its family says.

        Of the family's architectures it has those that it names.
        """
        own = copy.deepcopy(self._entries[name])
        arches = own.get("arches")
        if isinstance(arches, dict):
            own["arches"] = {k: v or {} for k, v in arches.items()}
        family = self._families.get(str(own.get("family")), {})
        data: dict[str, Any] = copy.deepcopy(family)
        _merge_into(data, own)
        if isinstance(arches, dict):
            data["arches"] = {k: data["arches"][k] for k in arches}
        return data


def _merge_file(into: dict[str, dict[str, Any]], path: Path) -> None:
    import yaml

    try:
        data = _parsed(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(f"cannot read catalogue file {path}: {error}") from error
    if not isinstance(data, dict):
        raise SpecError(f"catalogue file {path} is not a mapping")
    _merge_into(into.setdefault(path.stem, {}), copy.deepcopy(data))


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    """Return what a file says, which nobody may change: the next reader gets it too."""
    import yaml

    # libyaml's loader where there is one: it is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, loader)


def default_directories() -> tuple[Path, ...]:
    """Return where entries are looked for, the later ones winning."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    user = Path(config, "openstack", "imagebuild")
    named = os.environ.get(ENVIRONMENT, "")
    return (BUILT_IN, user, *(Path(d) for d in named.split(":") if d))


def _merge_into(old: dict[str, Any], new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            _merge_into(old[key], value)
        else:
            old[key] = value


def _frozen(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the YAML's lists as tuples, and its property values as text."""
    found = {
        key: tuple(tuple(i) if isinstance(i, list) else i for i in value)
        if isinstance(value, list)
        else value
        for key, value in data.items()
    }
    for key in _PROPERTIES:
        found[key] = {str(k): str(v) for k, v in (data.get(key) or {}).items()}
    found["version"] = str(data["version"])
    found["end_of_life"] = str(data.get("end_of_life", ""))
    return found
