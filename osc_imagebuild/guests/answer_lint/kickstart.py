"""Read a kickstart file: commands, sections and scripts. Pure.

Source: pykickstart, parser.py (`_stateMachine`, `_readSection`), sections.py and
commands/reboot.py; anaconda's exitHandler: the command halt halts and does not power
off, and without any of these commands it halts too.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from osc_imagebuild.guests.answer_lint import vendor_kickstart
from osc_imagebuild.guests.answer_lint.reading import (
    HALT,
    OFF,
    REBOOT,
    End,
    Finding,
    Reading,
    Script,
    Value,
)

_SCRIPTS = ("%pre", "%pre-install", "%post", "%onerror", "%traceback")
SECTIONS = frozenset((*_SCRIPTS, "%packages", "%addon", "%anaconda", "%certificate"))
_ENDS = {"poweroff": OFF, "shutdown": OFF, "halt": HALT, "reboot": REBOOT}
# Of these it tells too, by another line.
_STRUCTURE = re.compile(r"does not end with %end|Unknown kickstart section")
_PASSWORDS = ("--password", "--passphrase", "--proxy-password")


def read(text: str, release: str = "") -> Reading:
    """Take a kickstart file apart; ``release`` is as pykickstart names it, such as F44."""
    reader = _Reader(text)
    reading = reader.read()
    reported = {finding.line for finding in reading.mistakes}
    reading.mistakes += [
        finding
        for finding in vendor_kickstart.mistakes(text, release)
        if finding.line not in reported and not _STRUCTURE.search(finding.text)
    ]
    reading.mistakes.sort()
    return reading


class _Reader:
    def __init__(self, text: str) -> None:
        self.rows = text.splitlines()
        self.reading = Reading(default_end="Anaconda halts without a power-off")
        self.name = ""
        self.header: Sequence[str] = ()
        self.begun = 0
        self.body: list[str] = []

    def read(self) -> Reading:
        for number, row in enumerate(self.rows, 1):
            if self.name:
                self._inside(number, row)
            elif row.strip() and not row.lstrip().startswith("#"):
                self._outside(number, row)
        if self.name:
            self.reading.mistake(self.begun, f"{self.name} has no %end")
            self._close()
        return self.reading

    def _inside(self, number: int, row: str) -> None:
        """A line of a section: text, unless it names a section, %end or %include."""
        first = (row.split() or [""])[0]
        if first == "%end":
            self._close()
        elif first in SECTIONS:
            self.reading.mistake(self.begun, f"{self.name} has no %end before {first}")
            self._close()
            self._open(number, row)
        elif first == "%include":
            self.reading.unseen.append(Finding(number, row.strip()))
        else:
            self.body.append(row)

    def _outside(self, number: int, row: str) -> None:
        words = self._words(number, row)
        if not words:
            return
        if words[0] == "%end":
            self.reading.mistake(number, "%end ends nothing")
        elif words[0] in ("%include", "%ksappend"):
            self.reading.unseen.append(Finding(number, row.strip()))
        elif words[0] in SECTIONS:
            self._open(number, row)
        elif words[0].startswith("%"):
            self.reading.mistake(number, f"there is no section {words[0]}")
        else:
            self._command(number, row, words)

    def _words(self, number: int, row: str) -> list[str]:
        try:
            return shlex.split(row, comments=True)
        except ValueError as error:
            self.reading.mistake(number, f"{str(error).lower()}: {row.strip()[:60]}")
            return row.split()

    def _open(self, number: int, row: str) -> None:
        self.header = self._words(number, row)
        self.name, self.begun, self.body = self.header[0], number, []

    def _close(self) -> None:
        if self.name in _SCRIPTS:
            interpreter = _option(self.header, "--interpreter") or "/bin/sh"
            shell = re.fullmatch(r"/(usr/)?bin/(ba)?sh", interpreter.strip())
            text = "\n".join(self.body)
            self.reading.scripts.append(
                Script(
                    self.begun + 1,
                    text,
                    "bash" if shell else "",
                    late=self.name == "%post",
                )
            )
        self.name = ""

    def _command(self, number: int, row: str, words: Sequence[str]) -> None:
        name = words[0]
        self.reading.values.append(Value(number, row))
        if name in _ENDS:
            self.reading.end = End(number, _ENDS[name], name)
        crypted = "--iscrypted" in words
        if name in ("rootpw", "sshpw"):
            given = [w for w in words[1:] if not w.startswith("--")]
            if given and not crypted:
                self.reading.secret(number, f"the password of {name}")
        elif not crypted and any(_option(words, option) for option in _PASSWORDS):
            self.reading.secret(number, f"the password of {name}")


def _option(words: Sequence[str], name: str) -> str:
    """The value of an option that is written with a blank or an equals sign."""
    for at, word in enumerate(words):
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if word == name and at + 1 < len(words):
            return words[at + 1]
    return ""
