"""Stages of `up`: run as early as their inputs allow, shown with their time."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from devcloud.errors import DevcloudError


@dataclasses.dataclass(frozen=True)
class Stage:
    """A step of `up` and the stages that must be over before it."""

    name: str
    work: Callable[[], None]
    after: tuple[str, ...] = ()


class Screen:
    """One line a finished stage; on a terminal also a live line of what runs."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        with self._lock:
            sys.stdout.write(("\r\033[K" if self._live else "") + text + "\n")
            sys.stdout.flush()

    def begin(self, name: str) -> None:
        with self._lock:
            self._running[name] = time.monotonic()

    def end(self, name: str, failed: bool = False) -> None:
        with self._lock:
            took = time.monotonic() - self._running.pop(name)
        # What was already there is not worth a line; a second look takes milliseconds.
        if failed or took >= 0.5:
            self.say(f"{name:<24}{took:7.1f} s{'  FAILED' if failed else ''}")

    def tick(self) -> None:
        if not self._live:
            return
        with self._lock:
            now = time.monotonic()
            parts = [
                f"{name} {now - since:.0f} s" for name, since in self._running.items()
            ]
            line = f"[{now - self._began:4.0f} s] " + ", ".join(parts)
            sys.stdout.write("\r\033[K" + line[:118])
            sys.stdout.flush()

    def total(self, text: str) -> None:
        self.say(f"{text} after {time.monotonic() - self._began:.1f} s")


def _timed(stage: Stage, screen: Screen) -> None:
    screen.begin(stage.name)
    try:
        stage.work()
    except BaseException:
        screen.end(stage.name, failed=True)
        raise
    screen.end(stage.name)


def run_all(stages: Sequence[Stage], screen: Screen) -> None:
    """Run every stage that can be run; then raise the first failure.

    What does not need a failed stage goes on: a cloud without installer media is
    better than none, and the next run has less to do.
    """
    waiting = {stage.name: stage for stage in stages}
    running: dict[Future[None], str] = {}
    over: set[str] = set()
    failures: list[BaseException] = []
    with ThreadPoolExecutor(max_workers=len(stages)) as pool:
        while True:
            for stage in [s for s in waiting.values() if over.issuperset(s.after)]:
                del waiting[stage.name]
                running[pool.submit(_timed, stage, screen)] = stage.name
            if not running:
                break
            done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            screen.tick()
            for future in done:
                name = running.pop(future)
                failure = future.exception()
                if failure is None:
                    over.add(name)
                else:
                    failures.append(failure)
    if failures:
        raise failures[0]
    if waiting:
        raise DevcloudError(f"stages wait for each other: {', '.join(waiting)}")
