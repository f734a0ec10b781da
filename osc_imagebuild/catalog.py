"""The catalogue of operating systems: one YAML data file a release.

Files of later directories change the keys they name in entries of the same
name, so a site sets its mirror with three lines. Directories, in order: this
package's, ~/.config/openstack/imagebuild, and those of the environment
variable OSC_IMAGEBUILD_CATALOG (separated by colons). What the releases of a
family share is in ``families/<family>.yaml`` below each of them.
"""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osc_imagebuild import kinds
from osc_imagebuild.errors import SpecError
from osc_imagebuild.monitors.signs import Signs

ENVIRONMENT = "OSC_IMAGEBUILD_CATALOG"
BUILT_IN = Path(__file__).parent / "guests" / "data"

_PROPERTIES = ("properties", "boot_properties", "driver_properties")
_REQUIRED = ("family", "title", "version", "source", "arches", "answer", "kernel_args")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One release as the catalogue has it.

    ``arches`` maps an architecture to kernel and ramdisk (paths below the
    source, or whole URLs), its ISO, the paths of kernel and ramdisk in that
    (``iso_kernel``, ``iso_ramdisk``), variables, and its own source if it has one. Paths
    of templates are looked up in ``directories``. ``finish`` is the template of
    the script that ends an installation, ``report`` of the one that reports,
    ``report_line`` the one line that runs it in a user's own answer file, and
    ``report_hint`` where that line goes. ``answer_cd`` says how the installer
    finds an answer file on a CD: ``label``, ``file``, more empty files in
    ``empty``, others with their ``texts``, and ``remaster: true`` where all of them
    must be on the installer's own.
    ``iso_kernel_args`` is the command line where kernel and ramdisk are of an ISO,
    if it is another one; ``iso_as_cd`` whether the installer then needs the ISO as
    a CD, and does not fetch it by its URL.
    ``fetches`` are templates of what the installer of a tree fetches by a fixed name,
    as URLs or paths below the source.
    ``network`` has the words of the installer's command line for ``dhcp`` and for a
    ``static`` address, ``config_drive_url`` those for an answer file on a config drive.
    ``press_key`` lists the firmwares (bios, uefi) with which its CD asks for a key.
    ``driver_properties`` change both kinds of properties where the user has a CD with
    drivers. ``proven`` says where builds were made, empty where none was. ``progress``,
    ``failures`` and ``banners`` are as in `Spec`.
    """

    name: str
    family: str
    title: str
    version: str
    source: str
    arches: Mapping[str, Mapping[str, Any]]
    answer: str
    kernel_args: str
    directories: tuple[Path, ...]
    iso_kernel_args: str = ""
    iso_as_cd: bool = True
    answer_format: str = ""
    answer_cd: Mapping[str, Any] = field(default_factory=dict)
    finish: str = ""
    report: str = ""
    report_line: str = ""
    report_hint: str = ""
    proven: str = ""
    end_of_life: str = ""
    release_file: str = ""
    min_ram_mib: int = 1024
    min_disk_gib: int = 4
    result_min_ram_mib: int = 512
    timeout_min: int = 120
    boot_methods: tuple[str, ...] = ("ipxe", "kernel")
    power_off_sign: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    boot_properties: Mapping[str, str] = field(default_factory=dict)
    driver_properties: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, str] = field(default_factory=dict)
    config_drive_url: str | None = None
    fetches: tuple[str, ...] = ()
    verify: Mapping[str, Any] = field(default_factory=dict)
    progress: tuple[tuple[str, str, int], ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    banners: tuple[str, ...] = ()
    stall_min: int = 10
    deviations: tuple[str, ...] = ()
    press_key: tuple[str, ...] = ()

    @property
    def signs(self) -> Signs:
        """Its own signs; those of its family are in `osc_imagebuild.signs`."""
        return Signs(
            progress=self.progress, failures=self.failures, banners=self.banners
        )


# What a file may say; the file's name is the entry's.
_KEYS = {field.name for field in dataclasses.fields(Entry)} - {"name", "directories"}


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
        wrong = kinds.problems(data, _KEYS)
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
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(f"cannot read catalogue file {path}: {error}") from error
    if not isinstance(data, dict):
        raise SpecError(f"catalogue file {path} is not a mapping")
    _merge_into(into.setdefault(path.stem, {}), data)


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
