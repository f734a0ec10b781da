"""What is not well formed in somebody's own answer file. Pure.

Installers pass over a bad line, or stop in mid-installation: these are warnings, as
only the installer itself knows its language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from xml.etree import ElementTree

# Source: debconf-set-selections(1), debconf-devel(7).
_TYPES = ("string", "boolean", "select", "multiselect", "note", "text", "password")
_OTHER_TYPES = ("title", "error", "seen")
_SIZE = re.compile(r"-?\d+%?")
# Source: pykickstart's documentation, "Kickstart syntax".
_SECTION = re.compile(r"^%(?!end\b|include\b|ksappend\b)(\w+)")
SHOWN, MOST = 80, 10


def mistakes(answer_format: str, text: str) -> list[str]:
    """Return what is wrong in an answer file, a line each; [] where unknown."""
    check = _CHECKS.get(answer_format)
    found = [f"the answer file, {m}" for m in check(text)] if check else []
    more = [f"the answer file has {len(found) - MOST} more of these"]
    return found[:MOST] + (more if len(found) > MOST else [])


def preseed(text: str) -> Iterator[str]:
    """debian-installer passes over these lines, and asks instead."""
    for number, line in _logical(text):
        words = line.split(None, 3)
        where = f"line {number}: "
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 3 or "/" not in words[1]:
            yield f"{where}not 'owner question type value': {line.strip()[:SHOWN]}"
            continue
        value = words[3].strip() if len(words) == 4 else ""
        if words[2] not in _TYPES + _OTHER_TYPES:
            yield f"{where}no type {words[2]!r}; there are: {', '.join(_TYPES)}"
        elif words[2] == "boolean" and value not in ("true", "false"):
            yield f"{where}{words[1]} is to be true or false, not {value[:SHOWN]!r}"
        elif words[1] == "partman-auto/expert_recipe":
            yield from (f"{where}{problem}" for problem in _recipe(value))


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Lines with those that a backslash continues, and their numbers."""
    begun, number = "", 0
    for at, line in enumerate(text.splitlines(), 1):
        number = number if begun else at
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            begun += line[:-1] + " "
            continue
        yield number, begun + line
        begun = ""
    if begun:
        yield number, begun


def _recipe(value: str) -> Iterator[str]:
    """Source: debian-installer's partman-auto-recipe.txt."""
    label, colons, rest = value.partition("::")
    parts = re.split(r"(?:^|\s)\.(?=\s|$)", rest)
    if not colons or not label.strip() or parts[-1].strip():
        yield "a recipe is 'label ::' and partitions that each end in ' .'"
        return
    for part in parts[:-1]:
        words = part.split()
        sizes = [word for word in words[:3] if _SIZE.fullmatch(word)]
        if len(sizes) < 3 or len(words) < 4 or part.count("{") != part.count("}"):
            yield (
                "a partition begins with minimum, priority, maximum and file system, "
                f"and closes its braces: {' '.join(words)[:SHOWN]}"
            )


def kickstart(text: str) -> Iterator[str]:
    """Sections that do not end: what follows is taken for a part of them."""
    name, begun = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        found = _SECTION.match(line)
        if found and name:
            yield f"line {begun}: %{name} has no %end before %{found[1]}"
        if found:
            name, begun = found[1], number
        elif re.match(r"%end\b", line):
            if not name:
                yield f"line {number}: %end ends nothing"
            name = ""
    if name:
        yield f"line {begun}: %{name} has no %end"


def xml(text: str) -> Iterator[str]:
    """Not well formed."""
    try:
        ElementTree.fromstring(text.encode())
    except (ElementTree.ParseError, ValueError) as error:
        yield f"not well-formed XML: {error}"


def yaml(text: str) -> Iterator[str]:
    """Not well formed."""
    import yaml as reader

    try:
        reader.load(text, getattr(reader, "CSafeLoader", reader.SafeLoader))
    except (reader.YAMLError, ValueError, RecursionError) as error:
        yield f"no YAML: {' '.join(str(error).split())}"


def profile(text: str) -> Iterator[str]:
    """JSON that is none; Jsonnet, which begins with other words, is not read."""
    try:
        json.loads(text if text.lstrip().startswith("{") else "{}")
    except (ValueError, RecursionError) as error:
        yield f"no JSON, which Agama reads unless it is Jsonnet: {error}"


_CHECKS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "preseed": preseed,
    "kickstart": kickstart,
    "AutoYaST": xml,
    "autounattend": xml,
    "autoinstall": yaml,
    "Agama profile": profile,
}
