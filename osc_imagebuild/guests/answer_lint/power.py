"""Tell whether a command powers a server off, halts or reboots it. Pure.

Source: the manual pages shutdown(8), halt(8), systemctl(1) of systemd, the applets of
busybox; FreeBSD's sbin/shutdown/shutdown.8, sbin/reboot/reboot.8, sbin/init/init.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from osc_imagebuild.guests.answer_lint.reading import HALT, OFF, REBOOT, SINGLE

_SYSTEMCTL = {
    **dict.fromkeys(("poweroff", "poweroff.target"), OFF),
    **dict.fromkeys(("halt", "halt.target"), HALT),
    **dict.fromkeys(("reboot", "reboot.target", "kexec", "soft-reboot"), REBOOT),
}
_QUIET = frozenset("enable disable mask unmask status is-active".split())
# What FreeBSD's init does at a level, or at a signal.
_LEVELS = {"0": OFF, "1": SINGLE, "6": REBOOT}
_SIGNALS = {"USR2": OFF, "USR1": HALT, "TERM": SINGLE, "INT": REBOOT}


def linux(words: Sequence[str]) -> str:
    """What a command does to a server with Linux, '' for nothing of this kind."""
    name, rest, options, flags = _apart(words)
    if options & {"--help", "--version", "--wtmp-only"}:
        return ""
    if name == "shutdown":
        return _shutdown(options, flags)
    if name in ("poweroff", "halt", "reboot"):
        return _by_name(name, options, flags)
    if name in ("systemctl", "loginctl"):
        verbs = [_SYSTEMCTL.get(word, "") for word in rest if word[:1] != "-"]
        recognised = [verb for verb in verbs[:2] if verb]
        return recognised[0] if recognised and not _QUIET & {*rest} else ""
    if name in ("init", "telinit") and rest:
        return {"0": OFF, "6": REBOOT}.get(rest[0], "")
    if name == "kill" and _signal(rest) == "USR2":
        return OFF  # busybox's init
    if "org.freedesktop.login1" in rest:
        return OFF if any(word.endswith("PowerOff") for word in rest) else ""
    return ""


def freebsd(words: Sequence[str]) -> str:
    """What a command does to a server with FreeBSD, '' for nothing of this kind."""
    name, rest, _, flags = _apart(words)
    if name == "shutdown":
        if "k" in flags or not [word for word in rest if not word.startswith("-")]:
            return ""  # without a time it only tells how it is used
        return _first(flags, {"p": OFF, "r": REBOOT, "c": REBOOT, "h": HALT}) or SINGLE
    if name == "poweroff":
        return OFF
    if name in ("halt", "fasthalt", "reboot", "fastboot"):
        return OFF if "p" in flags else HALT if "halt" in name else REBOOT
    if name in ("init", "telinit") and rest:
        return _LEVELS.get(rest[0], "")
    return _SIGNALS.get(_signal(rest), "") if name == "kill" else ""


def _apart(words: Sequence[str]) -> tuple[str, list[str], set[str], set[str]]:
    """A command's name, what follows, its options, and their letters."""
    name, rest = PurePosixPath(words[0]).name if words else "", list(words[1:])
    options = {word for word in rest if word.startswith("-")}
    flags = {c for word in options if not word.startswith("--") for c in word[1:]}
    return name, rest, options, flags


def _first(flags: set[str], kinds: dict[str, str]) -> str:
    return next((kind for flag, kind in kinds.items() if flag in flags), "")


def _signal(rest: list[str]) -> str:
    """Which signal is sent to the first process, '' for none."""
    if rest[-1:] != ["1"]:
        return ""
    return "".join(rest[:-1]).removeprefix("-s").removeprefix("-").removeprefix("SIG")


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
