"""Find the command of a script that powers the server off, reboots or halts it. Pure.

What a command does is in ``power``; here is which of them are run, and the scripts that
commands run in their turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from osc_imagebuild.guests.answer_lint import power, windows
from osc_imagebuild.guests.answer_lint.executed import commands
from osc_imagebuild.guests.answer_lint.reading import (
    HALT,
    OFF,
    REBOOT,
    SINGLE,
    End,
    Script,
)
from osc_imagebuild.guests.answer_lint.shell_nodes import Command
from osc_imagebuild.guests.answer_lint.shell_state import ASSIGNMENT

_SHELLS = frozenset("sh bash dash ash ksh zsh".split())
# Commands that run the one behind them; how many words of their own come first.
_PLAIN = """exec command nohup sudo env busybox nice setsid builtin in-target log-output
    curtin systemd-run systemd-nspawn ionice doas""".split()
_WRAPPERS = {
    **dict.fromkeys(_PLAIN, 0),
    **dict.fromkeys(("chroot", "timeout", "arch-chroot"), 1),
}
# Those behind which it is in the new system.
_NEW_SYSTEM = frozenset("in-target curtin chroot arch-chroot systemd-nspawn".split())
# Options of theirs that take the next word.
_WITH_VALUE = {
    **{"sudo": ("-u", "-g", "-h", "-p", "-C"), "doas": ("-u", "-C"), "env": ("-u",)},
    **{"nice": ("-n",), "ionice": ("-c", "-n"), "timeout": ("-s", "-k")},
    **{
        "log-output": ("-t",),
        "curtin": ("-t", "--target"),
        "systemd-run": ("-u", "-p"),
    },
    **{"systemd-nspawn": ("-D",), "exec": ("-a",)},
}
# What is put there is run by the installer itself.
_HOOKS = re.compile(r"/(finish-install|post-base-installer)\.d/")
# Source: the kernel's admin-guide/sysrq: the first character counts.
_SYSRQ = re.compile(r"(of=)?\S*/proc/sysrq-trigger")
_SYSRQ_KEYS = {"o": OFF, "b": REBOOT}
_BSD = ": in FreeBSD shutdown -p now, poweroff and halt -p power off"
_DEEP = 8


class Ran(NamedTuple):
    """A command that is run: without what only runs it, and what it is fed.

    ``late`` is whether that is once the installation is done, ``installed`` whether it
    is in the new system's tree.
    """

    line: int
    words: list[str]
    command: Command
    fed: str
    late: bool
    installed: bool


def ends(script: Script) -> list[End]:
    """Return what each command of a script does that ends the server's run.

    Of a script that runs early on, only what it leaves for the end counts.
    """
    if script.language == "windows":
        return windows.ends(script.line, script.text) if script.late else []
    result = []
    for ran in run(script):
        kind = _kind(ran, script.system) if ran.late else ""
        words = " ".join(ran.words)[:60]
        if script.system == "freebsd" and kind in (HALT, SINGLE):
            words += _BSD
        if kind:
            result.append(End(ran.line, kind, words))
    return result


def run(script: Script, depth: int = 0, *, installed: bool = False) -> Iterator[Ran]:
    """Yield each command of a script for sh that is run, with those of inner scripts."""
    if depth > _DEEP or script.language not in ("sh", "bash"):
        return
    all_commands = commands(script.text, script.line)
    written = {name: c for c in all_commands for name in _targets(c) if _text_of(c)}
    for command in all_commands:
        words, inside = unwrapped(command.words)
        inside = inside or installed
        fed = _fed(command, words, written)
        yield Ran(command.line, words, command, fed, script.late, inside)
        for inner in _inner(command, words, written):
            yield from run(
                inner._replace(late=script.late), depth + 1, installed=inside
            )
        for hook in _hooks(command):
            yield from run(hook, depth + 1)


def unwrapped(words: Sequence[str]) -> tuple[list[str], bool]:
    """The command itself, without what only runs it; whether in the new system."""
    rest, installed = list(words), False
    while rest:
        # A variable in this place mostly holds a wrapper, or nothing.
        if ASSIGNMENT.match(rest[0]) or rest[0].startswith("$"):
            rest = rest[1:]
            continue
        name = PurePosixPath(rest[0]).name
        if name not in _WRAPPERS:
            break
        installed |= name in _NEW_SYSTEM
        rest = _behind(name, rest[1:], _WRAPPERS[name])
    return rest, installed


def _behind(name: str, words: list[str], own: int) -> list[str]:
    """What a wrapper runs: behind its options and its own words."""
    rest = words[1:] if name == "curtin" and words[:1] == ["in-target"] else words
    while rest and rest[0].startswith("-"):
        option, rest = rest[0], rest[1:]
        if option == "--":
            break
        if option in _WITH_VALUE.get(name, ()):
            rest = rest[1:]
    return rest[own:]


def _targets(command: Command) -> list[str]:
    """Files that a command writes to, as far as can be seen."""
    if command.words[:1] == ["tee"]:
        return [*command.targets, *command.words[1:]]
    return command.targets


def _printed(command: Command) -> str:
    """What a command for printing prints."""
    if command.words[:1] not in (["echo"], ["printf"]):
        return ""
    words = [word for word in command.words[1:] if word not in ("-e", "-n", "-ne")]
    if command.words[0] == "printf" and words[:1] in (["%s\\n"], ["%s"]):
        words = words[1:]
    return " ".join(words).replace("\\n", "\n")


def _text_of(command: Command) -> str:
    """What a command writes, as far as can be seen."""
    before = command.piped_from
    return (
        command.here
        or _printed(command)
        or ((before.here or _printed(before)) if before else "")
    )


def _line_of(command: Command) -> int:
    """Where the text stands that a command writes."""
    before = command.piped_from
    return command.here_line or (before.here_line if before else 0) or command.line


def _fed(command: Command, words: list[str], written: dict[str, Command]) -> str:
    """What a command reads: of a file that is written here, or of its input."""
    for word in words[1:]:
        if file := _file(word, written):
            return _text_of(file)
    return _text_of(command)


def _inner(
    command: Command, words: list[str], written: dict[str, Command]
) -> Iterator[Script]:
    """Scripts that a command runs."""
    name = PurePosixPath(words[0]).name if words else ""
    if name in (*_SHELLS, "su", "at", "batch"):
        yield from _of_shell(command, words[1:], written)
    elif words and (file := _file(words[0], written)):
        yield Script(_line_of(file), _text_of(file))


def _hooks(command: Command) -> list[Script]:
    """What a command writes where the installer itself runs it at its end."""
    text, line = _text_of(command), _line_of(command)
    return [Script(line, text) for name in _targets(command) if _HOOKS.search(name)]


def _of_shell(
    command: Command, words: list[str], written: dict[str, Command]
) -> Iterator[Script]:
    for at, word in enumerate(words[:-1]):
        if re.fullmatch(r"-[a-z]*c|--command", word):
            yield Script(command.line, words[at + 1])
            return
    for word in words:
        if file := _file(word, written):
            yield Script(_line_of(file), _text_of(file))
            return
    if text := _text_of(command):
        yield Script(_line_of(command), text)


def _file(word: str, written: dict[str, Command]) -> Command | None:
    """What was written to a file, by its path in or out of a chroot."""
    for path, command in written.items():
        if word == path or ("/" in word and path.endswith(word)):
            return command
    return None


def _kind(ran: Ran, system: str) -> str:
    """What a command does to the server, '' for nothing of this kind."""
    if system == "freebsd":
        return power.freebsd(ran.words)
    places = [*ran.command.targets, *ran.words[1:]]
    if any(_SYSRQ.fullmatch(place) for place in places):
        return _SYSRQ_KEYS.get(_text_of(ran.command)[:1], "")
    return power.linux(ran.words)
