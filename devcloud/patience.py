"""Try again what a network may break: bounded in tries and in time."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from devcloud import process
from devcloud.errors import CommandError, DevcloudError, SlowError

T = TypeVar("T")
LONGEST_REASON = 240
# apt tries again by itself where a connection breaks or a server answers 408, 429 or 5xx,
# a little later each time.
# Source: apt 2.6, methods/basehttp.cc and apt-pkg/acquire-item.cc
APT_OPTIONS = {
    "Acquire::Retries": "3",
    "Acquire::Retries::Delay::Maximum": "10",
    "Acquire::http::Timeout": "20",
    "Acquire::https::Timeout": "20",
}
# What apt adds to each failure and what says nothing about its cause.
_IDLE = re.compile(r"Download Failed|Some (index )?files failed|Unable to fetch some")


def apt_options() -> list[str]:
    """The options of any apt command that downloads."""
    return [word for pair in APT_OPTIONS.items() for word in ("-o", "=".join(pair))]


@dataclass(frozen=True)
class Patience:
    """How long one download may take, and the pauses before further tries.

    ``total_s`` bounds all that is done with it, from now on. A server that crawls is
    left after ``try_s`` and asked again: another connection often is a quicker one,
    and apt goes on where it was.
    """

    try_s: float = 300
    pauses_s: tuple[float, ...] = (2, 8)
    total_s: float = 3600
    began: float = field(default_factory=time.monotonic)

    def limit_s(self) -> float:
        """How long the next try may take."""
        return min(self.try_s, self.began + self.total_s - time.monotonic())

    def within(self, try_s: float, total_s: float) -> Patience:
        """Patience for one part of the work: so long from now on, and no longer than all."""
        now = time.monotonic()
        left = max(0.0, self.began + self.total_s - now)
        return dataclasses.replace(
            self, try_s=try_s, total_s=min(total_s, left), began=now
        )

    def is_over(self) -> bool:
        """Whether it was time, and not the number of tries, that came to its end."""
        return self.limit_s() <= max(self.pauses_s, default=0) + 1

    def again(self, work: Callable[[float], T]) -> T:
        """Do it, given its time limit, until it succeeds; raise the last failure."""
        for pause in self.pauses_s:
            try:
                return work(self._next())
            except DevcloudError:
                if self.limit_s() <= pause:
                    raise
            time.sleep(pause)
        return work(self._next())

    def _next(self) -> float:
        limit = self.limit_s()
        if limit < 1:
            raise DevcloudError(
                f"the downloads took more than {self.total_s:.0f} s; what came is kept "
                "for the next run"
            )
        return limit

    def run(self, *command: str | Path, log: Path) -> None:
        """Run a command that downloads, as often as that takes."""
        self.again(lambda limit: once(limit, *command, log=log))


def once(limit: float, *command: str | Path, log: Path) -> None:
    """Run a command that downloads for at most so many seconds."""
    try:
        process.run(*command, log=log, seconds=limit)
    except SlowError as exc:
        raise DevcloudError(
            f"the mirror did not give in {limit:.0f} s what was asked of it; what came is "
            f"kept for the next run (all of it: {log})"
        ) from exc


def why(error: BaseException) -> str:
    """The cause on one line: what apt names as errors, else the first of its lines."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    found = lines[:1]
    if not isinstance(error, (DevcloudError, OSError)):
        found = [f"{type(error).__name__}: {lines[0]}"]
    if isinstance(error, CommandError):
        named = re.findall(r"(?m)^E: (?!\s)(.+)$", error.output)
        named = [re.sub(r"\s*\[IP: [^]]*\]", "", line) for line in named]
        found = [line for line in named if not _IDLE.match(line)] or lines[-1:]
    text = "; ".join(dict.fromkeys(" ".join(line.split()) for line in found))
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 3] + "..."
