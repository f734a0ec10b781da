"""The volumes' file system, and mounts that libvirtd's name space can see."""

from __future__ import annotations

from pathlib import Path

from devcloud import settings
from devcloud.errors import DevcloudError
from devcloud.process import run

SHARE = settings.STATE / "nfs-share"
FILE = settings.STATE / "nfs.img"


def mounts() -> list[str]:
    """What is mounted at or below the state directory, in order of mounting."""
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        place = line.split()[1].replace("\\040", " ")
        if place == str(settings.STATE) or place.startswith(f"{settings.STATE}/"):
            found.append(place)
    return found


def mount() -> None:
    """Mount what a reboot or `down` took away.

    libvirtd and its guests live in a mount name space of their own, and a
    volume is mounted after they started: only a shared mount hands it on.
    The share is a file system of its own because os.path.ismount(), which
    os-brick asks, does not see a directory bound within one file system.
    """
    present = mounts()
    if str(settings.STATE) not in present:
        run("mount", "--bind", settings.STATE, settings.STATE)
        run("mount", "--make-shared", settings.STATE)
    if str(SHARE) not in present:
        if not FILE.exists():
            draft = FILE.with_suffix(".new")
            run("truncate", "-s", f"{settings.NFS_GIB}G", draft)
            lazily = "lazy_itable_init=1,lazy_journal_init=1"
            run("mkfs.ext4", "-q", "-m", "0", "-E", lazily, draft)
            draft.rename(FILE)
        run("mount", "-o", "loop", FILE, SHARE)
        SHARE.chmod(0o777)


def unmount() -> None:
    """Take all of it away, the last mount first."""
    for place in reversed(mounts()):
        try:
            run("umount", place)
        except DevcloudError:
            # In use in a mount name space that somebody else made: it is gone
            # from here at once, and wholly when they let go.
            run("umount", "--lazy", place)
