"""One run at a time: two would start the same daemons twice."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Iterator

from devcloud import settings
from devcloud.errors import DevcloudError

FILE = settings.HOME / "lock"
WAIT_SECONDS = 900


@contextlib.contextmanager
def held(verb: str, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of the state directory, or say who does."""
    deadline = time.monotonic() + wait_seconds
    said = False
    while True:
        settings.HOME.mkdir(parents=True, exist_ok=True)
        with FILE.open("a+") as file:
            if _taken(file.fileno()):
                file.truncate(0)
                file.write(f"{verb} (pid {os.getpid()})")
                file.flush()
                yield
                return
            file.seek(0)
            holder = file.read() or "another run"
        if time.monotonic() > deadline:
            raise DevcloudError(
                f"'{holder}' still works on {settings.HOME}; try again later"
            )
        if not said:
            print(
                f"waiting for '{holder}' on {settings.HOME}",
                file=sys.stderr,
                flush=True,
            )
            said = True
        time.sleep(0.5)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    # `wipe` removes the file: a lock on a file that no longer is there keeps nobody out.
    try:
        return os.fstat(descriptor).st_ino == FILE.stat().st_ino
    except FileNotFoundError:
        return False
