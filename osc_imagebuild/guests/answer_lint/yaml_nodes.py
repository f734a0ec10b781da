"""Parse YAML into values that know their line numbers. Pure.

A value that an alias repeats stays one node, so that a small file cannot grow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class BadYaml(Exception):
    """Why this is none."""


class Item(NamedTuple):
    """One scalar: the keys that lead to it (a list's items have none), and its text."""

    path: tuple[str, ...]
    line: int
    text: str


def compose(text: str) -> Any:
    """Return the root node of a document, None where there is nothing in it.

    Keys that are merged (``<<``) are in the mappings that they are merged into.

    :raises: BadYaml
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        root = loader.get_single_node()
        for node in _nodes(root):
            _merge(node, ())
        # The values too: a date that there is none of is refused by any reader.
        if root is not None:
            loader.construct_document(root)
        return root
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise BadYaml(f"no YAML: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()


def _merge(node: Any, inside: tuple[Any, ...]) -> None:
    """Put merged keys first, none of them twice: the mapping's own win, then the first.

    Source: pyyaml, yaml/constructor.py (`SafeConstructor.flatten_mapping`), which a file
    of a kilobyte keeps busy for years where its mappings merge each other often.
    """
    if node.id != "mapping" or not any(_is_merge(key) for key, _ in node.value):
        return
    if node in inside:
        raise ValueError(f"line {line_of(node)}: it is merged into itself")
    merged: list[tuple[Any, Any]] = []
    for key, value in reversed(node.value):
        if _is_merge(key):
            merged += _merged(value, (*inside, node))
    own = [(key, value) for key, value in node.value if not _is_merge(key)]
    names = {(key.tag, key.value) for key, _ in own if key.id == "scalar"}
    rest = []
    for key, value in merged:
        name = (key.tag, str(key.value))
        if name not in names:
            names.add(name)
            rest.append((key, value))
    node.value = rest + own


def _merged(value: Any, inside: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    pairs: list[tuple[Any, Any]] = []
    for node in value.value if value.id == "sequence" else [value]:
        if node.id != "mapping":
            raise ValueError(f"line {line_of(node)}: only mappings can be merged")
        _merge(node, inside)
        pairs += node.value
    return pairs


def _is_merge(key: Any) -> bool:
    return bool(key.tag == "tag:yaml.org,2002:merge")


def line_of(node: Any) -> int:
    """The line on which a node begins; a block of text begins one further down."""
    return int(node.start_mark.line) + 1 + (getattr(node, "style", "") in ("|", ">"))


def mapping(node: Any) -> dict[str, tuple[int, Any]]:
    """The keys of a mapping with their lines and values; {} for anything else."""
    if getattr(node, "id", "") != "mapping":
        return {}
    return {
        str(key.value): (line_of(key), value)
        for key, value in node.value
        if key.id == "scalar"
    }


def twice(node: Any) -> Iterator[tuple[int, str]]:
    """Keys that are in one mapping twice: the last one wins."""
    for inner in _nodes(node):
        if inner.id != "mapping":
            continue
        seen: set[str] = set()
        for key, _ in inner.value:
            if key.id == "scalar" and key.value in seen:
                yield line_of(key), key.value
            if key.id == "scalar":
                seen.add(key.value)


def scalars(node: Any, path: tuple[str, ...] = ()) -> Iterator[Item]:
    """Every scalar of a document once."""
    yield from _scalars(node, path, set())


def words(node: Any) -> list[Item]:
    """A command of a list of commands: one text, or a list of words."""
    return list(scalars(node))


def _scalars(node: Any, path: tuple[str, ...], seen: set[int]) -> Iterator[Item]:
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if node.id == "scalar":
        yield Item(path, line_of(node), node.value)
    elif node.id == "sequence":
        for item in node.value:
            yield from _scalars(item, path, seen)
    else:
        for key, value in node.value:
            name = key.value if key.id == "scalar" else "?"
            yield from _scalars(value, (*path, str(name)), seen)


def _nodes(node: Any) -> Iterator[Any]:
    waiting, seen = [node] if node is not None else [], set()
    while waiting:
        now = waiting.pop()
        if id(now) in seen:
            continue
        seen.add(id(now))
        yield now
        if now.id == "sequence":
            waiting += now.value
        elif now.id == "mapping":
            waiting += (part for pair in now.value for part in pair)
