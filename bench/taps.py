"""Are guests' devices on after the switch took them up? By os-vif, with its order and ours.

    python -m bench.taps [--starts 300] [--busy 2]

Needs root and the devcloud's virtual environment, but no running cloud: it has an Open
vSwitch of its own in a network name space of its own. Each device is plugged by os-vif,
made or opened as libvirt does it, and a frame is sent from it as a guest would do; it
must arrive at another port of the bridge within two seconds. First in os-vif's own
order (the switch hears of the device before there is one), then in that of
devcloud/agent/taps.py. Prints a line each; fails where ours loses one.

Source: virNetDevTapCreate and virNetDevSetIFFlag in libvirt (src/util/virnetdevtap.c,
virnetdev.c), as seen by strace.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devcloud import settings
from devcloud.process import MARK

TUNSETIFF, SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFHWADDR = (
    0x400454CA,
    0x8913,
    0x8914,
    0x8924,
)
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_UP = 0x2, 0x1000, 0x4000, 0x1
MAC = bytes.fromhex("fa163e000001")
FRAME = b"\xff" * 6 + MAC + b"\x88\xb5" + b"a guest asks for a lease".ljust(60)
HEADER = bytes(10)  # of virtio, as QEMU puts it before each frame
ARRIVE_S = 2.0
INNER = "BENCH_TAPS_INSIDE"


def main() -> int:
    """Print both lines; 0 where our order lost nothing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--starts", type=int, default=300)
    parser.add_argument("--busy", type=int, default=0, help="loops that only burn CPU")
    args = parser.parse_args()
    if INNER not in os.environ:
        return _again(args)
    from bench.leases import busy

    with tempfile.TemporaryDirectory() as place, switch(Path(place)), busy(args.busy):
        plugin = _plugin(place)
        lost = {ours: _plugged(plugin, args.starts, ours) for ours in (False, True)}
    return bool(lost[True])


def _again(args: argparse.Namespace) -> int:
    """The same in a network name space, with the Python that has os-vif."""
    # The client's own packages too: what is imported here is in both environments.
    path = os.pathsep.join([str(Path(__file__).parents[1]), str(settings.LIB)])
    # Its own /sys, which shows the devices of the name space it was mounted in.
    words = ["unshare", "--net", "--mount", "sh", "-c", "mount -t sysfs - /sys; $0 $*"]
    words += [str(settings.VENV / "bin/python3"), "-m", "bench.taps"]
    words += [f"--starts={args.starts}", f"--busy={args.busy}"]
    environment = {**os.environ, "PYTHONPATH": path, INNER: "1", MARK: "bench"}
    return subprocess.run(words, env=environment, check=False).returncode


@contextlib.contextmanager
def switch(place: Path) -> Iterator[None]:
    """An Open vSwitch with a bridge and a port to listen at."""
    os.environ["OVS_RUNDIR"] = str(place)
    database = place / "conf.db"
    _run("ip", "link", "set", "lo", "up")
    _run("ovsdb-tool", "create", database, "/usr/share/openvswitch/vswitch.ovsschema")
    with contextlib.ExitStack() as stack:
        socket_name = f"{place}/db.sock"
        _daemon(stack, place, "ovsdb-server", database, f"--remote=punix:{socket_name}")
        _until(Path(socket_name).exists)
        _run("ovs-vsctl", "--no-wait", "init")
        _daemon(stack, place, "ovs-vswitchd", f"unix:{socket_name}")
        bridge = "add-br br-int -- set bridge br-int datapath_type=netdev"
        _run("ovs-vsctl", *bridge.split())
        _run(
            "ovs-vsctl",
            *"add-port br-int ear -- set interface ear type=internal".split(),
        )
        _run("ip", "link", "set", "ear", "up")
        yield


def _daemon(stack: contextlib.ExitStack, place: Path, name: str, *words: Any) -> None:
    with (place / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [name, *map(str, words), f"--unixctl={place}/{name}.ctl"],
            stdout=log,
            stderr=log,
        )
    stack.callback(process.wait)
    stack.callback(process.terminate)


def _run(*words: Any) -> None:
    subprocess.run([str(word) for word in words], check=True, timeout=60)


def _until(true: Any) -> None:
    deadline = time.monotonic() + 30
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("Open vSwitch does not start")
        time.sleep(0.05)


def _plugin(place: str) -> Any:
    """os-vif's own plug-in for this switch."""
    from os_vif import objects  # type: ignore[import-not-found]
    from oslo_config import cfg
    from vif_plug_ovs import ovs, privsep  # type: ignore[import-not-found]

    objects.register_all()
    config = Path(place, "os-vif.conf")
    config.write_text(f"[os_vif_ovs]\novsdb_connection = unix:{place}/db.sock\n")
    cfg.CONF(["--config-file", str(config)], project="bench")
    privsep.vif_plug.set_client_mode(False)  # we are root already
    return ovs.OvsPlugin.load("ovs")


def _plugged(plugin: Any, starts: int, ours: bool) -> int:
    """Plug that many; return how many frames were lost."""
    if ours:
        from devcloud.agent import taps

        taps.install()
    lost = off = 0
    for number in range(starts):
        name = f"tap{number:08x}"
        vif, info = _vif(name, ours)
        plugin.plug(vif, info)
        device = _opened(name) if ours else _made(name)
        arrived = _arrives(device)
        lost += not arrived
        off += not _flags(name) & IFF_UP
        os.close(device)
        plugin.unplug(vif, info)
    order = "device first (ours)" if ours else "port first (os-vif)"
    print(
        f"{order:<20} {starts} devices, {lost} without traffic, {off} off", flush=True
    )
    return lost


def _vif(name: str, ours: bool) -> tuple[Any, Any]:
    """A port as Nova describes it to os-vif."""
    from os_vif import objects

    network = objects.network.Network(id=str(uuid.uuid4()), bridge="br-int", mtu=1500)
    profile = objects.vif.VIFPortProfileOpenVSwitch(
        interface_id=str(uuid.uuid4()),
        datapath_type="netdev",
        create_port=True,
        create_tap=ours,
    )
    vif = objects.vif.VIFOpenVSwitch(
        id=profile.interface_id,
        vif_name=name,
        address=MAC.hex(":"),
        network=network,
        port_profile=profile,
        plugin="ovs",
    )
    info = objects.instance_info.InstanceInfo(uuid=str(uuid.uuid4()), name=name)
    return vif, info


def _opened(name: str) -> int:
    """The device as QEMU holds it; the kernel makes it where there is none."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH14x", name.encode(), flags))
    return device


def _made(name: str) -> int:
    """The device made and switched on, in libvirt's steps."""
    device = _opened(name)
    mac = b"\xfe" + MAC[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH6s8x", name.encode(), 1, mac)
        fcntl.ioctl(control, SIOCSIFHWADDR, request)
        wanted = _flags(name) | IFF_UP
        request = struct.pack("16sH14x", name.encode(), wanted)
        fcntl.ioctl(control, SIOCSIFFLAGS, request)
    return device


def _flags(name: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", name.encode(), 0)
        answer = fcntl.ioctl(control, SIOCGIFFLAGS, request)
    return int(struct.unpack_from("H", answer, 16)[0])


def _arrives(device: int) -> bool:
    """Whether what a guest sends comes out at the other port; it asks often."""
    deadline = time.monotonic() + ARRIVE_S
    kind = socket.htons(0x88B5)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, kind) as ear:
        ear.bind(("ear", 0x88B5))
        ear.settimeout(0.1)
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):  # the device is off, or nothing came
                os.write(device, HEADER + FRAME)
                if FRAME in ear.recv(2000):
                    return True
            time.sleep(0.01)
    return False


if __name__ == "__main__":
    sys.exit(main())
