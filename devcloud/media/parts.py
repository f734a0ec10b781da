"""Build a part of the media once, and swap it in whole.

A part is a directory. What it was made from is hashed into a stamp inside it, so a
part is either complete and current or is made again; a killed build leaves only a
scratch directory, which the next one removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devcloud import process
from devcloud.patience import Patience

STAMP = "made-from.json"


@dataclass(frozen=True)
class Work:
    """Where a part is being made, and what it is made with."""

    scratch: Path  # removed afterwards
    cache: Path  # stays
    log: Path
    suite: str  # the release that this machine runs
    say: Callable[[str], None]
    patience: Patience = field(default_factory=Patience)
    versions: dict[str, str] = field(default_factory=dict)  # for people, in the stamp


Maker = Callable[[Work, Path], None]


def fingerprint(sources: Sequence[Path], packages: Sequence[str]) -> str:
    """A hash of these files and directories and of the versions of these packages."""
    digest = hashlib.sha256()
    for source in sources:
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for file in files:
            if file.is_file() and file.suffix not in (".pyc", ".rst"):
                name = file.relative_to(source.parent)
                digest.update(f"{name}\0".encode() + file.read_bytes() + b"\0")
    if packages:
        query = ("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *sorted(packages))
        digest.update(process.run(*query).encode())
    return digest.hexdigest()


def is_current(target: Path, key: str) -> bool:
    try:
        return bool(json.loads((target / STAMP).read_text())["key"] == key)
    except (OSError, ValueError, KeyError):
        return False


def ensure(target: Path, key: str, make: Maker, work: Work) -> bool:
    """Make the part unless the one that is there was made from the same things.

    Returns whether it was made.
    """
    if is_current(target, key):
        return False
    began = time.monotonic()
    shutil.rmtree(work.scratch, ignore_errors=True)
    new = work.scratch / "out"
    new.mkdir(parents=True)
    make(work, new)
    stamp = {"key": key, "versions": work.versions}
    (new / STAMP).write_text(json.dumps(stamp, indent=1) + "\n")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(work.scratch / "old")
    new.rename(target)
    shutil.rmtree(work.scratch)
    work.say(f"media: made {target.name} in {time.monotonic() - began:.0f} s")
    return True


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep two builds apart; the lock goes with its process."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
