"""Does each server get its lease? Starts many, again and again on the same addresses.

    . .venv/bin/activate; eval "$(/usr/bin/python3 -m devcloud env)"
    python -m bench.leases [--starts 300] [--lanes 4] [--busy 2] [--image mini]

Needs the devcloud of this machine, and root where its log is root's. Each lane has an
address of its own: a server gets it on a port of its own, is watched until dnsmasq tells
of its lease, and is deleted, and the next one gets the address at once, as the test
server of a build gets the one of its installer. The server boots iPXE, which asks for a
lease and then waits, or an image that is named.

Of a server without a lease, its console, what the switch knows of its port, and whether
its device is on are kept in a directory. Everything that was made is removed at the
end, also where it ends early.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import signal
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openstack

from bench.evidence import Log, keep, tap_of
from osc_imagebuild.media import ipxe_stub

WAIT_S = 300
BUILD_S = 300
ASK_S = 20
_STUB = "#!ipxe\n:again\ndhcp || goto again\n:wait\nsleep 60\ngoto wait\n"


@dataclass
class Tally:
    """What became of the starts, by all lanes."""

    left: int
    seconds: list[float] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def take(self) -> bool:
        """Claim a start; false when there is none left."""
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def stop(self, lanes: list[Lane]) -> None:
        """Let no further start begin, and those under way be cut short."""
        self.ended.set()
        with self.lock:
            self.left = 0
        for lane in lanes:
            if lane.is_alive():
                lane.join(BUILD_S)

    def show(self, began: float) -> None:
        """Print the table."""
        minutes = (time.monotonic() - began) / 60
        print(f"starts            {len(self.seconds) + len(self.without)}")
        print(f"without a lease   {len(self.without)}")
        print(f"Nova had no guest {len(self.broken)}")
        if self.seconds:
            low, high = min(self.seconds), max(self.seconds)
            middle = statistics.median(self.seconds)
            print(f"seconds to lease  {low:.0f} / {middle:.0f} / {high:.0f}", end="")
            print("  (min / median / max, from create)")
        print(f"minutes           {minutes:.1f}", flush=True)


def main() -> int:
    """Print the table; 0 where each start had its lease."""
    args = arguments()
    # Also then what was made is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    cloud, name = openstack.connect(), f"leases-{uuid.uuid4().hex[:8]}"
    args.keep.mkdir(parents=True, exist_ok=True)
    tally, began = Tally(args.starts), time.monotonic()
    with contextlib.ExitStack() as stack:
        stack.callback(tally.show, began)
        stack.callback(remove, cloud, name)
        stack.enter_context(busy(args.busy))
        image = image_of(cloud, args.image, name)
        network = cloud.network.find_network(args.network, ignore_missing=False)
        lanes = [
            Lane(tally, name, image, network, address, args)
            for address in addresses(cloud, network, args.lanes)
        ]
        stack.callback(tally.stop, lanes)
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
    return bool(tally.without or tally.broken or not tally.seconds)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--starts", type=int, default=300)
    parser.add_argument("--lanes", type=int, default=4, help="addresses, and servers")
    parser.add_argument("--busy", type=int, default=0, help="loops that only burn CPU")
    parser.add_argument("--image", help="a name; without it a stub of iPXE")
    parser.add_argument("--network", default="private")
    parser.add_argument("--wait", type=float, default=WAIT_S, help="seconds to a lease")
    keep = Path(tempfile.gettempdir(), "leases")
    parser.add_argument("--keep", type=Path, default=keep, help="of those without one")
    return parser.parse_args()


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Load the machine meanwhile."""
    loops = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(count)]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()


def _burn() -> None:
    while True:
        pass


def image_of(cloud: Any, wanted: str | None, name: str) -> Any:
    """The image that was named, or a new one of iPXE."""
    if wanted:
        return cloud.image.find_image(wanted, ignore_missing=False)
    image = cloud.image.create_image(
        name=name, disk_format="qcow2", container_format="bare", allow_duplicates=True
    )
    image.data = ipxe_stub.stub_disk(_STUB)
    image.upload(cloud.image)
    return image


def addresses(cloud: Any, network: Any, count: int) -> list[str]:
    """Addresses of the network that are free now."""
    ports = [cloud.network.create_port(network_id=network.id) for _ in range(count)]
    for port in ports:
        cloud.network.delete_port(port)
    return [port.fixed_ips[0]["ip_address"] for port in ports]


def remove(cloud: Any, name: str) -> None:
    """Remove whatever carries our name, for as long as it takes."""
    deadline = time.monotonic() + BUILD_S
    while time.monotonic() < deadline:
        servers = [s for s in cloud.compute.servers(name=name) if s.name == name]
        for server in servers:
            cloud.compute.delete_server(server)
        if not servers:
            break
        time.sleep(2)
    for port in cloud.network.ports(name=name):
        cloud.network.delete_port(port)
    for image in cloud.image.images(name=name):
        cloud.image.delete_image(image)


class Lane(threading.Thread):
    """Servers on one address, one after the other."""

    def __init__(
        self,
        tally: Tally,
        name: str,
        image: Any,
        network: Any,
        address: str,
        args: argparse.Namespace,
    ) -> None:
        super().__init__(name=address, daemon=True)
        self.tally, self.label, self.image = tally, name, image
        self.network, self.address, self.args = network, address, args
        # A connection is not for two threads.
        self.cloud = openstack.connect()
        self.flavor = self.cloud.compute.find_flavor("m1.mini", ignore_missing=False)

    def run(self) -> None:
        """Start servers until there are enough."""
        while self.tally.take():
            try:
                self.one()
            except Exception as error:
                with self.tally.lock:
                    self.tally.broken.append(str(error))
                print(f"{self.address} {type(error).__name__}: {error}", flush=True)

    def one(self) -> None:
        """One server, from its port to its end."""
        port = self.cloud.network.create_port(
            name=self.label,
            network_id=self.network.id,
            fixed_ips=[{"ip_address": self.address}],
        )
        server = None
        try:
            log = Log(port.mac_address)
            server = self.cloud.compute.create_server(
                name=self.label,
                flavor_id=self.flavor.id,
                image_id=self.image.id,
                networks=[{"port": port.id}],
            )
            self.watch(server, port, log)
        finally:
            if server is not None:
                self.cloud.compute.delete_server(server)
                self.gone(port)
            self.cloud.network.delete_port(port)

    def watch(self, server: Any, port: Any, log: Log) -> None:
        """Wait for the lease, and note the time or keep the evidence."""
        began = asked = time.monotonic()
        while not (found := log.leased()) and time.monotonic() - began < self.args.wait:
            if self.tally.ended.wait(0.5):
                return
            if time.monotonic() - asked > ASK_S:
                # Seldom: what Nova answers costs more than many a guest.
                asked = time.monotonic()
                self.alive(server)
        if not found and self.alive(server) != "ACTIVE":
            raise TimeoutError(f"{server.id} did not start in {self.args.wait:.0f} s")
        with self.tally.lock:
            if found:
                self.tally.seconds.append(time.monotonic() - began)
                count = len(self.tally.seconds)
            else:
                self.tally.without.append(server.id)
                count = 0
        if count and count % 10 == 0:
            print(f"{time.strftime('%T')} {count} leases", flush=True)
        if not found:
            print(f"{self.address} {server.id}: NO LEASE", flush=True)
            keep(self.cloud, server, port, log, self.args.keep / server.id)

    def alive(self, server: Any) -> str:
        """Nova's word for its state.

        :raises: RuntimeError where there will be no guest
        """
        found = self.cloud.compute.get_server(server)
        if found.status == "ERROR":
            raise RuntimeError(f"{server.id}: {(found.fault or {}).get('message')}")
        return str(found.status)

    def gone(self, port: Any) -> None:
        """Wait until the guest and its device are gone, by what costs nothing."""
        deadline = time.monotonic() + BUILD_S
        device = Path("/sys/class/net", tap_of(port))
        while device.exists() and time.monotonic() < deadline:
            time.sleep(0.3)


if __name__ == "__main__":
    sys.exit(main())
