"""Log in to a guest of the devcloud, from this machine."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from openstack.connection import Connection

LIMIT_S = 900


def key_pair(directory: Path) -> Path:
    """Return a private key below ``directory``, made once; .pub is beside it."""
    key = directory / "id_ed25519"
    if not key.exists():
        directory.mkdir(parents=True, exist_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "devcloud"]
        subprocess.run([*command, "-f", str(key)], check=True)
    return key


def ssh(cloud: Connection, network_id: str, address: str, key: Path) -> list[str]:
    """Return the ssh command for root at ``address``, to be followed by a command.

    This machine reaches a tenant network only from inside its router.
    """
    ports = cloud.network.ports(
        network_id=network_id, device_owner="network:router_interface"
    )
    command = ["ip", "netns", "exec", f"qrouter-{next(ports).device_id}"]
    command += ["ssh", "-i", str(key)]
    for option in (
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
        "ConnectTimeout=10",
        "BatchMode=yes",
    ):
        command += ["-o", option]
    return [*command, f"root@{address}"]


def run(ssh_command: list[str], command: str, limit_s: float = LIMIT_S) -> str:
    """Run ``command`` in the guest as soon as it lets us in; return its output.

    :raises: TimeoutError where it does not within ``limit_s`` seconds,
        CalledProcessError where the command itself failed
    """
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        done = subprocess.run([*ssh_command, command], capture_output=True, text=True)
        # 255 is ssh's own failure, everything else the command's.
        if done.returncode != 255:
            done.check_returncode()
            return done.stdout
        time.sleep(5)
    raise TimeoutError(f"no login within {limit_s:.0f} s: {done.stderr.strip()}")
