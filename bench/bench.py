"""Measure a build on the devcloud against what it should cost.

    . .venv/bin/activate; eval "$(/usr/bin/python3 -m devcloud env)"
    python -m bench.bench [--os mini|debian-13]

Prints a line a figure: what, measured, goal, whether it was met.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openstack

from bench import bare
from devcloud import settings
from osc_imagebuild.builder import Builder
from osc_imagebuild.builds.record import Record
from osc_imagebuild.guests.catalog import Catalog, default_directories
from osc_imagebuild.model.request import Request
from osc_imagebuild.v1.progress import Progress

ROOT = Path(__file__).parents[1]
OPENSTACK = str(Path(sys.executable).with_name("openstack"))
CATALOGS = settings.CATALOGS

# A run of the client with the plugin hidden from it, or not.
_VERSION = """
import sys, stevedore.extension as e
found = e.ExtensionManager.list_entry_points
if {hide}:
    e.ExtensionManager.list_entry_points = lambda self: [
        p for p in found(self) if not p.value.startswith("osc_imagebuild")]
from openstackclient import shell
sys.exit(shell.main(["--version"]))
"""


def main() -> int:
    """Print all figures; 0 where every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--os", default="mini", help="mini (default) or debian-13")
    args = parser.parse_args()
    table = Table()
    measure_commands(table)
    measure_build(table, args.os)
    return table.failed


class Table:
    """Rows of figures, printed as they come."""

    def __init__(self) -> None:
        self.failed = 0
        print(f"{'figure':56} {'measured':>10} {'goal':>8}")

    def row(self, name: str, value: float, goal: float, unit: str = "") -> None:
        """Print one figure; smaller is better."""
        met = value <= goal
        self.failed |= not met
        verdict = "" if met else "  MISSED"
        print(
            f"{name:56} {value:7.2f}{unit:>3} {goal:5g}{unit:>3}{verdict}", flush=True
        )


def measure_commands(table: Table) -> None:
    """What the plugin costs beside the client's own commands."""
    ours = [OPENSTACK, "image", "build", "list"]
    theirs = [OPENSTACK, "image", "list"]
    table.row("image build list / image list, wall time", ratio(ours, theirs), 1.10)
    shown = [sys.executable, "-c", _VERSION.format(hide=False)]
    hidden = [sys.executable, "-c", _VERSION.format(hide=True)]
    added_ms = 1000 * statistics.median(a - b for a, b in pairs(shown, hidden, 9))
    table.row("added to openstack --version", added_ms, 20, "ms")


def ratio(first: Sequence[str], second: Sequence[str]) -> float:
    """Median of first / second, pair by pair."""
    return statistics.median(a / b for a, b in pairs(first, second, 7))


def pairs(
    first: Sequence[str], second: Sequence[str], runs: int
) -> Iterator[tuple[float, float]]:
    """Time two commands in turn, after one run of each that does not count."""
    for number in range(runs + 1):
        pair = seconds(first), seconds(second)
        if number:
            yield pair


def seconds(command: Sequence[str]) -> float:
    """Wall time of a command that must succeed."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def measure_build(table: Table, os_name: str) -> None:
    """One real build, then the same installer under QEMU alone."""
    catalog = Catalog((*default_directories(), *CATALOGS))
    builder = Builder(openstack.connect(), catalog=catalog, listener=Progress())
    request = Request(name=f"bench-{os_name}", os=os_name, verify=False)
    plan = builder.plan(request)
    with counted(builder) as calls:
        build = builder.start(plan)
    try:
        report_build(table, builder, build, calls)
        wall = build.marks["complete"].at - build.steps[0][1]
        alone = bare.install(
            plan, settings.HOME / "bench", build.spec.hardware.disk_gib
        )
        installing = span(build, "server", "harvest")
        print(
            f"build {wall:.0f} s, of it the server {installing:.0f} s, bare QEMU {alone:.0f} s"
        )
        table.row(
            "build without verification / bare QEMU, wall time", wall / alone, 1.10
        )
        table.row(
            "server's part of it / bare QEMU, wall time", installing / alone, 1.10
        )
    finally:
        builder.delete(build.id, with_image=True)


def report_build(
    table: Table, builder: Builder, build: Record, calls: list[tuple[str, str, str]]
) -> None:
    """Bytes, calls, and how quickly the disk became an image."""
    polls = [call for call in calls if is_poll(call)]
    minutes = span(build, "install", "harvest") / 60
    table.row("bytes through the client", builder.api.bytes_sent / 2**20, 2, "MiB")
    table.row("API calls beside polls", len(calls) - len(polls), 40)
    table.row("polls a minute", len(polls) / max(minutes, 1), 6)
    off, active = (
        bare.power_off_time(settings.STATE / "libvirt", build),
        build.marks["harvested"].at,
    )
    own = snapshot_seconds(builder, build)
    table.row(
        "power-off to active less createImage's own time", active - off - own, 20, "s"
    )


def is_poll(call: tuple[str, str, str]) -> bool:
    """A look at what the guest does, as opposed to a look before a change."""
    service, method, path = call
    looks = path.endswith(("/os-server-password", "/action")) or (
        path.startswith("/servers/") and "detail" not in path
    )
    return service == "compute" and method in ("GET", "CONSOLE") and looks


@contextmanager
def counted(builder: Builder) -> Iterator[list[tuple[str, str, str]]]:
    """Note each API call as (service, method, path)."""
    calls: list[tuple[str, str, str]] = []
    original = builder.api.call

    def call(service: str, method: str, path: str, **kwargs: Any) -> Any:
        reads_console = "os-getConsoleOutput" in str(kwargs.get("json"))
        calls.append((service, "CONSOLE" if reads_console else method, path))
        return original(service, method, path, **kwargs)

    builder.api.call = call  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        builder.api.call = original  # type: ignore[method-assign]


def span(build: Record, first: str, last: str) -> float:
    """Seconds from the begin of step ``first`` to that of ``last``."""
    begins = dict(reversed(build.steps))
    return begins[last] - begins[first]


def snapshot_seconds(builder: Builder, build: Record) -> float:
    """How long Nova itself was busy with createImage."""
    begins = dict(reversed(build.steps))
    image = builder.api.get("image", f"/images/{build.result_id}")
    from osc_imagebuild.cloud.images import timestamp

    return max(0.0, begins["clean"] - timestamp(image["created_at"]))


if __name__ == "__main__":
    sys.exit(main())
