"""What guests are connected to, and the fence around them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from devcloud import settings
from devcloud.errors import DevcloudError
from devcloud.process import end, run

SAVED = settings.STATE / "sysctl.json"
SYSCTL = Path("/proc/sys/net/ipv4")
# Guests' tap devices are ordinary interfaces of this machine, whose kernel would answer
# for the gateway address on them with the tap's own MAC and so swallow the traffic.
WANTED = {"conf/all/arp_ignore": "1"}

PROXY = settings.METADATA_PROXY_PORT
# Nothing is forwarded between guests and the outside, whatever this machine forwards otherwise.
# The flat network has no router that could answer for the metadata address: we do.
TABLE = f"""
table ip devcloud {{
  chain guard {{
    type filter hook forward priority -10; policy accept;
    iifname {{ "br-ex", "tap*" }} drop
    oifname {{ "br-ex", "tap*" }} drop
  }}
  chain metadata {{
    type nat hook prerouting priority -100;
    iifname "br-ex" ip daddr 169.254.169.254 tcp dport 80 redirect to :{PROXY}
  }}
}}
"""
TABLE6 = """
table ip6 devcloud {
  chain guard {
    type filter hook forward priority -10; policy accept;
    iifname { "br-ex", "tap*" } drop
    oifname { "br-ex", "tap*" } drop
  }
}
"""
TABLES = ("ip", "ip6")


def guard() -> None:
    """Set the kernel's switches and the nft tables; before any guest can send."""
    present = run("nft", "list", "tables")
    if any(f"table {family} devcloud\n" not in present for family in TABLES):
        _drop_tables()
        run("nft", "-f", "-", text=TABLE + TABLE6)
    now = {name: (SYSCTL / name).read_text().strip() for name in WANTED}
    if now != WANTED:
        SAVED.write_text(json.dumps(now))
        for name, value in WANTED.items():
            (SYSCTL / name).write_text(value)


def _drop_tables() -> None:
    for family in TABLES:
        if f"table {family} devcloud\n" in run("nft", "list", "tables"):
            run("nft", "delete", "table", family, "devcloud")


def vsctl(*words: str) -> str:
    """Speak to our own Open vSwitch."""
    return run("ovs-vsctl", "--timeout=20", *words)


def database() -> None:
    """Make the switch's database."""
    place = settings.STATE / "ovs/conf.db"
    if not place.exists():
        run("ovsdb-tool", "create", place, "/usr/share/openvswitch/vswitch.ovsschema")


def options() -> None:
    """Set what ovs-vswitchd reads when it starts."""
    vsctl("--no-wait", "init")
    vsctl(
        *("--no-wait", "set", "Open_vSwitch", "."),
        *("external-ids:system-id=devcloud", "external-ids:hostname=devcloud"),
        "other_config:userspace-tso-enable=true",
    )


def bridges() -> None:
    """Make the two bridges that Neutron expects, and this machine's own address on one."""
    if not Path("/sys/class/net/br-ex").exists():
        vsctl(
            *("--may-exist", "add-br", "br-ex", "--", "set", "bridge", "br-ex"),
            *("datapath_type=netdev", "fail-mode=standalone"),
            f"other-config:hwaddr={settings.GATEWAY_MAC}",
        )
        vsctl(
            *("--may-exist", "add-br", "br-int", "--", "set", "bridge", "br-int"),
            *("datapath_type=netdev", "fail-mode=secure"),
        )
    # Always: a killed ovs-vswitchd leaves its devices, and the next one takes them over
    # with their addresses, but with all offloads on.
    run("ip", "addr", "replace", f"{settings.GATEWAY}/24", "dev", "br-ex")
    run("ip", "link", "set", "br-ex", "up")
    # A guest without TSO (iPXE) loses every large segment: see agent/interface.py.
    run("ethtool", "-K", "br-ex", "tso", "off", "gso", "off", "gro", "off")


def restore() -> None:
    """Undo guard(): the tables go, and the switches are as they were found."""
    _drop_tables()
    if SAVED.exists():
        for name, value in json.loads(SAVED.read_text()).items():
            (SYSCTL / name).write_text(value)
        SAVED.unlink()


def name_spaces() -> list[str]:
    """Neutron's network name spaces."""
    words = (
        line.split()[0] for line in run("ip", "netns", "list").splitlines() if line
    )
    return [name for name in words if name.startswith(("qdhcp-", "qrouter-"))]


def clear() -> None:
    """Remove Neutron's name spaces with all that runs in them; its agents make them anew."""
    for name in name_spaces():
        # It fails for a name that a crash left without a name space.
        with contextlib.suppress(DevcloudError):
            end([int(pid) for pid in run("ip", "netns", "pids", name).split()])
        run("ip", "netns", "delete", name)


def taps() -> list[str]:
    """The devices of servers that are still there: see agent/taps.py."""
    found = []
    for alias in Path("/sys/class/net").glob("*/ifalias"):
        with contextlib.suppress(OSError):
            if alias.read_text().strip() == str(settings.HOME):
                found.append(alias.parent.name)
    return found


def remove() -> None:
    """Remove name spaces, devices and bridges; for the last the switch must still run."""
    clear()
    for tap in taps():
        run("ip", "link", "delete", tap)
    if (settings.RUN / "openvswitch/db.sock").exists():
        for bridge in ("br-int", "br-tun", "br-ex"):
            vsctl("--if-exists", "del-br", bridge)
