"""Read a template's YAML with the line number of each key. Pure.

YAML is read as YAML 1.2 would have it: only null, true, false and decimal
integers are no text, so that 22.04, 0644 and yes are what they look like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import yaml_bounds
from osc_imagebuild.guests.mistakes import near

Path = tuple[str | int, ...]

# An alias may stand for much; no template that people write is so large.
NODE_LIMIT = yaml_bounds.NODE_LIMIT
DEPTH_LIMIT = 20
# Characters of all values, with what aliases and variables stand for.
TEXT_LIMIT = 8 << 20
# Who has made more mistakes mends these first.
MOST_PROBLEMS = 100
# These are taken as they are: they say what the variables are.
_LITERAL = ("variables", "extends")
_SECRETS = (("root_password",), ("password",), ("username",))
# Anything in these may be a secret: see `provision`.
_MAY_BE_SECRETS = ("customise", "ansible", "vars")

# A name has an end, so that a thousand openings without one are no work.
_VARIABLE = re.compile(r"\$(\$\{|\{([^}]{0,100})\})")
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Document:
    """Mappings, lists, texts, integers, booleans; and where each was written."""

    data: dict[str, Any]
    places: Mapping[Path, Place]

    def place(self, path: Iterable[str | int]) -> Place:
        """The place of ``path``, or of what it is in."""
        parts = tuple(path)
        while parts and parts not in self.places:
            parts = parts[:-1]
        return self.places[parts]


class _Loader(yaml.SafeLoader):
    """The core of YAML 1.2, without floats."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _kind, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", list("tf")),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"(?:{_pattern})$"), _first)


def compose(text: str, file: str) -> yaml.MappingNode:
    """Return the nodes of ``text``; ``file`` is its name for people.

    :raises: SpecError where it is no YAML, or no mapping
    """
    try:
        yaml_bounds.check(text, _Loader)
        node = yaml.compose(text, Loader=_Loader)
    except yaml_bounds.TooMuch as error:
        raise SpecError(f"{file}:{error.line}: {error.what}") from error
    except yaml.YAMLError as error:
        line, column = yaml_bounds.place_of(error)
        what = yaml_bounds.trouble(error)
        raise SpecError(
            f"{file}:{line}: this is not YAML: {what} (column {column})"
        ) from error
    if not isinstance(node, yaml.MappingNode):
        raise SpecError(f"{file}:1: a template is a mapping, such as 'version: 1'")
    return node


def literal(node: yaml.MappingNode, key: str, file: str) -> tuple[Any, Place]:
    """Return the value of a top-level key, None without it, and its place.

    :raises: SpecError where its YAML is wrong
    """
    for name, value in node.value:
        if name.value == key:
            reader = _Reader(file, {})
            result = reader.value(value, (), literal=True)
            if reader.problems:
                raise SpecError(reader.problems)
            return result, reader.place(name)
    return None, Place(file, 1)


def read(
    node: yaml.MappingNode, file: str, variables: Mapping[str, str | None]
) -> tuple[Document, list[str]]:
    """Return the document of ``node``, and what is wrong with it.

    ``variables`` are put in for ``${name}``, before a plain value is
    understood: as if they had been written there.

    :raises: SpecError where it is too large, perhaps by its aliases
    """
    reader = _Reader(file, variables)
    data = reader.value(node, ())
    return Document(data, reader.places), reader.problems


@dataclass
class _Reader:
    """Walks nodes and notes where they are."""

    file: str
    variables: Mapping[str, str | None]
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    count: int = 0
    size: int = 0

    def place(self, node: yaml.Node) -> Place:
        return Place(self.file, node.start_mark.line + 1)

    def value(self, node: yaml.Node, path: Path, *, literal: bool = False) -> Any:
        """Return the value of ``node``."""
        self.count += 1
        self.places.setdefault(path, self.place(node))
        if self.count > NODE_LIMIT or len(path) > DEPTH_LIMIT:
            # At once: an alias can make it true a billion times.
            raise self._too_much(node)
        if node.tag.removeprefix(_TAG) not in ("map", "seq", *_SCALARS):
            self._mistake(node, f"tags such as {node.tag!r} are not taken")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, literal)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.value(item, (*path, n), literal=literal)
                for n, item in enumerate(node.value)
            ]
        return self._scalar(node, literal)

    def _mapping(
        self, node: yaml.MappingNode, path: Path, literal: bool
    ) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._mistake(key, "a key must be a word")
                continue
            name = str(key.value)
            if key.tag == _TAG + "merge" or name == "<<":
                self._mistake(key, "merge keys (<<) are not taken; use extends")
            elif name in mapping:
                first = self.places[(*path, name)].line
                self._mistake(key, f"{name} is here twice, first in line {first}")
            else:
                self.places[(*path, name)] = self.place(key)
                plain = literal or (not path and name in _LITERAL)
                # Who reads a template must see what it asks the environment for.
                secret = path[-1:] in _SECRETS or path[:3] == _MAY_BE_SECRETS
                plain = plain or (name == "env" and secret)
                mapping[name] = self.value(value, (*path, name), literal=plain)
        return mapping

    def _scalar(self, node: yaml.Node, literal: bool) -> Any:
        text, tag = str(node.value), node.tag
        self._grow(len(text), node)
        if not text.isprintable() and any(0xD800 <= ord(c) < 0xE000 for c in text):
            self._mistake(node, "half a character (\\ud800 to \\udfff) is no text")
            return ""
        if not literal and "$" in text:
            text = _VARIABLE.sub(lambda match: self._variable(match, node), text)
            if getattr(node, "style", None) is None:
                tag = _resolve(text)
        try:
            return _SCALARS[tag.removeprefix(_TAG)](text)
        except ValueError:  # said to be one by its tag, or of thousands of digits
            self._mistake(node, f"this is no number: {text!r:.60}")
            return 0

    def _variable(self, match: re.Match[str], node: yaml.Node) -> str:
        name = match.group(2)
        if name is None:
            return "${"
        if name not in self.variables:
            self._mistake(
                node,
                f"no variable {name!r}{near(name, self.variables)}; "
                "for a literal ${ write $${",
            )
        # The name stands in for what is missing, so that this is the only complaint.
        value = self.variables.get(name)
        self._grow(len(value or name), node)
        return name if value is None else value

    def _grow(self, size: int, node: yaml.Node) -> None:
        self.size += size
        if self.size > TEXT_LIMIT:
            raise self._too_much(node)

    def _too_much(self, node: yaml.Node) -> SpecError:
        return SpecError(f"{self.place(node)}: too large or deep for a template")

    def _mistake(self, node: yaml.Node, what: str) -> None:
        self.problems.append(f"{self.place(node)}: {what}")
        if len(self.problems) >= MOST_PROBLEMS:
            raise SpecError(self.problems)


_SCALARS: dict[str, Any] = {
    "str": str,
    "int": int,
    "bool": lambda text: text == "true",
    "null": lambda text: None,
}


def _resolve(text: str) -> str:
    """The tag that ``text`` has as a plain scalar."""
    for tag, pattern in _Loader.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return tag
    return _TAG + "str"


def variables_as_text(variables: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the defaults of variables as they would be written."""
    return {
        name: str(value).lower()
        if isinstance(value, bool)
        else None
        if value is None
        else str(value)
        for name, value in variables.items()
    }
