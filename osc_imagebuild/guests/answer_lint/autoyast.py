"""Read an AutoYaST profile. Pure.

Source: yast-autoinstallation, src/autoyast-rnc/general.rnc, src/modules/Profile.rb (how
final_halt and final_reboot become scripts of the second stage),
src/clients/autoinst_scripts2_finish.rb (post-scripts are run at the end of the second
stage, init-scripts by a unit of the first boot's); SUSE's AutoYaST guide.
"""

from __future__ import annotations

import re

from osc_imagebuild.guests.answer_lint import markup
from osc_imagebuild.guests.answer_lint.markup import Node
from osc_imagebuild.guests.answer_lint.reading import (
    OFF,
    REBOOT,
    End,
    Finding,
    Reading,
    Script,
    Value,
)

SPACE = "http://www.suse.com/1.0/yast2ns"
_SHELL = ("", "shell", "/bin/sh", "/bin/bash")
_LATE = ("chroot-scripts", "post-scripts", "init-scripts")
_SCRIPTS = ("pre-scripts", "postpartitioning-scripts", *_LATE)
_PASSWORDS = ("user_password", "crypt_key", "password", "final_password")


def read(text: str) -> Reading:
    """Take a profile apart."""
    reading = Reading(default_end="YaST would reboot")
    root = markup.root_of(text, reading)
    if root is None:
        return reading
    if (root.name, root.space) != ("profile", SPACE):
        reading.mistake(
            root.line,
            f"the first element is {root.name} of the namespace {root.space!r:.60}, and "
            f"not profile of {SPACE!r}",
        )
    second = _modes(root, reading)
    for node in root.walk():
        _element(node, reading)
        if node.name in _SCRIPTS:
            left_out = node.name == "post-scripts" and not second
            late = node.name in _LATE and not left_out
            if left_out and node.children:
                reading.mistake(
                    node.line,
                    "post-scripts are of the second stage, which second_stage false "
                    "leaves out: chroot-scripts and init-scripts are run",
                )
            for script in node.children:
                _script(script, late, reading)
    for node in root.children:
        if node.name in ("chroot-scripts", "mode", "post-scripts", "init-scripts"):
            inside = "general" if node.name == "mode" else "scripts"
            reading.mistake(node.line, f"{node.name} is read inside of {inside} alone")
    return reading


def _modes(root: Node, reading: Reading) -> bool:
    """What general/mode says of the end; whether there is a second stage."""
    mode = root.find("general", "mode")
    if mode is None:
        return True
    second = _boolean(mode.find("second_stage"), reading)
    for name, kind in (("halt", OFF), ("final_halt", OFF), ("final_reboot", REBOOT)):
        node = mode.find(name)
        if not _boolean(node, reading) or node is None:
            continue
        if name.startswith("final_") and second is False:
            reading.mistake(
                node.line,
                f"{name} is of the second stage, which second_stage false leaves out",
            )
        elif reading.end is None or (kind == REBOOT and reading.end.words != "halt"):
            reading.end = End(node.line, kind, name)
    return second is not False


def _boolean(node: Node | None, reading: Reading) -> bool | None:
    """The truth that an element says, None for no such element."""
    if node is None:
        return None
    kind = node.attributes.get("type") or node.attributes.get("t")
    value = node.text.strip()
    if kind != "boolean" or value not in ("true", "false"):
        reading.mistake(
            node.line,
            f'{node.name} is to be true or false and have config:type="boolean"',
        )
    return value == "true"


def _element(node: Node, reading: Reading) -> None:
    text, line = node.text, node.text_line or node.line
    if node.name == "location" and text.strip():
        reading.unseen.append(Finding(line, f"a script of {text.strip():.60}"))
    if node.name == "rules" or node.name == "classes":
        reading.unseen.append(Finding(node.line, node.name))
    if node.name not in ("source", "file_contents") and text.strip():
        reading.values.append(Value(line, text))
    for child in node.children:
        if child.name in _PASSWORDS and child.text.strip() and not _hashed(node, child):
            reading.secret(child.line, f"{child.name} of {node.name}")


def _script(node: Node, late: bool, reading: Reading) -> None:
    source = node.find("source")
    if source is None or not source.text.strip():
        return
    shell = node.value("interpreter") in _SHELL
    first = source.text.lstrip().partition("\n")[0]
    if match := re.match(r"#!\s*(\S+)", first):
        shell = match[1].rpartition("/")[2] in ("sh", "bash")
    line = source.text_line or source.line
    language = "bash" if shell else ""
    reading.scripts.append(Script(line, source.text, language, late=late))


def _hashed(node: Node, password: Node) -> bool:
    """Whether YaST takes it for a hash; a lone ! or * is no password."""
    if password.text.strip().strip("!*") == "":
        return True
    return password.name == "user_password" and node.value("encrypted") == "true"
