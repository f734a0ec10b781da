"""Answer files taken apart by the vendors' own parsers, or others' strict ones."""

from __future__ import annotations

import base64
import functools
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import jsonschema
import yaml
from pykickstart.constants import KS_SCRIPT_ONERROR, KS_SCRIPT_POST, KS_SCRIPT_PRE
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

from tests import paths

SCHEMAS = paths.DATA / "schemas"
YAST = "{http://www.suse.com/1.0/yast2ns}"
UNATTEND = "{urn:schemas-microsoft-com:unattend}"

# Source: SUSE's AutoYaST guide; sections of a profile that are used here.
YAST_SECTIONS = frozenset(
    """general add-on suse_register language keyboard timezone networking proxy firewall
    users bootloader partitioning software scripts""".split()
)
# Source: Microsoft's reference of unattended Windows setup, components by pass.
WINDOWS_COMPONENTS = {
    "windowsPE": {
        "Microsoft-Windows-International-Core-WinPE",
        "Microsoft-Windows-PnpCustomizationsWinPE",
        "Microsoft-Windows-Setup",
    },
    "specialize": {"Microsoft-Windows-Shell-Setup", "Microsoft-Windows-Deployment"},
    "oobeSystem": {
        "Microsoft-Windows-International-Core",
        "Microsoft-Windows-Deployment",
    },
    "auditUser": {"Microsoft-Windows-Deployment"},
}


class BadAnswer(AssertionError):
    """A parser refuses an answer file."""


def preseed(name: str, answer: str) -> str:
    """Return the script in a preseed file, as the installer takes it out."""
    plain = [ln for ln in answer.splitlines() if ln and not ln.startswith("#")]
    for line in plain:
        if not re.fullmatch(r"(d-i|tasksel|popularity-contest) \S+ \S+.*", line):
            raise BadAnswer(f"no setting: {line}")
    if any("\\" in ln for ln in plain) or any(
        ln.endswith("\\") for ln in answer.split("\n")
    ):
        raise BadAnswer("debconf takes backslashes away, and joins lines at them")
    command = next(ln for ln in plain if " preseed/early_command " in ln)
    found = re.findall(r"sed -n '([^']+)'", command)
    if not found:
        raise BadAnswer(command)
    *early, script = (_run(["sed", "-n", word], answer) for word in found)
    for text in early:
        _run(["sh", "-n"], text)
    return str(script)


def debconf(answer: str) -> None:
    """Let debconf check a preseed file, where this machine has it; it is slow."""
    if shutil.which("debconf-set-selections"):
        _run(["debconf-set-selections", "--checkonly"], answer)


def autoinstall(name: str, answer: str) -> str:
    """Return the script that an autoinstall file runs at the end."""
    if not answer.startswith("#cloud-config\n"):
        raise BadAnswer("no cloud-config")
    data = yaml.load(answer, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    _validate("autoinstall", data)
    command, last = data["autoinstall"]["late-commands"]
    if last[:2] != ["sh", "-c"] or len(last) != 3:
        raise BadAnswer(str(last[:2]))
    _run(["sh", "-n"], last[2])
    if command[:5] != ["curtin", "in-target", "--", "sh", "-c"] or len(command) != 6:
        raise BadAnswer(str(command[:5]))
    return str(command[5])


def kickstart(name: str, answer: str) -> str:
    """Return %post of a kickstart, read as the Anaconda of that release does."""
    system, _, version = name.rpartition("-")
    handler = makeVersion(f"F{version}" if system == "fedora" else f"RHEL{version}")
    # What it includes, its own %pre makes.
    parser = KickstartParser(handler, errorsAreFatal=True, followIncludes=False)
    parser.readKickstartFromString(answer)
    scripts = [s for s in handler.scripts if s.type != KS_SCRIPT_PRE]
    early = [s.script for s in handler.scripts if s.type == KS_SCRIPT_PRE]
    if len(scripts) != 3 or len(early) > 1 + answer.count("%include"):
        raise BadAnswer(f"{len(scripts)} scripts, not %onerror and two %post")
    [outside] = [s.script for s in handler.scripts if s.type == KS_SCRIPT_ONERROR]
    [before, inside] = [s for s in handler.scripts if s.type == KS_SCRIPT_POST]
    if before.inChroot or not inside.inChroot:
        raise BadAnswer("the last script is not the one in the new system")
    for text in (*early, outside, before.script):
        _run(["sh", "-n"], text)
    return str(inside.script)


def autoyast(name: str, answer: str) -> str:
    """Return the script of an AutoYaST profile."""
    root = ElementTree.fromstring(answer)
    unknown = {child.tag.removeprefix(YAST) for child in root} - YAST_SECTIONS
    if root.tag != f"{YAST}profile" or unknown:
        raise BadAnswer(f"unknown sections: {unknown}")
    *early, source = root.iter(f"{YAST}source")
    for script in early:
        _run(["sh", "-n"], script.text or "")
    return source.text or ""


def agama(name: str, answer: str) -> str:
    """Return the script of Agama's profile."""
    data = json.loads(answer)
    _validate("agama", data)
    [script] = data["scripts"]["post"]
    for early in data["scripts"].get("pre", ()):
        _run(["sh", "-n"], early["content"])
    return str(script["content"])


def bsdinstall(name: str, answer: str) -> str:
    """Return the second part of a script for bsdinstall, which splits at #!."""
    first, *rest = re.split(r"(?m)^(?=#!)", answer)
    if len(rest) != 1 or "PARTITIONS=" not in first:
        raise BadAnswer(f"{len(rest) + 1} parts, not a preamble and a script")
    _run(["sh", "-n"], first)
    return rest[0]


def unattend(name: str, answer: str) -> str:
    """Return the PowerShell in an autounattend.xml, commands decoded in it."""
    root = ElementTree.fromstring(answer)
    found = {
        str(settings.get("pass")): {
            str(component.get("name")) for component in settings
        }
        for settings in root.iter(f"{UNATTEND}settings")
    }
    if found != WINDOWS_COMPONENTS:
        raise BadAnswer(f"other passes or components: {found}")
    [script] = root.iter("{urn:imagebuild}Script")

    def decoded(match: re.Match[str]) -> str:
        return f"-Command {base64.b64decode(match.group(1)).decode('utf-16-le')!r}"

    return re.sub(r"-EncodedCommand (\S+)", decoded, script.text or "")


PARSERS: dict[str, Callable[[str, str], str]] = {
    "debian": preseed,
    "ubuntu": autoinstall,
    "redhat": kickstart,
    "suse": autoyast,
    "agama": agama,
    "freebsd": bsdinstall,
    "windows": unattend,
}


# Many requests come to the same file, as architectures often do.
@functools.cache
def script_of(family: str, name: str, answer: str) -> str:
    """Return the script in an answer file, both checked.

    :raises: AssertionError, or a parser's own error
    """
    script = PARSERS[family](name, answer)
    if family != "windows":
        _run(["sh", "-n"], script)
    return script


def _validate(schema: str, data: Any) -> None:
    _validator(schema).validate(data)


@functools.cache
def _validator(name: str) -> Any:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def _run(command: list[str], text: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode or done.stderr:
        raise BadAnswer(f"{command[0]}: {done.stderr}")
    return done.stdout
