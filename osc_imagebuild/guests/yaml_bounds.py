"""Check that untrusted YAML is cheap to parse, and say what is wrong with it. Pure.

A few lines of it can stand for a billion nodes, be nested deeper than any stack, or hold
a number that takes minutes to read. All that is told from the events of its parser,
before anything is made of them. What is said never quotes the file, which may be another
one than its reader was meant to see.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

# No file that people write is so large.
NODE_LIMIT = 10_000
DEPTH_LIMIT = 25
# The digits of a sha512, which may well be numbers alone.
_LONG_NUMBER = re.compile(r"[-+]?(?:0[xob])?[0-9a-fA-F_.:]{129,}")
_QUOTED = re.compile(r"\s*(?:'[^']*'?|\"[^\"]*\"?)")
# Words of YAML's own grammar, which are of no file.
_GRAMMAR = re.compile(r"\s*'(?:[]},:?-]|<[a-z ]+>)'")


class TooMuch(ValueError):
    """It is too large, too deep or an endless ring; ``line`` says where."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"line {line}: {what}")
        self.what = what
        self.line = line


@dataclass
class _Part:
    """How many nodes are in a list or mapping, with all that aliases stand for."""

    anchor: str | None = None
    nodes: int = 1
    depth: int = 0


def check(text: str, loader: Any) -> None:
    """See that ``text`` is small enough to be read by a class of PyYAML's.

    :raises: TooMuch; yaml.YAMLError where it is no YAML
    """
    named: dict[str, _Part] = {}
    parts = [_Part()]
    for event in yaml.parse(text, loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionStartEvent):
            parts.append(_Part(event.anchor))
            if len(parts) > DEPTH_LIMIT + 1:
                raise TooMuch("too large or deep: lists in lists", line)
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            part = parts.pop()
        elif isinstance(event, yaml.AliasEvent):
            if any(part.anchor == event.anchor for part in parts):
                raise TooMuch("too large or deep: an alias of what it is in", line)
            part = named.get(str(event.anchor), _Part())
        elif isinstance(event, yaml.ScalarEvent):
            if event.implicit[0] and _LONG_NUMBER.fullmatch(event.value):
                raise TooMuch("a number of more than 128 digits", line)
            part = _Part(event.anchor)
        else:
            continue
        if not isinstance(event, yaml.AliasEvent) and part.anchor:
            named[part.anchor] = part
        _add(parts, part, line)


def _add(parts: list[_Part], part: _Part, line: int) -> None:
    into = parts[-1]
    into.nodes += part.nodes
    into.depth = max(into.depth, part.depth + 1)
    deep = len(parts) - 1 + part.depth > DEPTH_LIMIT
    if deep or into.nodes > NODE_LIMIT or sum(p.nodes for p in parts) > NODE_LIMIT:
        raise TooMuch("too large or deep", line)


def place_of(error: yaml.YAMLError) -> tuple[int, int]:
    """Return line and column of what is no YAML, from 1 on."""
    mark = None
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def trouble(error: yaml.YAMLError) -> str:
    """Return why something is no YAML, without a word of it."""
    if isinstance(error, yaml.MarkedYAMLError):
        words = (error.context, error.problem)
        return " ".join(_QUOTED.sub(_kept, word) for word in words if word)
    return "it has characters that YAML does not take"


def _kept(quoted: re.Match[str]) -> str:
    return quoted.group() if _GRAMMAR.fullmatch(quoted.group()) else ""
