"""Is this machine one that a cloud can stand on? Said at once, not ten minutes later."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from devcloud import apt_sources, services, settings, switches
from devcloud.daemon import members
from devcloud.errors import DevcloudError
from devcloud.process import marked

MEMORY_GIB = 7.5  # what a machine sold as 8 GB shows; 5 are used before the first guest
FRESH_DISK_GIB = 12
LATER_DISK_GIB = 3
# The longest name below HOME that is bound as a unix socket, whose limit is 107 bytes.
LONGEST_SOCKET = "state/neutron/metadata_proxy.12345678.tmp"
SUPPORTED = "Debian 12 (bookworm) on x86-64, as root, with /usr/bin/python3 3.11"


def root() -> None:
    """Only root can make bridges, name spaces and mounts."""
    if os.geteuid() != 0:
        raise DevcloudError(
            "run this as root: it makes bridges, name spaces and mounts"
        )


def check() -> None:
    """Raise with everything that is wrong, so that it can be mended in one go."""
    root()
    wrong = [*_system(), *_kernel(), *_path(), *_memory(), *_disk(), *_ports()]
    if wrong:
        raise DevcloudError(
            "this machine cannot carry the cloud:\n  " + "\n  ".join(wrong)
        )


def _system() -> list[str]:
    release = apt_sources.release()
    machine = os.uname().machine
    fits = release.get("ID") == "debian" and release.get("VERSION_ID") == "12"
    if fits and machine == "x86_64" and sys.version_info[:2] == (3, 11):
        return []
    name = release.get("PRETTY_NAME", "an unknown system")
    python = ".".join(str(part) for part in sys.version_info[:2])
    return [f"this is {name} on {machine} with Python {python}; supported: {SUPPORTED}"]


def _kernel() -> list[str]:
    """Devices that guests' network and volumes need."""
    needed = {"/dev/net/tun": "tun", "/dev/loop-control": "loop"}
    return [
        f"{device} is missing: this kernel needs its {module} driver (modprobe {module})"
        for device, module in needed.items()
        if not Path(device).exists()
    ]


def _path() -> list[str]:
    longest = 107 - len(LONGEST_SOCKET) - 1
    if len(str(settings.HOME)) > longest:
        return [
            f"{settings.HOME} is too long for the sockets in it;"
            f" set DEVCLOUD_HOME to a path of at most {longest} characters"
        ]
    if re.search(r"[^\w./+@-]", str(settings.HOME)):
        return [
            f"{settings.HOME}: use only letters, digits and ./_+@- in DEVCLOUD_HOME"
        ]
    return []


def _memory() -> list[str]:
    text = Path("/proc/meminfo").read_text()
    match = re.search(r"MemTotal:\s+(\d+) kB", text)
    gib = int(match.group(1)) / 2**20 if match else 0.0
    if gib < MEMORY_GIB:
        return [f"{gib:.1f} GiB of memory; at least {MEMORY_GIB} are needed"]
    return []


def _disk() -> list[str]:
    place = settings.HOME
    while not place.exists():
        place = place.parent
    needed = LATER_DISK_GIB if (settings.STATE / "stamps").exists() else FRESH_DISK_GIB
    free = shutil.disk_usage(place).free / 2**30
    if free < needed:
        return [
            f"{free:.1f} GiB free at {place}; at least {needed} are needed"
            " (DEVCLOUD_HOME chooses another place)"
        ]
    return []


def _listeners() -> dict[int, str]:
    """Socket inodes by the TCP port listened on at an address that we need."""
    ours = {"0100007F", "00000000", _hex(settings.GATEWAY)}
    found = {}
    for name in ("tcp", "tcp6"):
        table = Path("/proc/net") / name
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            words = line.split()
            address, port = words[1].split(":")
            if words[3] == "0A" and (address in ours or set(address) == {"0"}):
                found[int(port, 16)] = words[9]
    return found


def _hex(address: str) -> str:
    return "".join(f"{int(part):02X}" for part in reversed(address.split(".")))


def _holder(inode: str) -> tuple[int, str]:
    """The process behind a socket; it is looked for only when a port is taken."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            links = [os.readlink(fd) for fd in (entry / "fd").iterdir()]
            if f"socket:[{inode}]" in links:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                return int(entry.name), command.strip()[:60]
        except (OSError, UnicodeDecodeError):
            continue
    return 0, "another process"


def _ports() -> list[str]:
    """Ports that someone else listens on; our own running daemons may."""
    listening = _listeners()
    ours = {*marked(), *members((*services.ALL, *services.ADDED.values()))}
    unused = {switch.name for switch in switches.off()}
    wanted = [port for name, port in settings.PORTS.items() if name not in unused]
    wanted += [settings.PROXY_PORT, settings.MEDIA_PORT, settings.METADATA_PROXY_PORT]
    wrong = []
    for port in sorted(set(wanted) & set(listening)):
        pid, command = _holder(listening[port])
        if pid not in ours:
            wrong.append(
                f"port {port} is taken by {command} (pid {pid}): stop it first"
            )
    return wrong
