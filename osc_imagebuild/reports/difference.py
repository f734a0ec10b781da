"""Compare two results by what is known of them. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from osc_imagebuild.model.manifest import Manifest, Package, System


class Change(StrEnum):
    """What became of one thing between two results."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, order=True)
class Difference:
    """One thing that differs; '' stands for its absence.

    ``about`` is 'package', or 'system' for what the system says of itself, or 'image' for
    what its image says.
    """

    about: str
    name: str
    change: Change
    before: str
    after: str


def between(
    before: Manifest,
    after: Manifest,
    said_before: Mapping[str, str] | None = None,
    said_after: Mapping[str, str] | None = None,
) -> Sequence[Difference]:
    """Return what differs, packages last.

    ``said_before`` and ``said_after`` are what the images say of themselves.
    """
    return (
        *_of_words("image", said_before or {}, said_after or {}),
        *_of_words("system", _words(before.system), _words(after.system)),
        *_of_words("package", _versions(before.packages), _versions(after.packages)),
    )


def _words(system: System) -> Mapping[str, str]:
    return dataclasses.asdict(system)


def _versions(packages: Sequence[Package]) -> Mapping[str, str]:
    """Return the versions of packages by their names.

    A name may be there for several architectures, and in several versions: of kernels all
    are kept.
    """
    architectures: dict[str, set[str]] = {}
    for package in packages:
        architectures.setdefault(package.name, set()).add(package.arch)
    versions: dict[str, list[str]] = {}
    for package in packages:
        several = len(architectures[package.name]) > 1
        name = f"{package.name}:{package.arch}" if several else package.name
        versions.setdefault(name, []).append(package.version)
    return {name: ", ".join(of) for name, of in versions.items()}


def _of_words(
    about: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Sequence[Difference]:
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, ""), after.get(name, "")
        if old == new:
            continue
        change = Change.CHANGED
        if not old:
            change = Change.ADDED
        elif not new:
            change = Change.REMOVED
        found.append(Difference(about, name, change, old, new))
    return found
