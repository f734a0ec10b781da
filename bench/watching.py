"""Measure what it costs to watch an installer for half an hour.

    . .venv/bin/activate; eval "$(/usr/bin/python3 -m devcloud env)"
    python -m bench.watching [--minutes 30] [--silent]

A mini installer that takes so long is watched by the real client. Prints a line a
figure: what, measured, goal, whether it was met. Where it takes less than half an
hour, the calls of its second half stand for those of the rest, and the CPU time, of
start and end too, is taken as many times.
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
from osc_imagebuild.builds.record import Record
from osc_imagebuild.guests.catalog import Catalog, default_directories
from osc_imagebuild.model.request import Request

GOAL_MINUTES = 30
# The client itself, noting when it sends its requests.
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
code = shell.main(sys.argv[1:])
open("calls", "w").write("\\n".join(map(str, calls)))
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
        words = ("image", "build", "resume", build.id, "-f", "json")
        cpu_s, peak = run(place, sys.executable, "-c", _CLIENT, *words)
        calls = [float(at) for at in Path(place, "calls").read_text().split()]
        _, usual = run(place, OPENSTACK, "image", "list")
    done = builder.find(build.id)
    began, ended = done.marks["started"].at, done.marks["installed"].at
    minutes = (ended - began) / 60
    table.row("minutes of installing", minutes, 24 * 60)
    table.row("API calls a minute", a_minute(calls, began, ended), 6)
    scaled = cpu_s * max(1.0, GOAL_MINUTES / minutes)
    table.row(f"client's CPU for {GOAL_MINUTES} minutes, at most", scaled, 10, "s")
    table.row("peak memory / openstack image list's", peak / usual, 1.3)


def a_minute(calls: list[float], began: float, ended: float) -> float:
    """Return the calls a minute of an installation of half an hour, or longer.

    Looks are rarer after some minutes: what is missing is like the second half.
    """
    minutes, half = (ended - began) / 60, (began + ended) / 2
    late = sum(half < at <= ended for at in calls) / (minutes / 2)
    rest = max(0.0, GOAL_MINUTES - minutes)
    count = sum(began < at <= ended for at in calls)
    return (count + late * rest) / (minutes + rest)


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
