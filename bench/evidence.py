"""Why a guest has no lease: what dnsmasq, the switch and the kernel say of its port."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Any

import openstack

from devcloud import settings


def tap_of(port: Any) -> str:
    """What Nova calls a port's device."""
    return f"tap{port.id[:11]}"


class Log:
    """What dnsmasq told of one guest since now."""

    path = settings.LOG / "dnsmasq.log"

    def __init__(self, mac: str) -> None:
        self.mac = mac
        self.begin = self.path.stat().st_size if self.path.exists() else 0

    def lines(self) -> list[str]:
        """All lines with its hardware address."""
        if not self.path.exists():
            return []
        with self.path.open(errors="replace") as log:
            log.seek(self.begin)
            return [line for line in log if self.mac in line]

    def leased(self) -> bool:
        """Whether a lease was confirmed."""
        return any("DHCPACK(" in line for line in self.lines())


def keep(cloud: Any, server: Any, port: Any, log: Log, place: Path) -> None:
    """Write down all that tells why a guest has no lease."""
    place.mkdir(parents=True, exist_ok=True)
    tap = tap_of(port)
    (place / "dnsmasq").write_text("".join(log.lines()))
    with contextlib.suppress(openstack.exceptions.SDKException):
        console = cloud.compute.get_server_console_output(server)["output"]
        (place / "console").write_text(console)
    run = f"--db=unix:{settings.RUN}/openvswitch/db.sock"
    control = f"--target={settings.RUN}/openvswitch/ovs-vswitchd.ctl"
    for name, command in {
        "device": ["ip", "-details", "-statistics", "link", "show", tap],
        "interface": ["ovs-vsctl", run, "list", "Interface", tap],
        "port": ["ovs-vsctl", run, "list", "Port", tap],
        "datapath": ["ovs-appctl", control, "dpctl/show"],
        "flows": ["ovs-appctl", control, "dpctl/dump-flows"],
        "connections": ["ovs-appctl", control, "dpctl/dump-conntrack"],
        "addresses": ["ovs-appctl", control, "fdb/show", "br-int"],
        "openflow": ["ovs-appctl", control, "bridge/dump-flows", "br-int"],
    }.items():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        (place / name).write_text(done.stdout + done.stderr)
