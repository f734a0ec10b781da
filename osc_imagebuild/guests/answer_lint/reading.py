"""Settings, scripts and findings of an answer file, whatever its format. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

# What a server does once an installer has ended.
OFF, REBOOT, HALT, SINGLE = "off", "reboot", "halt", "single"


class Finding(NamedTuple):
    """Something to be told of; ``line`` 0 is the file as a whole."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


class Script(NamedTuple):
    """Commands that are carried out. ``line`` is where their first line stands.

    ``language`` is sh, bash or windows (cmd and PowerShell); '' is any other. ``whole``
    is whether its lines follow each other in the file as they do here, ``late`` whether
    it runs once the installation is done. ``system`` is the one whose commands they are.
    """

    line: int
    text: str
    language: str = "sh"
    whole: bool = True
    late: bool = True
    system: str = "linux"


class Value(NamedTuple):
    """A setting that is no command."""

    line: int
    text: str


class End(NamedTuple):
    """What the file says is to happen at the end: OFF, REBOOT, HALT, SINGLE."""

    line: int
    kind: str
    words: str


@dataclass
class Reading:
    """An answer file taken apart.

    ``unread`` is why no installer reads it at all. ``end`` is what it says of the end,
    ``default_end`` what the installer does where it says nothing. ``unseen`` are places
    that fetch more, of which nothing is known here.
    """

    default_end: str = "the installer would reboot"
    unread: str = ""
    end: End | None = None
    mistakes: list[Finding] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    secrets: list[Finding] = field(default_factory=list)
    unseen: list[Finding] = field(default_factory=list)

    def mistake(self, line: int, text: str) -> None:
        """Note a mistake."""
        self.mistakes.append(Finding(line, text))

    def secret(self, line: int, what: str) -> None:
        """Note a secret that everybody can read."""
        self.secrets.append(Finding(line, what))

    def move(self, down: int) -> None:
        """Have all lines further down, as in a file that this one is a part of."""
        if self.end:
            self.end = self.end._replace(line=self.end.line + down)
        for items in (self.mistakes, self.secrets, self.unseen):
            items[:] = [item._replace(line=item.line + down) for item in items]
        self.scripts = [s._replace(line=s.line + down) for s in self.scripts]
        self.values = [v._replace(line=v.line + down) for v in self.values]
