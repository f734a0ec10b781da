"""Templates: a build in a file that people can keep in git.

A YAML template, or one in Oz's Template Description Language, becomes fields
of a `Request`. ``document``, ``merge``, ``schema`` and ``tdl`` know only data;
``layers`` reads files, ``sources`` what they name, and ``oz`` asks Oz.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from osc_imagebuild.errors import SpecError, unread
from osc_imagebuild.template.merge import NAMED_BY

if TYPE_CHECKING:
    from osc_imagebuild.guests.catalog import Catalog

# Fields that a layer on top adds to; it takes the place of all others.
ADDED = (
    "packages",
    "repositories",
    "files",
    "contents",
    "users",
    "commands",
    "tests",
    "test_files",
    "test_flavors",
    "test_networks",
    "test_firmware",
)


@dataclass(frozen=True)
class Template:
    """Fields of a request, and entries that the catalogue lacks for it."""

    fields: Mapping[str, Any]
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def load(
    path: str,
    variables: Mapping[str, str],
    *,
    catalog: Catalog,
    check_only: bool = False,
    auto: bool = False,
    allow: Sequence[str] = (),
) -> Template:
    """Return the template at ``path``; Oz's if its name ends in .tdl.

    ``check_only`` needs neither secrets nor the network; values that come
    from there are placeholders then. ``auto`` lets Oz's own answer file stand
    in for an entry that ``catalog`` lacks. What the template names is read below its own
    directory, and below the paths in ``allow``.

    :raises: SpecError naming all that is wrong, each with its file and line
    """
    from osc_imagebuild.template.sources import Reader

    reader = Reader(path, allow, check_only=check_only)
    if path.lower().endswith(".tdl"):
        from osc_imagebuild.template import oz

        if variables:
            raise SpecError(f"{path}: Oz's templates have no variables for --var")
        return oz.load(path, reader, catalog, auto=auto)
    if auto:
        raise SpecError(f"{path}: --oz-auto is for Oz's templates, files named *.tdl")
    from osc_imagebuild.template import layers

    return Template(layers.load(path, variables, reader))


def in_directory(directory: str) -> list[str]:
    """Return the paths of the templates in a directory, by name.

    Other YAML is left out. What is no YAML at all is not: it may have been a template.

    :raises: SpecError where it cannot be read
    """
    import os

    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise SpecError(f"cannot read {directory}: {unread(error)}") from error
    paths = (os.path.join(directory, n) for n in names if not n.startswith("."))
    return [path for path in paths if os.path.isfile(path) and _may_be(path)]


def _may_be(path: str) -> bool:
    """Whether a file is a template, or a damaged one."""
    name = path.lower()
    if not name.endswith((".yaml", ".yml")):
        return name.endswith(".tdl")
    from osc_imagebuild.template import layers
    from osc_imagebuild.template.sources import Reader

    try:
        return layers.has_version(path, Reader(path))
    except SpecError:
        return True


def combine(below: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of a request as ``top`` changes them.

    As one template on top of another: mappings key by key, packages and the
    like are added, all else takes the place of what was there.
    """
    combined = {**below, **top}
    for name in top.keys() & below.keys():
        if name in ADDED:
            combined[name] = _added(name, below[name], top[name])
        elif isinstance(top[name], Mapping):
            combined[name] = {**below[name], **top[name]}
    return combined


def _added(name: str, below: Sequence[Any], top: Sequence[Any]) -> tuple[Any, ...]:
    """Lists as `merge` adds them: commands stay, whatever else has a name is there once."""
    if name == "commands":
        return (*below, *top)
    label = NAMED_BY[name]
    named: dict[Any, Any] = {}
    for item in (*below, *top):
        # A test may have no name.
        named[(getattr(item, label) if label else item) or object()] = item
    return tuple(named.values())
