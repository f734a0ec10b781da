"""Start, find and stop daemons by what is recorded, never by name.

A pid alone is not proof: after a crash or a reboot it may belong to someone
else. So the record also holds the boot and the process's start time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from devcloud import settings
from devcloud.errors import DevcloudError
from devcloud.process import BOOT_ID, MARK, end, live, send, start_time, stat

LOG_BYTES = 20_000_000  # a longer log is put aside when its daemon is started
PATH = f"{settings.SHIM}:{settings.VENV}/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass(frozen=True)
class Service:
    """One daemon: how to start it, what it reads, where it answers."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    address: tuple[str, int] | None = None
    socket: Path | None = None
    reads: tuple[Path, ...] = ()  # a change of these restarts it
    after: tuple[str, ...] = ()  # a restart of these restarts it too
    wait_seconds: int = 120
    stop_seconds: int = 10

    @property
    def log(self) -> Path:
        return settings.LOG / f"{self.name}.log"

    @property
    def record(self) -> Path:
        return settings.RUN / f"{self.name}.json"

    def fingerprint(self) -> str:
        """Changes when a running process no longer is what would be started now."""
        digest = hashlib.sha256(
            json.dumps([self.argv, sorted(self.env.items())]).encode()
        )
        for path in self.reads:
            files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
            for file in files:
                digest.update(file.read_bytes() if file.exists() else b"-")
        return digest.hexdigest()

    def answers(self) -> bool:
        """Whether it takes connections; true for one that listens nowhere."""
        if self.socket is not None:
            return _connects(socket.AF_UNIX, str(self.socket))
        return self.address is None or _connects(socket.AF_INET, self.address)


def _connects(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def _recorded(service: Service) -> dict[str, str]:
    try:
        record = json.loads(service.record.read_text())
    except (OSError, ValueError):
        return {}
    if (
        not isinstance(record, dict)
        or record.get("boot") != BOOT_ID.read_text().strip()
    ):
        return {}
    return record


def pid_of(service: Service) -> int | None:
    """The pid of the running daemon, or None."""
    record = _recorded(service)
    if not record:
        return None
    pid = int(record["pid"])
    return pid if start_time(pid) == record["started"] else None


def is_current(service: Service) -> bool:
    """Whether it runs, answers, and was started from what is on disk now."""
    return (
        pid_of(service) is not None
        and _recorded(service).get("fingerprint") == service.fingerprint()
        and service.answers()
    )


def start(service: Service) -> None:
    """Start it detached from us; its output goes to its log."""
    environment = {
        "PATH": PATH,
        "HOME": str(settings.HOME),
        "LANG": "C.UTF-8",
        "OVS_RUNDIR": str(settings.RUN / "openvswitch"),
        "PYTHONPATH": str(settings.LIB),
        "TMPDIR": str(settings.RUN / "tmp"),
        MARK: str(settings.HOME),
        **service.env,
    }
    settings.LOG.mkdir(parents=True, exist_ok=True)
    if service.log.exists() and service.log.stat().st_size > LOG_BYTES:
        service.log.replace(service.log.with_suffix(".log.old"))
    with service.log.open("ab") as log:
        log.write(f"--- start {time.strftime('%F %T')}\n".encode())
        log.flush()
        child = subprocess.Popen(
            service.argv,
            cwd=settings.HOME,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    record = {
        "pid": str(child.pid),
        "started": start_time(child.pid) or "",
        "boot": BOOT_ID.read_text().strip(),
        "fingerprint": service.fingerprint(),
    }
    service.record.parent.mkdir(parents=True, exist_ok=True)
    service.record.write_text(json.dumps(record))


def wait_ready(service: Service) -> None:
    """Wait until it answers; say where to look when it does not."""
    deadline = time.monotonic() + service.wait_seconds
    while not service.answers():
        if pid_of(service) is None:
            raise DevcloudError(
                f"{service.name} ended while starting: see {service.log}"
            )
        if time.monotonic() > deadline:
            raise DevcloudError(
                f"{service.name} does not answer after {service.wait_seconds} s: see {service.log}"
            )
        time.sleep(0.1)


def ensure(services: Iterable[Service], restarted: set[str]) -> None:
    """Bring up what is missing, outdated, or behind a restarted dependency.

    All of them are started before any is waited for, because they load slowly
    and side by side. `restarted` collects the names for the later stages.
    """
    begun = []
    for service in services:
        if restarted.isdisjoint(service.after) and is_current(service):
            continue
        stop([service])
        start(service)
        restarted.add(service.name)
        begun.append(service)
    for service in begun:
        wait_ready(service)


def stop(services: Iterable[Service]) -> None:
    """Ask all to end, wait, then kill what is left of their sessions."""
    services = list(services)
    leaders = {pid: s for s in services if (pid := pid_of(s)) is not None}
    send(leaders, signal.SIGTERM)
    began = time.monotonic()
    patient = leaders
    while patient := {pid: s for pid, s in patient.items() if start_time(pid)}:
        waited = time.monotonic() - began
        patient = {pid: s for pid, s in patient.items() if waited < s.stop_seconds}
        time.sleep(0.1)
    for pid, service in leaders.items():
        if start_time(pid):
            with service.log.open("a") as log:
                log.write(f"--- did not end within {service.stop_seconds} s: killed\n")
    end(members(services))
    for service in services:
        service.record.unlink(missing_ok=True)


def members(services: Iterable[Service]) -> list[int]:
    """The live processes in the sessions of these daemons, which each lead one."""
    alive, orphaned = set(), set()
    for service in services:
        recorded = int(_recorded(service).get("pid", 0))
        if pid_of(service) is not None:
            alive.add(recorded)
        elif recorded and start_time(recorded) is None:
            orphaned.add(recorded)
    found = []
    for pid in live():
        fields = stat(pid)
        leader = int(fields[3]) if fields else 0
        # Long after an orphaned session is gone its number may be that of another: those
        # do not work in our directory.
        if leader in alive or (leader in orphaned and _works_here(pid)):
            found.append(pid)
    return found


def _works_here(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/cwd") == str(settings.HOME)
    return False
