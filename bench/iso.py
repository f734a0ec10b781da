"""Measure how much of a large remote ISO passes the network for its kernel.

    . .venv/bin/activate
    python -m bench.iso [--gib 4] [--others 8000]

A web server on this machine serves an ISO with ranges and counts the bytes that it
sends, from planning a build to both uploads. The ISO has a kernel, a ramdisk and as
many packages as a DVD; the rest of it is zeros that exist nowhere. Needs no cloud.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time

from bench.bench import Table
from osc_imagebuild.media import iso_files
from osc_imagebuild.model.boot_sources import IsoFile
from tests.fakes.isos import SparseIso
from tests.fakes.web import Web, running

KERNEL_MIB, RAMDISK_MIB = 14, 70
GOAL_RATIO = 1.2
GOAL_PLAN_S = 2


def main() -> int:
    """Print all figures; 0 where every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=int, default=4)
    parser.add_argument("--others", type=int, default=8000, help="how many packages")
    args = parser.parse_args()
    disc = SparseIso(KERNEL_MIB, RAMDISK_MIB, args.gib, args.others)
    table = Table()
    with running(Web(disc.size, disc.read)) as server:
        url = f"{server.url}/large.iso"
        began = time.monotonic()
        with iso_files.open_iso(url) as opened:
            found = iso_files.contents(opened, disc.paths)
        table.row("planning, time", time.monotonic() - began, GOAL_PLAN_S, "s")
        planned = server.sent / (1 << 20)
        for path in disc.paths:
            with tempfile.TemporaryFile() as target:
                iso_files.fetch(
                    IsoFile(url, "", found.version, disc.paths, path), target
                )
    wanted = sum(part.size for part in found.parts)
    table.row("planning, bytes sent", planned, 0.2 * wanted / (1 << 20), "MiB")
    ratio = server.sent / wanted
    table.row(f"of {args.gib} GiB, bytes sent / kernel and ramdisk", ratio, GOAL_RATIO)
    print(f"{len(server.asked)} requests, {server.sent} bytes for {wanted}")
    return table.failed


if __name__ == "__main__":
    sys.exit(main())
