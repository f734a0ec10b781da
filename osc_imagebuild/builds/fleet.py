"""Drive every unfinished build of a project that nobody drives.

Each tick lists records of builds at work, leases and servers of all builds at once; a
single build is looked at only when its server changed, or when its turn comes. So the
cost of a tick hardly grows with the number of builds, and not with that of finished ones.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from osc_imagebuild.builds import lease, record_store
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import images, servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import (
    DrivenError,
    ImageBuildError,
    InstallError,
    RecordError,
)
from osc_imagebuild.model.names import (
    PART_TAG,
    Role,
    Status,
    boot_number,
    resource_name,
)
from osc_imagebuild.model.resources import Image, Server

LOG = logging.getLogger(__name__)

TICK_S, BUSY_TICK_S = 30.0, 10.0
# A look at one build takes about a dozen calls. So spaced, looks at quiet
# builds stay below 0.1 calls a tick for each of many builds.
LOOK_EVERY_S = 60.0
LOOK_SPACING_S = 30.0
# Leases that are no working build's are looked into, which takes a call each.
MOST_ENDED = 20


@dataclass
class Outcome:
    """What became of the builds, by ID; ``failed`` has the reasons too.

    A reason is a `Message`, which another program may word as its own.
    """

    complete: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    driven_by_others: list[str] = field(default_factory=list)


def every(build: Record) -> bool:
    """Say of each build that it is one to be driven."""
    return True


class Fleet:
    """All builds of a project, or ``only`` some.

    ``advance`` drives one until it has to wait, ``tidy`` removes what one that is
    over should not have left.
    """

    def __init__(
        self,
        api: Api,
        advance: Callable[[Record], Record],
        tidy: Callable[[Record], object],
        only: Callable[[Record], bool] = every,
    ) -> None:
        self._api = api
        self._only = only
        self._advance = advance
        self._tidy = tidy
        self.outcome = Outcome()
        self._failed_at: dict[str, float] = {}
        # Builds whose leases say nothing to this fleet.
        self._unknown: set[str] = set()
        self._is_busy = False

    def run(self, *, once: bool = False) -> Outcome:
        """Tick until no build is left to drive, or just once.

        :raises: CloudError where the lists cannot be had
        """
        while self.tick() and not once:
            self._api.clock.sleep(self.pause_s)
        return self.outcome

    @property
    def pause_s(self) -> float:
        """Seconds until the next tick is of use: fewer where services are at work."""
        return BUSY_TICK_S if self._is_busy else TICK_S

    def tick(self) -> bool:
        """Look at all builds once, and go on with those that can.

        For a service with a loop of its own: call it every half minute or so, from
        one thread; it returns whether builds are left that wait. ``outcome`` says
        what became of all so far.

        :raises: CloudError where the builds cannot be listed
        """
        found, unreadable = record_store.read_all(self._api, Status.BUILDING)
        records = [build for build in found if self._only(build)]
        self._forget_tried_again(records)
        mine = [r for r in records if r.id not in self.outcome.failed]
        held = _newest(images.tagged(self._api, PART_TAG, hidden=True))
        at_work = {build.id for build in found}.union(unreadable)
        left = held.keys() - at_work - self.outcome.failed.keys() - self._unknown
        for build_id in sorted(left)[:MOST_ENDED]:
            self._end(build_id, held[build_id])
        self.outcome.waiting, self.outcome.driven_by_others = [], []
        self._is_busy = False
        if not mine:
            return False
        running = {s.name: s for s in servers.tagged(self._api, PART_TAG)}
        for build in mine:
            owner = held.get(build.id)
            if owner and lease.is_alive(self._api, owner, build.updated_at):
                self.outcome.driven_by_others.append(build.id)
            elif self._is_quiet(build, running, len(mine)):
                self.outcome.waiting.append(build.id)
            else:
                self._go_on(build)
                # What waits for a guest is seen by its server, and looked at seldom.
                self._is_busy |= not _waits_for_a_guest(build)
        return bool(self.outcome.waiting)

    def _forget_tried_again(self, records: Iterable[Record]) -> None:
        """Forget failures of builds that somebody has tried again since."""
        for build in records:
            failed_at = self._failed_at.get(build.id, build.updated_at)
            if build.status == Status.BUILDING and failed_at < build.updated_at:
                self.outcome.failed.pop(build.id, None)

    def _end(self, build_id: str, owner: Image) -> None:
        """Tidy up after a client that died at its build's end, before it removed the lease."""
        try:
            build = record_store.load(self._api, build_id)
        except RecordError:
            self._unknown.add(build_id)  # an orphan's, or another version's
            return
        if not self._only(build):
            self._unknown.add(build_id)
            return
        if not build.is_over:
            return  # the list of those at work lags
        if lease.is_alive(self._api, owner, build.updated_at):
            return
        try:
            self._tidy(build)
        except InstallError:
            self._unknown.add(build_id)  # that it failed is known
        except DrivenError:
            return  # somebody is at it
        except ImageBuildError as error:
            self.outcome.failed[build.id] = error.message
        except Exception as error:
            self._note_mistake(build, error)

    def _note_mistake(self, build: Record, error: Exception) -> None:
        """Note a mistake of this tool's, or of a listener's: it stops one build alone."""
        LOG.debug("build %s", build.id, exc_info=error)
        self.outcome.failed[build.id] = f"a mistake of this tool: {error!r:.300}"
        self._failed_at[build.id] = self._api.now()

    def _is_quiet(
        self, build: Record, running: Mapping[str, Server], count: int
    ) -> bool:
        """Whether its guest is at work, and was looked at not long ago."""
        # These steps are named as the servers that they watch.
        if not _waits_for_a_guest(build):
            return False
        server = running.get(resource_name(build.id, build.step))
        if server is None or server.status not in ("ACTIVE", "BUILD") or server.is_off:
            return False
        every = max(LOOK_EVERY_S, LOOK_SPACING_S * count)
        return self._api.now() - build.updated_at < every

    def _go_on(self, build: Record) -> None:
        try:
            if self._advance(build).status == Status.COMPLETE:
                self.outcome.complete.append(build.id)
            else:
                self.outcome.waiting.append(build.id)
        except DrivenError:
            # Somebody was quicker; should they die, its turn comes again.
            self.outcome.driven_by_others.append(build.id)
        except ImageBuildError as error:
            # One build's failure must not keep the others from going on.
            self.outcome.failed[build.id] = error.message
            self._failed_at[build.id] = self._api.now()
        except Exception as error:
            self._note_mistake(build, error)


def _waits_for_a_guest(build: Record) -> bool:
    """Whether a build is in a step in which nothing is done but to look at its guest."""
    return build.step == Role.INSTALL or bool(boot_number(build.step, Role.VERIFY))


def _newest(parts: list[Image]) -> dict[str, Image]:
    """The newest lease of each build among all parts of all builds."""
    newest: dict[str, Image] = {}
    for image in sorted(parts, key=lease.generation):
        build_id = lease.build_of(image)
        if build_id:
            newest[build_id] = image
    return newest
