"""Measure what it costs to watch an installer for half an hour.

    . .venv/bin/activate; eval "$(/usr/bin/python3 -m devcloud env)"
    python -m bench.watching [--minutes 30] [--silent]

A mini installer that takes so long is watched by the real client. Prints a line a
figure: what, measured, goal, whether it was met.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import openstack

from bench.bench import CATALOGS, OPENSTACK, Table
from osc_imagebuild.builder import Builder
from osc_imagebuild.catalog import Catalog, default_directories
from osc_imagebuild.model import Request
from osc_imagebuild.record import Record

GOAL_MINUTES = 30
# The client itself, counting its requests from the first to the last look.
_CLIENT = """
import sys
from osc_imagebuild.cloud.api import Api
from openstackclient import shell
calls = []
call = Api.call
def counted(self, *args, **kwargs):
    calls.append(self.clock.time())
    return call(self, *args, **kwargs)
Api.call = counted
code = shell.main(sys.argv[2:])
begin, end = float(sys.argv[1]), max(calls)
open("calls", "w").write(str(sum(begin < at for at in calls)))
sys.exit(code)
"""
_TALKING = 'say "LATE 95% part $n of many"'


def main() -> int:
    """Print all figures; 0 where every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=GOAL_MINUTES)
    parser.add_argument(
        "--silent", action="store_true", help="a guest that says nothing meanwhile"
    )
    args = parser.parse_args()
    os.environ["OSC_IMAGEBUILD_CATALOG"] = ":".join(map(str, CATALOGS))
    catalog = Catalog((*default_directories(), *CATALOGS))
    builder = Builder(openstack.connect(), catalog=catalog)
    build = start(builder, args.minutes, silent=args.silent)
    table = Table()
    try:
        measure(table, builder, build)
    finally:
        builder.delete(build.id, with_image=True)
    return table.failed


def start(builder: Builder, minutes: int, *, silent: bool) -> Record:
    """Start a build whose installer takes ``minutes``."""
    request = Request(name="bench-watching", os="mini", verify=False)
    answer = builder.plan(request).texts["answer"]
    build_id = answer.split('"build": "')[1].split('"')[0]
    say = ":" if silent else _TALKING
    late = f"late() {{\n    n=0\n    while [ $n -lt {minutes * 6} ]; do\n"
    late += f"        sleep 10\n        n=$((n + 1))\n        {say}\n"
    answer += late + "    done\n}\n"
    own = Request(
        name="bench-watching",
        os="mini",
        verify=False,
        answer_file=answer.replace(build_id, "@BUILD_ID@"),
        timeout_min=minutes + 15,
        stall_min=minutes + 15,
    )
    return builder.create(own, wait=False)


def measure(table: Table, builder: Builder, build: Record) -> None:
    """Let the client watch the build to its end."""
    with tempfile.TemporaryDirectory() as place:
        begin = builder.api.clock.time()
        words = ("image", "build", "resume", build.id, "-f", "json")
        cpu_s, peak = run(place, sys.executable, "-c", _CLIENT, str(begin + 15), *words)
        calls = int(Path(place, "calls").read_text())
        _, usual = run(place, OPENSTACK, "image", "list")
    done = builder.find(build.id)
    minutes = (done.marks["installed"].at - done.marks["started"].at) / 60
    table.row("minutes of installing", minutes, 24 * 60)
    # What comes after the report, some twenty calls, is counted as well.
    table.row("API calls a minute", calls / minutes, 6)
    scaled = cpu_s * max(1.0, GOAL_MINUTES / minutes)
    table.row(f"client's CPU for {GOAL_MINUTES} minutes, at most", scaled, 10, "s")
    table.row("peak memory / openstack image list's", peak / usual, 1.3)


def run(place: str, *command: str) -> tuple[float, int]:
    """Run a command that must succeed; return CPU seconds and peak memory."""
    process = subprocess.Popen(
        command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status  # it was waited for here
    if status:
        raise RuntimeError(f"{' '.join(command[-5:])} failed with status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


if __name__ == "__main__":
    sys.exit(main())
