"""`down` and `wipe`: leave the machine as it was found."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from devcloud import daemon, network, process, services, settings, storage
from devcloud.errors import DevcloudError

# What is ours below HOME. `wipe` removes nothing else, in case HOME was chosen badly.
OURS = "clouds.yaml etc lib log media media-cache run shim state venv".split()
# Mount points that our daemons may have had to make.
MADE = (Path("/run/libvirt"), Path("/run/openvswitch"))
NETNS = Path("/run/netns")


def _guests() -> list[int]:
    """The QEMU processes that our libvirtd started: known by its pid files."""
    found = []
    for file in (settings.RUN / "libvirt/qemu").glob("*.pid"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(file.read_text())
            command = (Path("/proc") / str(pid) / "cmdline").read_bytes()
            if f"guest={file.stem},".encode() in command:
                found.append(pid)
    return found


def _end_guests() -> None:
    process.end(_guests(), seconds=5)


def _end_helpers() -> None:
    """End what Neutron's agents leave running on purpose: dnsmasq, haproxy and the like."""
    process.end(process.marked())


def _directories() -> None:
    """Take back the mount points, as long as nobody else uses them."""
    mounted = {
        line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()
    }
    if str(NETNS) in mounted and NETNS.is_dir() and not any(NETNS.iterdir()):
        process.run("umount", NETNS)
    for path in (*MADE, NETNS):
        # Not empty or never there: then it is not ours to remove.
        with contextlib.suppress(OSError):
            path.rmdir()
    for name in ("openvswitch", "libvirt", "tmp"):
        shutil.rmtree(settings.RUN / name, ignore_errors=True)


def _parts() -> list[tuple[str, Callable[[], None]]]:
    """In this order: who waits for a call's answer does not heed SIGTERM, so callers go first."""
    infra = services.INFRASTRUCTURE
    switch = (services.OVSDB, services.VSWITCHD)
    rest = [s for s in infra if s not in switch and s != services.LIBVIRTD]
    callers = (*services.AGENTS, services.COMPUTE)
    called = (
        services.KEYSTONE,
        *services.APIS,
        *services.SECOND_REGION,
        *services.CONTROL,
        *services.ADDED.values(),
        *services.GUEST_SERVICES,
    )
    return [
        ("agents", lambda: daemon.stop(callers)),
        ("services", lambda: daemon.stop(called)),
        ("guests", _end_guests),
        ("libvirt", lambda: daemon.stop([services.LIBVIRTD])),
        ("name spaces and bridges", network.remove),
        ("switch", lambda: daemon.stop(switch)),
        ("database and queue", lambda: daemon.stop(rest)),
        # Not earlier: RabbitMQ's own helpers carry the mark too, and it crashes without them.
        ("helpers", _end_helpers),
        ("mounts", storage.unmount),
        ("kernel settings", network.restore),
        ("directories", _directories),
    ]


def down() -> None:
    """Stop everything. Each part is tried, whatever became of those before it."""
    began = time.monotonic()
    failures = []
    for name, part in _parts():
        since = time.monotonic()
        try:
            part()
        except (DevcloudError, OSError) as exc:
            failures.append(f"{name}: {exc}")
        if time.monotonic() - since >= 0.5:
            print(f"{name:<24}{time.monotonic() - since:7.1f} s", flush=True)
    if failures:
        raise DevcloudError(
            "not everything could be stopped:\n  " + "\n  ".join(failures)
        )
    print(f"the cloud is down after {time.monotonic() - began:.1f} s")


def wipe() -> None:
    """Stop everything and remove what it kept."""
    down()
    if storage.mounts():
        raise DevcloudError(
            f"still mounted: {', '.join(storage.mounts())}; nothing was removed"
        )
    for name in OURS:
        path = settings.HOME / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (settings.HOME / "lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        settings.HOME.rmdir()
    print(f"removed what was in {settings.HOME}")
