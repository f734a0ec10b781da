"""Look at builds: find, show and list them, read their consoles."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from osc_imagebuild.builder.session import Session
from osc_imagebuild.builds import (
    console_log,
    lease,
    manifests,
    record_store,
)
from osc_imagebuild.builds.advice import about
from osc_imagebuild.builds.record import Record
from osc_imagebuild.engine import retry_points
from osc_imagebuild.errors import (
    Message,
    NextStep,
    RecordError,
    Verb,
)
from osc_imagebuild.model.manifest import Manifest
from osc_imagebuild.model.names import Status
from osc_imagebuild.reports import difference
from osc_imagebuild.reports.difference import Difference


@dataclass(frozen=True)
class Listing:
    """All builds of the project.

    ``unreadable`` are IDs of records that this version cannot read, ``errors`` say why.
    """

    builds: Sequence[Record]
    unreadable: Sequence[str]
    errors: Sequence[RecordError] = ()


@dataclass(frozen=True)
class State:
    """A build, and the client that drives it, '' where none does."""

    build: Record
    driven_by: str


@dataclass(frozen=True)
class Screenshot:
    """The screen of a build's server, as a PNG file."""

    build_id: str
    png: bytes = field(repr=False)


class Looking(Session):
    """Looks at builds."""

    def find(self, build: str) -> Record:
        """Return a build by its ID or its image's name, which may look like an ID.

        :raises: RecordError where there is none or more than one, CloudError
        """
        try:
            uuid.UUID(build)
        except ValueError:
            return self._find_by_name(build)
        try:
            return record_store.load(self.api, build)
        except record_store.NoRecordError as error:
            return self._find_by_name(build, error)

    def _find_by_name(self, name: str, unknown: RecordError | None = None) -> Record:
        named = [b for b in self.list().builds if b.spec.result.name == name]
        if len(named) == 1:
            return named[0]
        if not named:
            raise unknown or RecordError(
                f"there is no build of an image named {name!r}",
                resolution=Message("see: ", NextStep(Verb.LIST)),
            )
        ids = ", ".join(f"{b.id} ({b.status})" for b in named)
        raise RecordError(
            f"several builds made {name!r}", resolution=f"give one's ID: {ids}"
        )

    def show(self, build: str) -> State:
        """Return a build and who drives it.

        :raises: RecordError, CloudError
        """
        build_record = self.find(build)
        named = lease.leases(self.api, build_record.id)
        held = [image for image in named if lease.build_of(image) == build_record.id]
        return State(build_record, lease.owner(held[-1]) if held else "")

    def list(self, status: Status | None = None) -> Listing:
        """Return all builds of the project, or those in ``status``, newest first.

        :raises: CloudError
        """
        builds, errors = record_store.read_all(self.api, status)
        return Listing(builds, tuple(errors), tuple(errors.values()))

    def log(
        self, build: str, *, lines: int | None = None, raw: bool = False, kept: str = ""
    ) -> str:
        """Return the end of the console: live, from ``kept``, or from the record.

        :raises: RecordError, CloudError
        """
        build_record = self.find(build)
        text = (
            console_log.read(self.api, build_record)
            or kept
            or build_record.console_tail
        )
        return console_log.shown(text, lines, raw=raw)

    def follow(
        self, build: str, *, lines: int | None = None, raw: bool = False
    ) -> Iterator[str]:
        """Yield what the console says until the build ends.

        :raises: RecordError, CloudError
        """
        return console_log.follow(self.api, self.find(build), lines, raw=raw)

    def screenshot(self, build: str) -> Screenshot:
        """Return the screen of the build's server.

        :raises: ScreenError, RecordError, CloudError
        """
        build_record = self.find(build)
        with about(build_record.id):
            return Screenshot(
                build_record.id, console_log.screenshot(self.api, build_record)
            )

    def manifest(self, result: str) -> Manifest:
        """Return what the boot test of a result has found in it.

        ``result`` is its ID or its build's, or the name of its family or of an image.

        :raises: RecordError where nothing is known, CloudError
        """
        return manifests.find(self.api, result)

    def differences(self, before: str, after: str) -> Sequence[Difference]:
        """Return what differs between two results, named as for `manifest`.

        :raises: as `manifest`
        """
        old, new = self.manifest(before), self.manifest(after)
        said = manifests.said(self.api, old), manifests.said(self.api, new)
        return difference.between(old, new, *said)

    def retry_points(self, build: Record) -> tuple[str, ...]:
        """Return the steps that a failed build can be tried again from.

        The furthest one first; none where it has not failed.

        :raises: CloudError
        """
        return retry_points.points(self.api, build)

    def unfinished(self) -> Sequence[Record]:
        """Return the builds of the project that are not over, newest first.

        :raises: CloudError
        """
        return self.list(Status.BUILDING).builds
