"""Run every part of the tests, and end with one line: N passed, N failed.

Each part is a target of the Makefile. A part that fails without a failing
test (lint, types, docs, a cloud that does not come up) counts as one failure.
A devcloud that was down before is taken down again.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import subunit
import testtools

ROOT = Path(__file__).resolve().parents[1]
# Unit tests come late: they call tools that the devcloud may be installing at first.
HERE = ("lint", "scenarios", "sweep", "unit", "cover")
# Beside those, one after the other, as they wait most of the time: for downloads, and for
# Nova. All need the first.
BESIDE = ("devcloud", "functional", "alone")
# What takes one core: done by whichever of these is over first. Oz and the browser come
# last: apt is the devcloud's for some minutes.
EITHER = ("types", "vendor", "docs", "oz", "browser")
# Longer than any part should ever take; a hang must not hide the other results.
LIMIT_S = 60 * 60
# All that was ever begun; what runs beside another is ended with it.
JOBS: list[subprocess.Popen[bytes]] = []
INTERRUPTED = threading.Event()
# Who looks at a failed run may be shown its last lines only, so few and short.
LINES_OF_A_FAILURE = 5
COLUMNS_OF_A_LINE = 200


def main() -> int:
    """Run all parts; return the exit status."""
    total = Counter[str]()
    broken: list[str] = []
    # Only make knows how long that took: it comes before this Python.
    times = {"venv": int(os.environ.get("VENV_S", "0"))}
    began = time.monotonic() - times["venv"]
    started = False
    # What `cover` reads is noted by the tests of this run.
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    try:
        started = not cloud_is_up()
        waiting = deque(EITHER)
        with ThreadPoolExecutor(1) as pool:
            beside = pool.submit(run_beside, BESIDE, waiting, broken, times)
            for part in HERE:
                total += run_part(part, broken, times)
            counts = run_beside((), waiting, broken, times) | beside.result()
        total += sum(counts.values(), Counter[str]())
        builds = "e2e" if os.environ.get("SKIP_SLOW") == "1" else "builds"
        if not counts["devcloud"]["failed"]:
            total += run_part(builds, broken, times)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        total["failed"] += 1
        broken.append("FAILED: interrupted")
    finally:
        if started:
            total += run_part("devcloud-down", broken, times)
    for line in (*broken, *table(times, round(time.monotonic() - began))):
        print(line)
    print(f"{total['passed']} passed, {total['failed']} failed", flush=True)
    return 1 if total["failed"] else 0


def table(times: dict[str, int], whole: int) -> list[str]:
    """How long each part took, and all of them, in minutes and seconds.

    That is less than their sum, as some ran beside others.
    """
    rows = {**times, "in all": whole}
    return [
        "time by part:",
        *(f"  {part:16}{took // 60:4}:{took % 60:02}" for part, took in rows.items()),
    ]


def run_beside(
    first: Sequence[str],
    waiting: deque[str],
    broken: list[str],
    times: dict[str, int],
) -> dict[str, Counter[str]]:
    """Make some parts, and then what still waits; each is told when it is over.

    The others of ``first`` are left out where the first of it failed. Return how many
    tests of each passed and failed.
    """
    counts: dict[str, Counter[str]] = {}
    parts = deque(first)
    while not INTERRUPTED.is_set():
        try:
            part = (parts or waiting).popleft()
        except IndexError:
            break
        with tempfile.TemporaryFile("w+") as log:
            counts[part] = run_part(part, broken, times, log)
            log.seek(0)
            print(log.read(), end="", flush=True)
        if part in first[:1] and counts[part]["failed"]:
            parts.clear()
    return counts


def run_part(
    part: str,
    broken: list[str],
    times: dict[str, int],
    log: TextIO | None = None,
) -> Counter[str]:
    """Make a target and return how many of its tests passed and failed.

    What failed is added to ``broken``, to be told again at the end: of a long
    log, many look at the last lines alone. ``times`` gets the seconds it took. What is
    printed goes to ``log`` where there is one.
    """
    print(f"=== {part}", flush=True, file=log)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        repository = f"STESTR=.venv/bin/stestr --repo-url {scratch}"
        good = make(part, repository, "COVER=1", log=log)
        total = count(scratch, broken)
    if not good and not total["failed"]:
        total["failed"] = 1
        broken.append(f"FAILED: make {part}")
    word = "ok" if good else "FAILED"
    times[part] = round(time.monotonic() - began)
    print(f"=== {part}: {word}, {times[part]} s", flush=True, file=log)
    return total


def make(target: str, *variables: str, log: TextIO | None = None) -> bool:
    """Make a target in a process group of its own; whether it went well."""
    command = ["make", "--no-print-directory", target, *variables]
    job = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    JOBS.append(job)
    try:
        return job.wait(LIMIT_S) == 0
    except subprocess.TimeoutExpired:
        print(f"{target} is not done after {LIMIT_S // 60} minutes", flush=True)
        return False
    finally:
        stop(job)


def stop(job: subprocess.Popen[bytes]) -> None:
    """End a job with all that it started."""
    if job.poll() is None:
        os.killpg(job.pid, signal.SIGTERM)
        job.wait()


def count(scratch: str, broken: list[str]) -> Counter[str]:
    """How many tests passed and failed in the run that stestr kept there."""
    command = [".venv/bin/stestr", "--repo-url", scratch, "last", "--subunit"]
    last = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    summary = testtools.StreamSummary()
    summary.startTestRun()
    if last.returncode == 0:
        subunit.ByteStreamToStreamResult(io.BytesIO(last.stdout)).run(summary)
    summary.stopTestRun()
    bad = [*summary.failures, *summary.errors]
    bad += [(test, "unexpected success") for test in summary.unexpectedSuccesses]
    for test, why in bad:
        lines = [line.strip() for line in why.splitlines() if line.strip(" }")]
        broken.append(f"FAILED: {test.id().removeprefix('osc_imagebuild.')}")
        broken += [line[:COLUMNS_OF_A_LINE] for line in lines[-LINES_OF_A_FAILURE:]]
    good = summary.testsRun - len(bad) - len(summary.skipped)
    return Counter(passed=good, failed=len(bad))


def cloud_is_up() -> bool:
    """Whether any service of the devcloud runs already."""
    command = ["make", "--no-print-directory", "devcloud-status"]
    status = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [line.split() for line in status.stdout.splitlines()]
    # A daemon's line is its name, a word, its number and its log.
    return any(len(w) == 4 and w[1] == "up" and w[2].isdigit() for w in lines)


def interrupt(number: int, frame: object) -> None:
    """Make SIGTERM stop the run as Ctrl-C does: what was started is stopped."""
    INTERRUPTED.set()
    for job in JOBS:
        stop(job)
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    sys.exit(main())
