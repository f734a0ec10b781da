"""Find commands of a Windows answer file that power the machine off or reboot it. Pure.

Variables are followed where a text is assigned to them; what else is in one is unknown.

Source: Microsoft's references of shutdown.exe, Sysprep's command line, Stop-Computer,
Win32_OperatingSystem.Win32Shutdown, Wpeutil, schtasks, and the keys Run and RunOnce.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from osc_imagebuild.guests.answer_lint.reading import OFF, REBOOT, End, Finding

_REMARK = re.compile(r"^[\s@]*(rem\b|::)", re.I)
_SILENT = re.compile(r"^[\s@\"']*(echo\b|write-(host|output|verbose)\b)", re.I)
_ENCODED = re.compile(
    r"[-/]e(?:nc|ncodedcommand|c)?\s+['\"]?([A-Za-z0-9+/=]{8,})", re.I
)
_RUNS = re.compile(
    r"^[\s@\"']*(?:[^\s\"']*\bcmd(?:\.exe)?[\"']?\s(?:.*?\s)?/[ck]\b|[^\s\"']*\bpowershell(?:\.exe)?"
    r"[\"']?\s(?:.*?\s)?-c(?:ommand)?\b)[\s\"'&{]*",
    re.I,
)
_SAID = re.compile(r"[-/][cd]\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"']+)", re.I)
_BLOCK = re.compile(r"<#.*?#>", re.DOTALL)
_COMMENT = re.compile(r"(^|[\s\"'])#.*")
_STATEMENT = re.compile(r"\r?\n|&&?|\|\|?|;")
_OPTIONS = re.compile(r"[-/](sg?|p|r|g|a|l|h)(?![\w-])", re.I)
_SYSPREP = r"^(?=.*(?:\bsysprep\b|[-/](?:generalize|oobe|audit)\b))"
_PATTERNS = (
    (re.compile(r"\bstop-computer\b", re.I), OFF),
    (re.compile(r"\brestart-computer\b", re.I), REBOOT),
    # By its options, as its name may be in a variable.
    (re.compile(rf"{_SYSPREP}.*[-/]shutdown\b", re.I), OFF),
    (re.compile(rf"{_SYSPREP}.*[-/]reboot\b", re.I), REBOOT),
    (re.compile(r"win32shutdown\W+(1|5|8|9|12|13)\b|\bcall\s+shutdown\b", re.I), OFF),
    (re.compile(r"win32shutdown\W+(2|6)\b|\bcall\s+reboot\b", re.I), REBOOT),
)
_SHUTDOWN = re.compile(r"\b(?:ps)?shutdown(?:\.exe)?\b(.*)", re.I)
# Commands that only have another one run later, where they do not start it too.
_REGISTERS = re.compile(
    r"\bschtasks(?:\.exe)?\b.*[-/]create\b|\bregister-scheduled(?:task|job)\b"
    r"|\bnew-scheduledtaskaction\b|\breg(?:\.exe)?[\"']?\s+add\b.*\\run(?:once(?:ex)?)?\b"
    r"|\b(?:set|new)-itemproperty\b.*\\run(?:once(?:ex)?)?\b|^\W*at(?:\.exe)?\s+\d",
    re.I,
)
_STARTS = re.compile(
    r"\bschtasks(?:\.exe)?\b.*[-/]run\b|\bstart-scheduledtask\b|-runnow\b", re.I
)
_AT_START = re.compile(r"[-/]sc\s+\W?on(?:start|logon)\b|-at(?:startup|logon)\b", re.I)
# A text, or several, for a variable of PowerShell's or of cmd's.
_ASSIGNED = re.compile(
    r"^[\s@\"'&{(]*(?:\$(?P<name>\w+)\s*=\s*(?:@\()?\s*(?P<text>['\"].*)"
    r"|set\s+\"?(?P<other>\w+)=(?P<value>.*))$",
    re.I,
)
_VARIABLE = re.compile(r"\$(?:env:)?\{?(\w+)\}?|%(\w+)%")
# What runs something, and scripts that are not in the answer file.
_RUNS_UNKNOWN = re.compile(
    r"^[\s@\"'{(&.]*\$(?!env:|\w+\s*[-+*.\[]?=|\w+[.\[])\w|^[\s@\"'&{]*%\w+%[\"']?(?:\s|$)"
    r"|\b(?:start-process|saps|invoke-expression|iex|invoke-command|icm)\b.*[$%]\w"
    r"|\b(?:shutdown|sysprep)\b(?:\.exe)?.*\s[\"']?[$%@]\w",
    re.I,
)
_SCRIPT = re.compile(r"[\w%$:\\/.{}@-]+\.(?:ps1|cmd|bat|vbs|wsf)\b", re.I)
_DEEP = 3
# Source: Microsoft's documentation of cmd: the longest command line.
_LONGEST = 8191


class Later(NamedTuple):
    """What is only registered; ``at_start`` is whether it waits for the next start."""

    end: End
    at_start: bool


@dataclass
class Seen:
    """What is known of commands. ``starts`` is whether they start what is registered."""

    ends: list[End] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)
    unknown: list[Finding] = field(default_factory=list)
    starts: bool = False


def ends(line: int, text: str) -> list[End]:
    """Return each command that ends the run of the machine."""
    return look(line, text).ends


def look(line: int, text: str, depth: int = 0) -> Seen:
    """Look through the commands of a script for cmd or PowerShell."""
    seen = Seen()
    values: dict[str, str] = {}
    at_start = bool(_AT_START.search(text))
    for at, written in _statements(text):
        if match := _ASSIGNED.match(_RUNS.sub("", written)):
            name = match["name"] or match["other"]
            value = match["text"] or match["value"]
            values[name.lower()] = re.sub(r"['\",()]+", " ", value).strip()
            continue
        if _SILENT.match(_RUNS.sub("", written)):
            continue
        statement = _with_values(written, values)
        _note(line + at, statement, at_start, seen)
        for encoded in _ENCODED.finditer(statement):
            if depth < _DEEP:
                inner = look(line + at, decoded(encoded[1]), depth + 1)
                seen.ends += inner.ends
                seen.later += inner.later
                seen.unknown += inner.unknown
                seen.starts |= inner.starts
    return seen


def _note(line: int, statement: str, at_start: bool, seen: Seen) -> None:
    words = " ".join(statement.split()).strip("\"'")[:60]
    kind = _kind(statement)
    seen.starts |= bool(_STARTS.search(statement))
    if _REGISTERS.search(statement):
        if kind:
            seen.later.append(Later(End(line, kind, words), at_start))
    elif kind:
        seen.ends.append(End(line, kind, words))
    elif _RUNS_UNKNOWN.search(statement):
        seen.unknown.append(Finding(line, f"variables of {words}"))
    elif match := _SCRIPT.search(statement):
        seen.unknown.append(Finding(line, f"the script {match[0]:.60}"))


def _with_values(statement: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return values.get((match[1] or match[2]).lower(), match[0])

    return _VARIABLE.sub(value, statement)[:_LONGEST]


def decoded(text: str) -> str:
    """What PowerShell's -EncodedCommand runs; '' where it is no such thing."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-16-le")
    except (binascii.Error, ValueError):
        return ""


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Commands one by one, and how many lines down each begins."""
    bare = _BLOCK.sub(lambda match: "\n" * match[0].count("\n"), text)
    for at, row in enumerate(bare.splitlines()):
        for statement in _STATEMENT.split(_COMMENT.sub("", row)):
            bare = _RUNS.sub("", statement)
            if _REMARK.match(bare):
                break
            if bare.strip():
                yield at, statement[:_LONGEST]


def _kind(statement: str) -> str:
    for pattern, kind in _PATTERNS:
        if pattern.search(statement):
            return kind
    match = _SHUTDOWN.search(statement)
    if match is None or re.search(r"\bsysprep\b", statement, re.I):
        return ""
    options = {
        option[1].lower() for option in _OPTIONS.finditer(_SAID.sub("", match[1]))
    }
    if "a" in options or "l" in options:
        return ""
    if options & {"r", "g"}:
        return REBOOT
    return OFF if options & {"s", "sg", "p"} else ""
