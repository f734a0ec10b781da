"""An answer file of Windows Setup. Pure.

Source: Microsoft's Unattended Windows Setup Reference (Microsoft-Windows-Deployment,
Microsoft-Windows-Shell-Setup, Microsoft-Windows-Setup) and its list of passes.
"""

from __future__ import annotations

from osc_imagebuild.syntax import markup
from osc_imagebuild.syntax.markup import Node
from osc_imagebuild.syntax.reading import OFF, End, Reading, Script, Value

SPACE = "urn:schemas-microsoft-com:unattend"
PASSES = frozenset(
    "windowsPE offlineServicing generalize specialize auditSystem auditUser "
    "oobeSystem".split()
)
# In which commands run at the end of an installation, not at its beginning.
_LATE = PASSES - {"windowsPE", "offlineServicing"}
_COMMANDS = ("Path", "CommandLine")
_PASSWORDS = ("Password", "AdministratorPassword")


def read(text: str) -> Reading:
    """Take an answer file apart."""
    reading = Reading(default_end="Windows would start")
    try:
        root = markup.parse(text)
    except markup.BadMarkup as error:
        reading.unread = f"line {error.line}: {error.text}"
        return reading
    if (root.name, root.space) != ("unattend", SPACE):
        reading.wrong(
            root.line,
            f"the first element is {root.name} of the namespace {root.space!r:.60}, and "
            f"not unattend of {SPACE!r}",
        )
    _audit(root, reading)
    for settings in root.children:
        name = settings.attributes.get("pass", "")
        if settings.name != "settings":
            if settings.space != SPACE:
                _texts(settings, reading)
            continue
        if name not in PASSES:
            reading.wrong(settings.line, f"Windows Setup has no pass {name!r}")
        for component in settings.children:
            _component(component, name, reading)
    return reading


def _audit(root: Node, reading: Reading) -> None:
    """Passes of audit mode are run where something asks for it."""
    modes = {n.text.strip().lower() for n in root.walk() if n.name == "Mode"}
    asked = "audit" in modes or any("/audit" in n.text.lower() for n in root.walk())
    for settings in root.children:
        name = settings.attributes.get("pass", "")
        if name in ("auditUser", "auditSystem") and not asked:
            reading.wrong(
                settings.line,
                f"the pass {name} is run in audit mode alone, for which nothing asks: "
                "<Reseal><Mode>Audit</Mode></Reseal> of Microsoft-Windows-Deployment in "
                "the pass oobeSystem would",
            )


def _texts(extension: Node, reading: Reading) -> None:
    """Text that commands take out of the file by themselves."""
    for node in extension.walk():
        if node.text.strip():
            line = node.text_line or node.line
            reading.scripts.append(Script(line, node.text, "windows"))


def _component(component: Node, name: str, reading: Reading) -> None:
    if component.name != "component":
        reading.wrong(component.line, f"{component.name} stands where components do")
        return
    for needed in ("name", "processorArchitecture", "publicKeyToken", "language"):
        if not component.attributes.get(needed):
            reading.wrong(component.line, f"a component without {needed} is refused")
    for node in component.walk():
        text, line = node.text.strip(), node.text_line or node.line
        if node.name in _COMMANDS and text:
            late = name in _LATE
            reading.scripts.append(Script(line, node.text, "windows", late=late))
        elif node.name == "ForceShutdownNow" and text.lower() == "true":
            if name in _LATE:
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
