"""Read an answer file of Windows Setup. Pure.

Source: Microsoft's Unattended Windows Setup Reference (Microsoft-Windows-Deployment,
Microsoft-Windows-Shell-Setup, Microsoft-Windows-Setup), its list of passes (auditSystem
and auditUser are run in audit mode alone), and Windows Setup Automation Overview: an
answer file without settings for a pass is ignored in it.
"""

from __future__ import annotations

import re

from osc_imagebuild.guests.answer_lint import markup, windows
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

SPACE = "urn:schemas-microsoft-com:unattend"
PASSES = frozenset(
    "windowsPE offlineServicing generalize specialize auditSystem auditUser "
    "oobeSystem".split()
)
# In which commands run at the end of an installation, not at its beginning.
_LATE = PASSES - {"windowsPE", "offlineServicing"}
_AUDIT = frozenset(("auditSystem", "auditUser"))
# Behind these Windows is not started again by itself.
_LAST = frozenset(("auditUser", "oobeSystem"))
_TO_AUDIT = re.compile(r"[-/]audit\b", re.I)
_COMMANDS = ("Path", "CommandLine")
_PASSWORDS = ("Password", "AdministratorPassword")


def read(text: str) -> Reading:
    """Take an answer file apart."""
    reading = Reading(default_end="Windows would start")
    root = markup.root_of(text, reading)
    if root is None:
        return reading
    if (root.name, root.space) != ("unattend", SPACE):
        reading.unread = (
            f"line {root.line}: the first element is {root.name} of the namespace "
            f"{root.space!r:.60}, and not unattend of {SPACE!r}: Windows Setup finds no "
            "settings in it, and asks"
        )
        return reading
    late = _LATE if _audit(root, reading) else _LATE - _AUDIT
    seen: list[tuple[str, windows.Seen]] = []
    for settings in root.children:
        name = settings.attributes.get("pass", "")
        before = len(reading.scripts)
        if (settings.name, settings.space) == ("settings", SPACE):
            if name not in PASSES:
                reading.mistake(settings.line, f"Windows Setup has no pass {name!r}")
            for component in settings.children:
                _component(component, name in late, reading)
        elif settings.name == "settings":
            reading.mistake(
                settings.line,
                f"settings of the namespace {settings.space!r:.60} are not read: it must "
                f"be {SPACE!r}",
            )
        elif settings.space != SPACE:
            _texts(settings, reading)
        seen += [
            (name, windows.look(script.line, script.text))
            for script in reading.scripts[before:]
            if script.late
        ]
    _later(seen, reading)
    return reading


def _later(seen: list[tuple[str, windows.Seen]], reading: Reading) -> None:
    """What commands register for later counts where it is started, or Windows is."""
    started = any(
        commands.starts or any(end.kind == REBOOT for end in commands.ends)
        for _, commands in seen
    )
    for name, commands in seen:
        reading.unseen += commands.unknown
        for end, at_start in commands.later:
            if end.kind != OFF:
                continue
            if started:
                reading.end = reading.end or end
            elif at_start and name in _LAST:
                reading.mistake(
                    end.line,
                    "this is only registered for a start or a logon that nothing brings: "
                    f"{end.words}",
                )
            else:
                reading.unseen.append(Finding(end.line, f"registered: {end.words}"))


def _audit(root: Node, reading: Reading) -> bool:
    """Passes of audit mode are run where something asks for it; whether it does."""
    asked = any(_asks(settings) for settings in root.children)
    for settings in root.children:
        name = settings.attributes.get("pass", "")
        if name in _AUDIT and not asked:
            reading.mistake(
                settings.line,
                f"the pass {name} is run in audit mode alone, for which nothing asks: "
                "<Reseal><Mode>Audit</Mode></Reseal> of Microsoft-Windows-Deployment in "
                "the pass oobeSystem would",
            )
    return asked


def _asks(settings: Node) -> bool:
    """Whether a pass leads to audit mode; the passes of this mode itself do not."""
    if settings.attributes.get("pass", "") in _AUDIT:
        return False
    modes = {
        node.value("Mode").lower() for node in settings.walk() if node.name == "Reseal"
    }
    return "audit" in modes or any(_TO_AUDIT.search(n.text) for n in settings.walk())


def _texts(extension: Node, reading: Reading) -> None:
    """Text that commands take out of the file by themselves."""
    for node in extension.walk():
        if node.text.strip():
            line = node.text_line or node.line
            reading.scripts.append(Script(line, node.text, "windows"))


def _component(component: Node, late: bool, reading: Reading) -> None:
    if component.name != "component":
        reading.mistake(component.line, f"{component.name} stands where components do")
        return
    for needed in ("name", "processorArchitecture", "publicKeyToken", "language"):
        if not component.attributes.get(needed):
            reading.mistake(component.line, f"a component without {needed} is refused")
    for node in component.walk():
        text, line = node.text.strip(), node.text_line or node.line
        if node.name in _COMMANDS and text:
            reading.scripts.append(Script(line, node.text, "windows", late=late))
        elif node.name == "ForceShutdownNow" and text.lower() == "true":
            if late:
                reading.end = End(line, OFF, "ForceShutdownNow")
        elif text:
            reading.values.append(Value(line, text))
        if node.name in _PASSWORDS:
            _password(node, reading)


def _password(node: Node, reading: Reading) -> None:
    """Source: Setup's hidden form is base64 of the password and its element's name."""
    value = node.find("Value")
    if value is not None and value.text.strip():
        hidden = node.value("PlainText").lower() == "false"
        how = ", which base64 alone hides" if hidden else ""
        reading.secret(value.line, f"{node.name}{how}")
    elif node.text.strip():
        reading.secret(node.line, node.name)
