"""Processes of this machine: run one to its end, find ours, end them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from devcloud import settings
from devcloud.errors import CommandError, DevcloudError, SlowError

# In the environment of every daemon and of what it starts: so that `down` finds helpers
# that left their daemon's session (dnsmasq, haproxy) without going by names.
MARK = "DEVCLOUD_DAEMON"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# What every command that we run ourselves finds in its environment.
_TOOLS = {
    "LC_ALL": "C.UTF-8",  # what apt says is looked through, in English
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "OVS_RUNDIR": str(settings.RUN / "openvswitch"),
    "no_proxy": f"{settings.LOCAL},{settings.GATEWAY}",
}


def stat(pid: int) -> list[str]:
    """State, session, start time and so on of a process; empty when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def start_time(pid: int) -> str | None:
    """A live process's start time in clock ticks; a zombie counts as dead."""
    fields = stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else None


def live() -> list[int]:
    """The pids of all processes but zombies."""
    pids = (
        int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()
    )
    return [pid for pid in pids if start_time(pid)]


def marked() -> list[int]:
    """The live processes that carry our mark.

    One that changed its title may have written over its environment: those are
    found as members of their daemon's session.
    """
    found = []
    wanted = f"{MARK}={settings.HOME}".encode()
    for pid in live():
        with contextlib.suppress(OSError):
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def end(rest: list[int], seconds: float = 3) -> None:
    """End these processes: asked first, then killed; return when they are gone."""
    send(rest, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(start_time(pid) for pid in rest):
        time.sleep(0.05)
    rest = [pid for pid in rest if start_time(pid)]
    send(rest, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(start_time(pid) for pid in rest):
        time.sleep(0.05)


def run(
    *argv: str | Path,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = 600,
    text: str | None = None,
) -> str:
    """Run a command to its end and return its output.

    :raises: CommandError with the end of the output where the command fails;
        SlowError where it does not end: it is stopped, with all that it started
    """
    environment = {**os.environ, **_TOOLS, **(env or {})}
    name = " ".join(str(word) for word in argv[:3])
    try:
        job = subprocess.Popen(
            [str(word) for word in argv],
            env=environment,
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as exc:
        raise DevcloudError(f"cannot run {name}: {exc}") from exc
    output, slow = _finish(job, text, seconds)
    if log is not None:
        with log.open("a") as sink:
            sink.write(f"--- {name}\n{output}")
    place = f" (all of it: {log})" if log else ""
    if slow:
        raise SlowError(f"{name} did not end within {seconds:.0f} s{place}")
    if job.returncode:
        tail = "\n".join(output.strip().splitlines()[-8:])
        message = f"{name} failed with {job.returncode}{place}:\n{tail}"
        raise CommandError(message, output)
    return output


def _finish(
    job: subprocess.Popen[str], text: str | None, seconds: float
) -> tuple[str, bool]:
    """All that a process wrote, and whether it had to be stopped."""
    with job:
        try:
            return job.communicate(text, timeout=seconds)[0], False
        except subprocess.TimeoutExpired:
            # SIGTERM first: apt then dates what it has of a file, to go on from there.
            end(descendants(job.pid))
            return job.communicate()[0], True
        except BaseException:
            job.kill()
            raise


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    parents = {other: int(found[1]) for other in live() if (found := stat(other))}
    family = [pid]
    for parent in family:  # grows meanwhile
        family += [child for child, above in parents.items() if above == parent]
    return family
