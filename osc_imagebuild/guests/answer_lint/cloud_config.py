"""Read an autoinstall file for Ubuntu's installer, which gets it from cloud-init. Pure.

Source: cloud-init, cloudinit/cmd/main.py (`attempt_cmdline_url`: what the option
cloud-config-url names must begin with #cloud-config), handlers/jinja_template.py,
handlers/cloud_config.py (of parts with the same key the last one counts); subiquity,
subiquity/server/server.py (`load_cloud_config`, `validate_autoinstall`,
`_extract_autoinstall_from_cloud_config`), server/controllers/shutdown.py,
autoinstall-schema.json.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests.answer_lint import user_data, yaml_nodes
from osc_imagebuild.guests.answer_lint.reading import (
    OFF,
    REBOOT,
    End,
    Finding,
    Reading,
    Script,
    Value,
)
from osc_imagebuild.guests.answer_lint.user_data import CONFIG, INCLUDE, JINJA, Part
from osc_imagebuild.guests.answer_lint.yaml_nodes import Item

HEADER = "#cloud-config"
# What stands in a file for something that only the guest knows.
RENDERED = "rendered"
# Of subiquity's keys those that cloud-init does not have too.
_ONLY_SUBIQUITY = frozenset(
    """active-directory codecs debconf-selections early-commands error-commands identity
    interactive-sections kernel kernel-crash-dumps late-commands network oem proxy
    refresh-installer shutdown snaps source storage ubuntu-advantage ubuntu-pro user-data
    version zdevs""".split()
)
KEYS = _ONLY_SUBIQUITY | frozenset(
    "apt drivers keyboard locale packages reporting ssh timezone updates".split()
)
_COMMANDS = ("early-commands", "late-commands", "error-commands")
# What the new system runs or has written at its first boot.
_LATER = ("runcmd", "bootcmd", "write_files", "content")
_HASH = re.compile(r"[!*]*|\$[0-9a-z]+\$.+|[./0-9A-Za-z]{13}")


def read(text: str) -> Reading:
    """Take an answer file apart."""
    reading = Reading(default_end="Ubuntu's installer would reboot")
    if user_data.is_whole(text):
        _config(text, reading)
        return reading
    try:
        parts = user_data.parts(text)
    except user_data.BadParts as error:
        reading.unread = str(error)
        return reading
    included = [
        Finding(part.before + 1, "#include") for part in parts if part.kind == INCLUDE
    ]
    autoinstalls = [part for part in parts if _has_autoinstall(part)]
    if autoinstalls:
        _part(autoinstalls[-1], reading)
        reading.move(autoinstalls[-1].before)
    elif not included:
        reading.unread = "none of its parts is a cloud-config with autoinstall"
    reading.unseen += included
    return reading


def _config(config: str, reading: Reading) -> None:
    """A file of one part, which its first line makes a cloud-config."""
    if user_data.kind_of(config) == JINJA and not config[:1].isspace():
        _part(Part(JINJA, 0, config), reading)
        return
    if not config.startswith(HEADER):
        _unread(reading, _no_header(config))
    _document(config, reading)


def _has_autoinstall(part: Part) -> bool:
    """Whether it is what the installer looks for; what cannot be read may be it."""
    if part.kind not in (CONFIG, JINJA):
        return False
    try:
        text = _rendered(part.text) if part.kind == JINJA else part.text
        return "autoinstall" in yaml_nodes.mapping(yaml_nodes.compose(text))
    except yaml_nodes.BadYaml:
        return "autoinstall" in part.text


def _part(part: Part, reading: Reading) -> None:
    """One part, whose kind is known; of a template that of what it gives counts."""
    if part.kind != JINJA:
        _document(part.text, reading)
        return
    below = part.text.lstrip().partition("\n")[2]
    if user_data.kind_of(below) != CONFIG:
        _unread(reading, _no_header(below))
    _document(_rendered(part.text), reading)


def _unread(reading: Reading, why: str) -> None:
    """Add to why nobody reads this file."""
    reading.unread += f"{'; and ' if reading.unread else ''}{why}"


def _no_header(text: str) -> str:
    first = text.lstrip("\ufeff \t\r\n").partition("\n")[0]
    if first.lower().startswith(HEADER):
        return f"its very first characters must be {HEADER}"
    return (
        f"its first line is not {HEADER} but {first[:40]!r}, so that cloud-init passes "
        "it over, and the installer asks"
    )


def _rendered(text: str) -> str:
    """A template as YAML: texts in quotes give themselves, the rest is not known here."""
    text = re.sub(r"\{%.*?%\}|\{#.*?#\}", _lines, text, flags=re.DOTALL)
    text = re.sub(r"\{\{-?\s*(['\"])([\w ./:-]*)\1\s*-?\}\}", r"\2", text)
    return re.sub(r"\{\{.*?\}\}", RENDERED, text, flags=re.DOTALL)


def _lines(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _document(text: str, reading: Reading) -> None:
    try:
        root = yaml_nodes.compose(text)
    except yaml_nodes.BadYaml as error:
        _unread(reading, str(error))
        return
    reading.mistakes += (
        Finding(line, f"{key} is there twice, and the last one counts")
        for line, key in yaml_nodes.twice(root)
    )
    top = yaml_nodes.mapping(root)
    beside = [key for key in top if key in _ONLY_SUBIQUITY]
    if "autoinstall" not in top:
        advice = f": move {', '.join(beside[:5])} below it" if beside else ""
        _unread(
            reading,
            f"it has no key autoinstall, below which alone the installer reads{advice}",
        )
        return
    line, node = top["autoinstall"]
    if beside:
        where = top[beside[0]][0]
        _unread(
            reading,
            f"line {where}: {', '.join(beside)} beside autoinstall, where the installer "
            "does not read it, and newer ones stop: indent it below autoinstall",
        )
    keys = yaml_nodes.mapping(node)
    if not keys:
        reading.mistake(line, "nothing is below autoinstall")
    _keys(line, keys, reading)
    _ending(keys, reading)
    for item in yaml_nodes.scalars(root):
        if not {*item.path} & {*_COMMANDS, *_LATER}:
            reading.values.append(Value(item.line, item.text))
        _secret(item, reading)


def _keys(line: int, keys: Mapping[str, tuple[int, Any]], reading: Reading) -> None:
    if "version" not in keys and keys:
        reading.mistake(line, "version: 1 is missing below autoinstall, and needed")
    for key, (at, node) in keys.items():
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            reading.mistake(at, f"the installer has no key {key}{hint}")
        elif key in _COMMANDS:
            _commands(key, at, node, reading)
    if "interactive-sections" in keys:
        at, node = keys["interactive-sections"]
        if any(True for _ in yaml_nodes.scalars(node)):
            reading.mistake(at, "interactive-sections lets the installer ask")


def _commands(key: str, line: int, node: Any, reading: Reading) -> None:
    if node.id != "sequence":
        reading.mistake(line, f"{key} takes a list of commands")
        return
    late = key == "late-commands"
    for command in node.value:
        if command.id == "scalar":
            at = yaml_nodes.line_of(command)
            whole = command.style in ("|",)
            reading.scripts.append(Script(at, command.value, "sh", whole, late))
            continue
        words = yaml_nodes.words(command)
        if words:
            text = " ".join(_quoted(word.text) for word in words)
            reading.scripts.append(Script(words[0].line, text, "sh", False, late))


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w./:=@%+-]+", word) else _in_quotes(word)


def _in_quotes(word: str) -> str:
    quoted = word.replace("'", "'\\''")
    return f"'{quoted}'"


def _ending(keys: Mapping[str, tuple[int, Any]], reading: Reading) -> None:
    line, node = keys.get("shutdown", (0, None))
    if node is None:
        return
    value = getattr(node, "value", "")
    kinds = {"poweroff": OFF, "reboot": REBOOT}
    if RENDERED in str(value):
        reading.unseen.append(Finding(line, "shutdown, which a template gives"))
        return
    if node.id != "scalar" or value not in kinds:
        reading.mistake(
            line, f"shutdown is to be poweroff or reboot, not {value!r:.40}"
        )
        return
    reading.end = End(line, kinds[value], f"shutdown: {value}")


def _secret(item: Item, reading: Reading) -> None:
    path, value = item.path, item.text
    plain = not _HASH.fullmatch(value)
    if path[:3] == ("autoinstall", "identity", "password") and plain:
        reading.secret(item.line, "identity.password, which takes a hash")
    elif path[-1:] == ("plain_text_passwd",) and value:
        reading.secret(item.line, "plain_text_passwd")
    elif path[-2:] in (("layout", "password"), ("storage", "password")) and value:
        reading.secret(item.line, "the disk's password")
    elif "chpasswd" in path and path[-1] in ("list", "password"):
        texts = [entry.partition(":")[2] or entry for entry in value.split()]
        if any(not _HASH.fullmatch(text) and text != "RANDOM" for text in texts):
            reading.secret(item.line, "chpasswd")
    elif path[-2:] == ("user-data", "password") and plain:
        reading.secret(item.line, "password")
