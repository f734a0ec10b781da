"""Read a profile for Agama, in JSON or Jsonnet. Pure.

Source: agama, rust/agama-lib/src/utils/file_format.rs: what is no JSON is given to
jsonnetfmt, and what that refuses is of an unknown format: YAML is; profile.rs: AutoYaST's
XML is taken from addresses that end in .xml alone; agama-lib/share/profile.schema.json
of SLE-16 and of master: other keys are refused, and a script has a name and a text.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from osc_imagebuild.guests.answer_lint import jsonnet, yaml_nodes
from osc_imagebuild.guests.answer_lint.reading import Finding, Reading, Script, Value

_IMPORTS = ("import", "importstr", "importbin")
_KEYS = frozenset(
    "$schema access bootloader dasd files hostname iscsi l10n legacyAutoyastStorage"
    " localization network ntp product proxy questions root scripts security software"
    " storage user zfcp".split()
)
_SCRIPTS = frozenset(("pre", "postPartitioning", "post", "init"))
_TEXTS = ("content", "body", "url")


def read(text: str) -> Reading:
    """Take a profile apart."""
    reading = Reading(default_end="Agama would wait, or do as inst.finish says")
    if other := _other(text):
        reading.unread = (
            f"it is {other}, and Agama takes JSON or Jsonnet: write it as one"
        )
        return reading
    try:
        data = json.loads(text)
    except RecursionError as error:
        reading.mistake(0, f"no JSON: {error}")
    except ValueError as error:
        _jsonnet(text, error, reading)
    else:
        if isinstance(data, dict):
            _profile(data, text, reading)
        else:
            reading.mistake(1, "no profile: a profile is an object, in { and }")
    return reading


def _other(text: str) -> str:
    """Which other format this is for sure, '' for none."""
    first = next((row for row in text.splitlines() if row.strip(" \t#")), "").strip()
    if first.startswith("<"):
        return "XML"
    if first.startswith("- "):
        return "YAML"
    if text.lstrip()[:1] in ("{", "["):
        return ""
    try:
        jsonnet.check(list(jsonnet.tokens(text)))
    except jsonnet.NoJsonnet:
        try:
            root = yaml_nodes.compose(text)
        except yaml_nodes.BadYaml:
            return ""
        return "YAML" if getattr(root, "id", "") in ("mapping", "sequence") else ""
    return ""


def _jsonnet(text: str, error: ValueError, reading: Reading) -> None:
    """What is no JSON: it may be Jsonnet, of which strings alone are looked at."""
    try:
        words = list(jsonnet.tokens(text))
        jsonnet.check(words)
        jsonnet.names(words)
    except jsonnet.NoJsonnet as why:
        other = (
            "no JSON" if text.lstrip()[:1] in ("{", "[") else "no JSON and no Jsonnet"
        )
        where = "" if "line" in str(error) else f"line {why.line}: "
        told = f"{other} ({error}), and {where}no Jsonnet: {why.text}"
        if why.sure:
            reading.unread = f"line {why.line}: {told}"
        else:
            reading.mistake(why.line, told)
        return
    for before, word in zip([None, *words], words, strict=False):
        if word.kind == "string":
            reading.values.append(Value(word.line, word.text))
        if before and before.kind == "name" and before.text in _IMPORTS:
            reading.unseen.append(Finding(word.line, f"import {word.text[:40]}"))
    for at in range(len(words) - 2):
        key, colon, value = words[at : at + 3]
        separated = colon.kind == "operator" and colon.text in (":", "::", ":::")
        if not separated or value.kind != "string":
            continue
        if key.text in ("content", "body"):
            reading.scripts.append(Script(value.line, value.text, whole=False))
        elif key.text == "password" and not value.text.startswith(("$", "*", "!")):
            reading.secret(value.line, "a password")


def _profile(data: dict[str, Any], text: str, reading: Reading) -> None:
    for path, value in _walk(data, ()):
        if not isinstance(value, str):
            continue
        line = _line(text, path[-1], value)
        if path[0] == "scripts" and path[-1] in ("content", "body") and path[1:]:
            late = path[1] == "post"
            language = _language(value)
            reading.scripts.append(Script(line, value, language, False, late))
        elif path[-1] != "content":
            reading.values.append(Value(line, value))
    for path, value in _walk(data, ()):
        if isinstance(value, dict):
            _secrets(value, path, text, reading)
    _keys(data, _KEYS, text, reading)
    scripts = data.get("scripts")
    if isinstance(scripts, dict):
        _keys(scripts, _SCRIPTS, text, reading)
        for kind in _SCRIPTS & scripts.keys():
            _scripts(kind, scripts[kind], text, reading)


def _keys(
    mapping: dict[str, Any], allowed: frozenset[str], text: str, reading: Reading
) -> None:
    """Tell of keys that Agama does not know, and so refuses the profile for."""
    for key in mapping.keys() - allowed:
        near = difflib.get_close_matches(key, allowed, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        reading.mistake(_line(text, key, key), f"Agama has no key {key}{hint}")


def _scripts(kind: str, entries: Any, text: str, reading: Reading) -> None:
    """Tell of scripts that lack what each of them must have."""
    if not isinstance(entries, list):
        reading.mistake(
            _line(text, kind, kind), f"scripts.{kind} takes a list of scripts"
        )
        return
    for script in (item for item in entries if isinstance(item, dict)):
        given = next((script[key] for key in _TEXTS if key in script), None)
        line = _line(text, kind, given if isinstance(given, str) else kind)
        if "name" not in script:
            reading.mistake(line, f"a script of scripts.{kind} has no name")
        if given is None:
            reading.mistake(line, f"a script of scripts.{kind} has no content or url")


def _secrets(
    mapping: dict[str, Any], path: tuple[str, ...], text: str, reading: Reading
) -> None:
    password = mapping.get("password")
    if not isinstance(password, str) or not password.strip("!*"):
        return
    if path[:1] in (("root",), ("user",)) and mapping.get("hashedPassword") is True:
        return
    reading.secret(_line(text, "password", password), f"the password of {path[-1:]}")


def _language(text: str) -> str:
    first = text.partition("\n")[0]
    if not first.startswith("#!"):
        return "bash"
    return "bash" if first.rstrip().endswith(("sh", "bash")) else ""


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Everything in a document, with the names that lead to it."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*path, str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, path)


def _line(text: str, key: str, value: str) -> int:
    """Where a value stands, as near as can be told: JSON's reader keeps no lines."""
    for written in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        at = text.find(written)
        if at >= 0:
            return text.count("\n", 0, at) + 1
    at = text.find(f'"{key}"')
    return text.count("\n", 0, at) + 1 if at >= 0 else 1
