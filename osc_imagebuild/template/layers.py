"""Read a YAML template and those that it extends."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.mistakes import near
from osc_imagebuild.template.document import (
    Document,
    Place,
    compose,
    literal,
    read,
    variables_as_text,
)
from osc_imagebuild.template.fields import to_fields
from osc_imagebuild.template.merge import merge
from osc_imagebuild.template.schema import validate_template
from osc_imagebuild.template.sources import Reader, resolved, unquoted

# No chain of templates that people write is so long.
LONGEST = 10


def load(path: str, variables: Mapping[str, str], reader: Reader) -> dict[str, Any]:
    """Return what the template at ``path`` says of a request.

    :raises: SpecError naming all that is wrong, each with its file and line
    """
    chain = _chain(Path(os.path.expanduser(path)), (), reader, None)
    values, mistakes = _variables(chain, variables)
    foreign = [link.file for link in chain if link.foreign]
    with unquoted(foreign):
        document: Document | None = None
        for link in reversed(chain):
            layer, more = read(link.node, link.file, values)
            mistakes += more
            document = merge(document, layer) if document else layer
        assert document is not None, "a chain has a link"
        mistakes += validate_template(document)
        if mistakes:
            raise SpecError(mistakes)
    fields, mistakes = to_fields(document, reader)
    if mistakes:
        raise SpecError(mistakes)
    return fields


def has_version(path: str, reader: Reader) -> bool:
    """Whether a YAML file says that it is a template.

    :raises: SpecError where it cannot be read
    """
    node = compose(reader.template(Path(path)), path)
    version, _ = literal(node, "version", path)
    # A text, such as that of a file of the catalogue, is another thing's.
    return type(version) is int


@dataclass(frozen=True)
class _Link:
    """One file of a chain of templates that extend each other.

    A ``foreign`` one is not below the directory of the template that the user named:
    who asked for it may not be meant to see what it holds.
    """

    file: str
    node: Any
    variables: Mapping[str, str | None]
    foreign: bool
    places: Mapping[str, Place] = field(default_factory=dict)


def _chain(
    path: Path, above: tuple[Path, ...], reader: Reader, place: Place | None
) -> list[_Link]:
    """A template and all that it extends, the deepest last.

    :raises: SpecError
    """
    file = str(path)
    node = compose(reader.template(path, place), file)
    foreign = not reader.is_own(path)
    with unquoted([file] if foreign else []):
        defaults, place = literal(node, "variables", file)
        base, base_place = literal(node, "extends", file)
    # What else it may be is said by the schema.
    texts = variables_as_text(defaults) if isinstance(defaults, dict) else {}
    link = _Link(file, node, texts, foreign, dict.fromkeys(texts, place))
    if not isinstance(base, str):
        return [link]
    if "://" in base:
        raise SpecError(
            f"{base_place}: a template extends a file, not what a URL names"
        )
    below = resolved(base, base_place)
    chain = (*above, path)
    if "\0" not in base and os.path.realpath(below) in map(os.path.realpath, chain):
        ring = " extends ".join(map(str, (*chain, below)))
        raise SpecError(f"{base_place}: templates extend each other: {ring}")
    if len(chain) >= LONGEST:
        raise SpecError(
            f"{base_place}: a template extends {LONGEST - 1} others at most"
        )
    return [link, *_chain(below, chain, reader, base_place)]


def _variables(
    chain: list[_Link], given: Mapping[str, str]
) -> tuple[dict[str, str | None], list[str]]:
    """All variables with their values, and what is wrong with them."""
    values: dict[str, str | None] = {}
    places: dict[str, Place] = {}
    for link in reversed(chain):
        values |= link.variables
        places |= link.places
    mistakes = [
        f"{chain[0].file}: --var {name}: no such variable"
        + (near(name, values) or f"; there are: {', '.join(sorted(values)) or 'none'}")
        for name in given
        if name not in values
    ]
    values |= given
    mistakes += [
        f"{places[name]}: variable {name} has no default: give --var {name}=..."
        for name, value in values.items()
        if value is None
    ]
    return values, mistakes
