"""Which command of a script powers the server off, reboots or halts it. Pure.

Source: the manual pages shutdown(8), halt(8), systemctl(1) of systemd, the applets of
busybox, and FreeBSD's shutdown(8) and reboot(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from osc_imagebuild.syntax import windows
from osc_imagebuild.syntax.reading import HALT, OFF, REBOOT, End, Script
from osc_imagebuild.syntax.shell import Command, commands

_SHELLS = frozenset("sh bash dash ash ksh zsh".split())
# Commands that run the one behind them; how many words of their own come first.
_PLAIN = """exec command nohup sudo env busybox nice setsid builtin in-target log-output
    curtin systemd-run systemd-nspawn ionice doas""".split()
_WRAPPERS = {
    **dict.fromkeys(_PLAIN, 0),
    **dict.fromkeys(("chroot", "timeout", "arch-chroot"), 1),
}
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
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_SYSTEMCTL = {
    **dict.fromkeys(("poweroff", "poweroff.target"), OFF),
    **dict.fromkeys(("halt", "halt.target"), HALT),
    **dict.fromkeys(("reboot", "reboot.target", "kexec", "soft-reboot"), REBOOT),
}
# What is put there is run by the installer itself.
_HOOKS = re.compile(r"/(finish-install|post-base-installer)\.d/")
_DEEP = 8


def ends(script: Script, depth: int = 0) -> list[End]:
    """Return what each command of a script does that ends the server's run.

    Of a script that runs early on, only what it leaves for the end counts.
    """
    if depth > _DEEP:
        return []
    if script.language == "windows":
        return windows.ends(script.line, script.text) if script.late else []
    if script.language not in ("sh", "bash"):
        return []
    found = commands(script.text, script.line)
    if not script.late:
        hooks = [hook for command in found for hook in _hooks(command)]
        return [end for hook in hooks for end in ends(hook, depth + 1)]
    written = {name: command for command in found for name in _targets(command)}
    result: list[End] = []
    for command in found:
        words = unwrapped(command.words)
        kind = _kind(words)
        if kind:
            result.append(End(command.line, kind, " ".join(words)[:60]))
        for inner in _inner(command, words, written):
            result += ends(inner, depth + 1)
    return result


def unwrapped(words: Sequence[str]) -> list[str]:
    """The command itself: without assignments and without what only runs it."""
    left = list(words)
    while left:
        if _ASSIGNMENT.match(left[0]):
            left = left[1:]
            continue
        name = PurePosixPath(left[0]).name
        if name not in _WRAPPERS:
            break
        left = _behind(name, left[1:], _WRAPPERS[name])
    return left


def _behind(name: str, words: list[str], own: int) -> list[str]:
    """What a wrapper runs: behind its options and its own words."""
    left = words[1:] if name == "curtin" and words[:1] == ["in-target"] else words
    while left and left[0].startswith("-"):
        option, left = left[0], left[1:]
        if option == "--":
            break
        if option in _WITH_VALUE.get(name, ()):
            left = left[1:]
    return left[own:]


def _targets(command: Command) -> list[str]:
    """Files that a command writes its here-document to, as far as can be seen."""
    if not command.here:
        return []
    return [word for word in command.words[1:] if "/" in word or "." in word]


def _inner(
    command: Command, words: list[str], written: dict[str, Command]
) -> Iterator[Script]:
    """Scripts that a command runs."""
    name = PurePosixPath(words[0]).name if words else ""
    if name in (*_SHELLS, "su", "eval", "at", "batch"):
        yield from _of_shell(command, name, words[1:], written)
    elif words and (file := _file(words[0], written)):
        yield Script(file.here_line, file.here)
    yield from _hooks(command)


def _hooks(command: Command) -> list[Script]:
    """What a command writes where the installer itself runs it at its end."""
    text, line = command.here, command.here_line
    targets = _targets(command)
    if command.words[:1] in (["echo"], ["printf"]):
        targets = command.words[1:]
        said = (word for word in targets if word != "-e" and not _HOOKS.search(word))
        text, line = " ".join(said).replace("\\n", "\n"), command.line
    return [Script(line, text) for target in targets if _HOOKS.search(target)]


def _of_shell(
    command: Command, name: str, words: list[str], written: dict[str, Command]
) -> Iterator[Script]:
    if name == "eval":
        yield Script(command.line, " ".join(words))
        return
    for at, word in enumerate(words[:-1]):
        if re.fullmatch(r"-[a-z]*c|--command", word):
            yield Script(command.line, words[at + 1])
            return
    for word in words:
        if file := _file(word, written):
            yield Script(file.here_line, file.here)
            return
    if command.here:
        yield Script(command.here_line, command.here)
    elif before := command.piped_from:
        text = before.here or " ".join(w for w in before.words[1:] if w != "-e")
        if before.here or before.words[:1] in (["echo"], ["printf"]):
            yield Script(before.here_line or before.line, text.replace("\\n", "\n"))


def _file(word: str, written: dict[str, Command]) -> Command | None:
    """The here-document that was written to a file, by its path in or out of a chroot."""
    for path, command in written.items():
        if word == path or ("/" in word and path.endswith(word)):
            return command
    return None


def _kind(words: list[str]) -> str:
    """What a command does to the server, '' for nothing of this kind."""
    if not words:
        return ""
    name, rest = PurePosixPath(words[0]).name, words[1:]
    options = {word for word in rest if word.startswith("-")}
    flags = {c for word in options if not word.startswith("--") for c in word[1:]}
    if options & {"--help", "--version", "--wtmp-only"}:
        return ""
    if name == "shutdown":
        return _shutdown(options, flags)
    if name in ("poweroff", "halt", "reboot"):
        return _by_name(name, options, flags)
    if name in ("systemctl", "loginctl"):
        verbs = [_SYSTEMCTL.get(word, "") for word in rest if word[:1] != "-"]
        known = [verb for verb in verbs[:2] if verb]
        quiet = {"enable", "disable", "mask", "unmask", "status", "is-active"} & {*rest}
        return known[0] if known and not quiet else ""
    if name in ("init", "telinit") and rest:
        return {"0": OFF, "6": REBOOT}.get(rest[0], "")
    if name in ("echo", "printf") and "/proc/sysrq-trigger" in rest:
        return {"o": OFF, "b": REBOOT}.get(rest[0], "")
    if name == "debconf-set" and rest == ["debian-installer/exit/poweroff", "true"]:
        return OFF
    if name == "kill" and rest in (["-USR2", "1"], ["-s", "USR2", "1"]):
        return OFF  # busybox's init
    if "org.freedesktop.login1" in rest:
        return OFF if any(word.endswith("PowerOff") for word in rest) else ""
    return ""


def _shutdown(options: set[str], flags: set[str]) -> str:
    if "--reboot" in options or flags & {"r"}:
        return REBOOT
    if flags & {"c", "k"} or options & {"--show"}:
        return ""
    return HALT if "--halt" in options or "H" in flags else OFF


def _by_name(name: str, options: set[str], flags: set[str]) -> str:
    if "--poweroff" in options or "p" in flags:
        return OFF
    if "--reboot" in options:
        return REBOOT
    if "--halt" in options:
        return HALT
    return {"poweroff": OFF, "halt": HALT, "reboot": REBOOT}[name]
