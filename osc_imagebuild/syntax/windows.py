"""Which of the commands of an answer file for Windows power it off, or reboot it. Pure.

Source: Microsoft's references of shutdown.exe, Sysprep's command line, Stop-Computer,
Win32_OperatingSystem.Win32Shutdown and Wpeutil.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from osc_imagebuild.syntax.reading import OFF, REBOOT, End

_REMARK = re.compile(r"^[\s@]*(rem\b|::)", re.I)
_SILENT = re.compile(
    r"^[\s@\"']*(echo\b|write-(host|output|verbose)\b|\$\w+\s*=\s*['\"])", re.I
)
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
_PATTERNS = (
    (re.compile(r"\bstop-computer\b", re.I), OFF),
    (re.compile(r"\brestart-computer\b", re.I), REBOOT),
    (re.compile(r"\bsysprep\b.*?[-/]shutdown\b", re.I), OFF),
    (re.compile(r"\bsysprep\b.*?[-/]reboot\b", re.I), REBOOT),
    (re.compile(r"win32shutdown\W+(1|5|8|9|12|13)\b|\bcall\s+shutdown\b", re.I), OFF),
    (re.compile(r"win32shutdown\W+(2|6)\b|\bcall\s+reboot\b", re.I), REBOOT),
)
_SHUTDOWN = re.compile(r"\b(?:ps)?shutdown(?:\.exe)?\b(.*)", re.I)
_DEEP = 3


def ends(line: int, text: str, depth: int = 0) -> list[End]:
    """Return each command that ends the run of the machine."""
    found = []
    for at, statement in _statements(text):
        if kind := _kind(statement):
            found.append(End(line + at, kind, " ".join(statement.split())[:60]))
        for encoded in _ENCODED.finditer(statement):
            if depth < _DEEP:
                found += ends(line + at, decoded(encoded[1]), depth + 1)
    return found


def decoded(text: str) -> str:
    """What PowerShell's -EncodedCommand runs; '' where it is no such thing."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-16-le")
    except (binascii.Error, ValueError):
        return ""


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Commands one by one, and how many lines down each begins."""
    bare = _BLOCK.sub(lambda found: "\n" * found[0].count("\n"), text)
    for at, row in enumerate(bare.splitlines()):
        for statement in _STATEMENT.split(_COMMENT.sub("", row)):
            bare = _RUNS.sub("", statement)
            if _REMARK.match(bare):
                break
            if bare.strip() and not _SILENT.match(bare):
                yield at, statement


def _kind(statement: str) -> str:
    for pattern, kind in _PATTERNS:
        if pattern.search(statement):
            return kind
    found = _SHUTDOWN.search(statement)
    if found is None or re.search(r"\bsysprep\b", statement, re.I):
        return ""
    options = {
        option[1].lower() for option in _OPTIONS.finditer(_SAID.sub("", found[1]))
    }
    if "a" in options or "l" in options:
        return ""
    if options & {"r", "g"}:
        return REBOOT
    return OFF if options & {"s", "sg", "p"} else ""
