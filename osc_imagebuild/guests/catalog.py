"""The catalogue of operating systems: one YAML data file a release.

Files of later directories change the keys they name in entries of the same
name, so a site sets its mirror with three lines. Directories, in order: this
package's, ~/.config/openstack/imagebuild, and those of the environment
variable OSC_IMAGEBUILD_CATALOG (separated by colons). What the releases of a
family share is in ``families/<family>.yaml`` below each of them. A user's files may be
somebody else's work: they are read within bounds, and none outside of its directory.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from osc_imagebuild.errors import Message, NextStep, SpecError, Verb, unread
from osc_imagebuild.guests import catalog_schema, yaml_bounds
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.media import local_files

ENVIRONMENT = "OSC_IMAGEBUILD_CATALOG"
BUILT_IN = Path(__file__).parent / "data"

# A site has a file for each release; none of them has a hundred lines.
FILES = 1000
SIZE_LIMIT = 1 << 20
_REFUSALS = (
    OSError,
    UnicodeDecodeError,
    local_files.UnreadableError,
    yaml_bounds.TooMuch,
)
# What PyYAML leaves to Python of values such as !!bool x and 2001-99-99.
_FAILURES = (
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
    RecursionError,
)

_PROPERTIES = ("properties", "boot_properties", "driver_properties")
_REQUIRED = ("family", "title", "version", "source", "arches", "answer", "kernel_args")


class Catalog:
    """All entries of some directories.

    :raises: SpecError where a file cannot be read
    """

    def __init__(self, directories: Iterable[Path] | None = None) -> None:
        candidates = (
            default_directories() if directories is None else tuple(directories)
        )
        self._entries: dict[str, dict[str, Any]] = {}
        self._families: dict[str, dict[str, Any]] = {}
        self._directories = tuple(d for d in candidates if os.path.isdir(d))
        for directory in self._directories:
            for path in _files(directory, "*.yaml"):
                _merge_file(self._entries, path, directory)
        for directory in dict.fromkeys((BUILT_IN, *self._directories)):
            for path in _files(directory, "families/*.yaml"):
                _merge_file(self._families, path, directory)

    def names(self) -> list[str]:
        """Return the names of all entries, sorted."""
        return sorted(self._entries)

    def entry(self, name: str) -> Entry:
        """Return one entry.

        :raises: SpecError where there is none, naming what is near
        """
        if name not in self._entries:
            near = f"unknown OS {name!r}{self._near(name)}"
            raise SpecError(Message(near, " (see: ", NextStep(Verb.LIST_OS), ")"))
        data = self._data(name)
        problems = catalog_schema.validate_entry(data)
        if missing := [key for key in _REQUIRED if key not in data]:
            problems.insert(0, f"{', '.join(missing)} missing")
        if problems:
            raise SpecError(f"catalogue entry {name}: {'; '.join(problems)}")
        directories = (*self._directories[::-1], BUILT_IN.parent / "templates")
        return Entry(name=name, directories=directories, **_frozen(data))

    def add(self, name: str, data: Mapping[str, Any]) -> None:
        """Add an entry, or change the keys of one, for this process."""
        self._entries[name] = _merged(self._entries.get(name, {}), data)

    def _near(self, name: str) -> str:
        import difflib

        near = difflib.get_close_matches(name, self.names(), 3)
        return f"; did you mean {' or '.join(near)}?" if near else ""

    def _data(self, name: str) -> dict[str, Any]:
        """Return an entry over what its family says.

        Of the family's architectures it has those that it names.
        """
        own = self._entries[name]
        arches = own.get("arches")
        if isinstance(arches, dict):
            own = {**own, "arches": {k: v or {} for k, v in arches.items()}}
        data = _merged(self._families.get(str(own.get("family")), {}), own)
        if isinstance(arches, dict):
            data["arches"] = {k: data["arches"][k] for k in arches}
        return data


def _files(directory: Path, pattern: str) -> list[Path]:
    """Return the files of a directory by name.

    :raises: SpecError where there are too many
    """
    paths = list(itertools.islice(directory.glob(pattern), FILES + 1))
    if len(paths) > FILES:
        raise SpecError(f"catalogue directory {directory} has more than {FILES} files")
    return sorted(paths)


def _merge_file(into: dict[str, dict[str, Any]], path: Path, directory: Path) -> None:
    """Merge what a file says; a user's has to be below its ``directory``."""
    import yaml

    inside = None if directory == BUILT_IN else local_files.fence(directory)
    try:
        # Files of this package may be links to where an installer keeps them.
        file = local_files.read(path, SIZE_LIMIT, inside)
        data = _parsed(file.data.decode("utf-8"))
    except yaml.YAMLError as error:
        line, column = yaml_bounds.place_of(error)
        raise SpecError(
            f"cannot read catalogue file {path}: line {line}, column {column}: this is "
            f"not YAML: {yaml_bounds.trouble(error)}"
        ) from error
    except _REFUSALS as error:
        raise SpecError(
            f"cannot read catalogue file {path}: {unread(error)}"
        ) from error
    except _FAILURES as error:
        raise SpecError(
            f"cannot read catalogue file {path}: a value is not what its tag says, or "
            "there is no such date or number"
        ) from error
    if not isinstance(data, dict):
        raise SpecError(f"catalogue file {path} is not a mapping")
    into[path.stem] = _merged(into.get(path.stem, {}), data)


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    """Return what a file says, which nobody may change: the next reader gets it too."""
    import yaml

    # libyaml's loader where there is one: it is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    yaml_bounds.check(text, loader)
    return yaml.load(text, loader)


def default_directories() -> tuple[Path, ...]:
    """Return where entries are looked for, the later ones winning."""
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    user = Path(config, "openstack", "imagebuild")
    named = os.environ.get(ENVIRONMENT, "")
    return (BUILT_IN, user, *(Path(d) for d in named.split(":") if d))


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``old`` with what ``new`` says; neither is changed."""
    merged = dict(old)
    for key, value in new.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            value = _merged(below, value)
        merged[key] = value
    return merged


def _frozen(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the YAML's lists as tuples, and its property values as text."""
    fields = {
        key: tuple(tuple(i) if isinstance(i, list) else i for i in value)
        if isinstance(value, list)
        else value
        for key, value in data.items()
    }
    for key in _PROPERTIES:
        fields[key] = {str(k): str(v) for k, v in (data.get(key) or {}).items()}
    fields["version"] = str(data["version"])
    fields["end_of_life"] = str(data.get("end_of_life", ""))
    return fields
