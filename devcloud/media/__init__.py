"""Installer media for guests, built at run time from Debian packages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from devcloud.media import apt, parts
from devcloud.media.debian import base
from devcloud.media.debian import build as debian
from devcloud.media.mini import build as mini

HERE = Path(__file__).parent
SHARED = (HERE / "apt.py", HERE / "parts.py")


def build(home: Path, say: Callable[[str], None]) -> None:
    """Build below home/media what is missing or was made from something else."""
    media, cache = home / "media", home / "media-cache"
    log = home / "log" / "media.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with parts.locked(cache):
        suite = apt.machine_suite()

        def ensure(target: Path, key: str, make: parts.Maker) -> None:
            work = parts.Work(cache / "scratch", cache, log, suite, say)
            parts.ensure(target, key, make, work)

        key = parts.fingerprint((HERE / "mini", *SHARED), mini.PACKAGES)
        ensure(media / "mini", key, mini.make)
        key = parts.fingerprint(base.SOURCES, base.PACKAGES)
        ensure(cache / "base", key, base.make)
        key = parts.fingerprint((HERE / "debian", *SHARED), base.PACKAGES)
        ensure(media / "debian", key, debian.make)
