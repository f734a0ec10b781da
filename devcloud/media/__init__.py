"""Installer media for guests, built at run time from Debian packages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from devcloud.media import apt, parts
from devcloud.media.mini import build as mini

HERE = Path(__file__).parent
SHARED = (HERE / "apt.py", HERE / "parts.py")


def build(home: Path, say: Callable[[str], None]) -> None:
    """Build below home/media what is missing or was made from something else."""
    media, cache = home / "media", home / "media-cache"
    log = home / "log" / "media.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with parts.locked(cache):
        work = parts.Work(cache / "scratch", cache, log, apt.machine_suite(), say)
        key = parts.fingerprint((HERE / "mini", *SHARED), mini.PACKAGES)
        parts.ensure(media / "mini", key, mini.make, work)
