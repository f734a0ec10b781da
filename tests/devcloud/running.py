"""Bring the running devcloud up anew, with other settings or switches, as root."""

from __future__ import annotations

import os
import subprocess

from tests import paths

LIMIT_S = 600


def up(**environment: str) -> None:
    """Restart what these settings change, and nothing else.

    :raises: AssertionError with what it says, where it does not come up
    """
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "devcloud", "up"],
        cwd=paths.ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
