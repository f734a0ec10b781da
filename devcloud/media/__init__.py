"""Installer media for guests, built at run time from Debian packages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from devcloud import apt_sources
from devcloud.errors import DevcloudError
from devcloud.media import outcome, parts
from devcloud.media.debian import base
from devcloud.media.debian import build as debian
from devcloud.media.mini import build as mini
from devcloud.patience import Patience, why

HERE = Path(__file__).parent
SHARED = (HERE / "apt.py", HERE / "parts.py")
# All of a check, so that who waits for it learns in time what it found.
CHECK_S = 100


class Media:
    """The parts of one state directory's media: their keys, and how they are made."""

    def __init__(self, home: Path, say: Callable[[str], None]) -> None:
        self.home = home
        self.say = say
        self.cache = home / "media-cache"
        self.makers: dict[str, parts.Maker] = {
            "mini": mini.make,
            "base": base.make,
            "debian": debian.make,
        }

    def key(self, part: str) -> str:
        """What a part would be made from now.

        :raises: DevcloudError where a package that it takes is not installed
        """
        if part == "mini":
            return parts.fingerprint((HERE / "mini", *SHARED), mini.PACKAGES)
        if part == "base":
            return parts.fingerprint(base.SOURCES, base.PACKAGES)
        sources = (HERE / "debian", debian.ENTRY, *SHARED)
        return parts.fingerprint(sources, base.PACKAGES)

    def is_current(self, part: str) -> bool:
        """Whether it is there, and nothing of ours that it is made from has changed."""
        try:
            key = self.key(part)
        except DevcloudError:
            return False
        return parts.is_current(self.home / outcome.PLACES[part], key)

    def work(self, scratch: str, patience: Patience) -> parts.Work:
        """Where something is made, and what with."""
        log = self.home / "log" / "media.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        suite = apt_sources.machine_suite()
        place = self.cache / scratch
        return parts.Work(place, self.cache, log, suite, self.say, patience)

    def make(self, part: str) -> str:
        """Make a part unless it is current; why it could not be made, or nothing."""
        reason = ""
        try:
            work = self.work("scratch", Patience())
            target = self.home / outcome.PLACES[part]
            made = parts.ensure(target, self.key(part), self.makers[part], work)
        except Exception as exc:  # whatever it is, the cloud can do without the part
            made, reason = True, why(exc)
        if made or outcome.read(self.home).get(part, outcome.Outcome(0, "?")).why:
            outcome.write(self.home, part, reason)
        if reason:
            stays = "; the one from before stays" if self.is_there(part) else ""
            self.say(f"media: {part} cannot be made{stays}: {reason}")
        return reason

    def is_there(self, part: str) -> bool:
        return outcome.is_there(part, self.home)


def build(home: Path, say: Callable[[str], None]) -> list[str]:
    """Build below home/media what is missing or was made from something else.

    Returns the names of the parts that could not be made; the reasons are said,
    and kept for `devcloud.media.outcome`.
    """
    media = Media(home, say)
    with parts.locked(media.cache):
        failed = [part for part in ("mini", "base") if media.make(part)]
        if "base" in failed and not media.is_there("base"):
            reason = f"its base system: {outcome.read(home)['base'].why}"
            outcome.write(home, "debian", reason)
            say(f"media: debian cannot be made: {reason}")
            return [*failed, "debian"]
        return [*failed, *(["debian"] if media.make("debian") else [])]


def check(home: Path, say: Callable[[str], None]) -> str:
    """Whether Debian's media can be made, if they are not there: why not, or nothing.

    Fetches what the mirror must give, which the build then finds in the cache. A mirror
    that is only slow may still give it all: nothing is noted then.
    """
    media = Media(home, say)
    if media.is_current("debian"):
        return ""
    patience = Patience(try_s=CHECK_S / 2, pauses_s=(1,), total_s=CHECK_S)
    with parts.locked(media.cache):
        work = media.work("check", patience)
        shutil.rmtree(work.scratch, ignore_errors=True)
        try:
            work.scratch.mkdir(parents=True)
            debian.gather(work)
        except Exception as exc:  # as in make()
            reason = why(exc)
        else:
            reason = ""
        finally:
            shutil.rmtree(work.scratch, ignore_errors=True)
        if not reason:
            say("media: all that debian needs of the mirror is here")
            return ""
        if patience.is_over():
            say(
                f"media: not known after {CHECK_S} s whether debian can be made: the "
                f"mirror is slow ({reason})"
            )
            return ""
        outcome.write(home, "debian", reason)
    stays = "; the one from before stays" if media.is_there("debian") else ""
    say(f"media: debian cannot be made{stays}: {reason}")
    return "" if stays else reason
