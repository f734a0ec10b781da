"""Directive template-reference: the keys of templates, from their JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from osc_imagebuild.template import schema

WORDS = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "null": "nothing",
    "object": "mapping",
    "string": "text",
}


class TemplateReference(Directive):
    """A definition list of all keys, those of a mapping below it."""

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the reference."""
        lines = StringList(list(reference(schema.schema())), source=str(schema.FILE))
        found = nodes.container()
        self.state.nested_parse(lines, self.content_offset, found)
        return found.children


def reference(whole: dict[str, Any]) -> Iterator[str]:
    """Give the reference as lines of reStructuredText."""
    for key, part in whole["properties"].items():
        yield from described(key, part, whole, 0, key in whole.get("required", ()))


def described(
    key: str, part: dict[str, Any], whole: dict[str, Any], depth: int, needed: bool
) -> Iterator[str]:
    """Give a key, what it takes, and the keys below it."""
    part = {**resolved(part, whole), **part}
    inner = resolved(part.get("items", {}), whole)
    space = "    " * depth
    star = " *" if needed else ""
    yield f"{space}``{key}``{star} ({kind(part, inner)})"
    yield f"{space}    {part['description']}"
    if "x-hint" in part:
        yield f"{space}    {part['x-hint'][0].upper()}{part['x-hint'][1:]}."
    yield ""
    below = {**part.get("properties", {}), **inner.get("properties", {})}
    required = (*part.get("required", ()), *inner.get("required", ()))
    for name, value in below.items():
        yield from described(name, value, whole, depth + 1, name in required)


def resolved(part: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Return ``part``, or what it refers to."""
    if "$ref" not in part:
        return part
    found: dict[str, Any] = whole["$defs"][part["$ref"].rsplit("/", 1)[1]]
    return found


def kind(part: dict[str, Any], inner: dict[str, Any]) -> str:
    """Return what a key takes, in words."""
    if "const" in part:
        return str(part["const"])
    if "enum" in part:
        return ", ".join(part["enum"])
    if part["type"] == "array":
        kinds = inner["type"] if isinstance(inner["type"], list) else [inner["type"]]
        return f"list of {' or '.join(WORDS[k] for k in kinds)}"
    kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
    return " or ".join(WORDS[k] for k in kinds)


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("template-reference", TemplateReference)
    return {"parallel_read_safe": True}
