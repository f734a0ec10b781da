"""Begin builds, and drive them to their ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from osc_imagebuild import retry as retries
from osc_imagebuild.builder.looking import Looking
from osc_imagebuild.builds import (
    lease,
    record_store,
)
from osc_imagebuild.builds.advice import about, advised, creating
from osc_imagebuild.builds.fleet import Fleet, Outcome, every
from osc_imagebuild.builds.record import Record
from osc_imagebuild.builds.teardown import teardown
from osc_imagebuild.engine.events import Event, EventKind
from osc_imagebuild.engine.loop import ANY_STEP, Engine
from osc_imagebuild.errors import (
    ImageBuildError,
    InstallError,
    RecordError,
    Verb,
)
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.names import Role, Status
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.plan import Plan, make_plan


class Driving(Looking):
    """Begins and drives builds."""

    def plan(self, request: Request, catalog: Catalog | None = None) -> Plan:
        """Resolve and check a request; nothing is written.

        ``catalog`` is one that knows the system, None for the builder's own.

        :raises: SpecError naming all that is wrong, CloudError
        """
        return make_plan(
            self.api,
            catalog or self.catalog,
            request,
            self.door.typed(),
            self.clouds,
        )

    def create(self, request: Request, *, wait: bool = True) -> Record:
        """Build an image, to its end or until the installer runs.

        :raises: SpecError before anything is written, InstallError where the
            build failed, CloudError
        """
        return self.start(self.plan(request), wait=wait)

    def start(self, plan: Plan, *, wait: bool = True) -> Record:
        """Build what was planned.

        :raises: as `create`
        """
        _ = self.door  # a mistake in what is allowed is told before anything is made
        with creating(plan.build_id):
            build = record_store.create(self.api, plan.build_id, plan.spec, plan.texts)
        self.listener(
            Event(
                EventKind.CREATED, build.id, "", build.spec.result.name, self.api.now()
            )
        )
        return self._drive(build, until="" if wait else Role.INSTALL)

    def resume(self, build: str, *, wait: bool = True) -> Record:
        """Drive a build to its end, wherever its last client stopped.

        :raises: RecordError where another client drives it, InstallError
            where it failed, CloudError
        """
        build_record = self.find(build)
        with about(build_record.id):
            if build_record.status == Status.CANCELLED:
                teardown(self.api, build_record.id)
            if build_record.is_over and build_record.status != Status.FAILED:
                # Its last client may have died before it let go.
                lease.clear(self.api, build_record.id)
                return build_record
        return self._drive(build_record, until="" if wait else Role.INSTALL)

    def retry(
        self,
        build: str,
        start: str | None = None,
        *,
        flavor: str | None = None,
        availability_zone: str | None = None,
        wait: bool = True,
    ) -> Record:
        """Try a failed build again, under the same ID.

        It goes on from step ``start``: 'verify', 'harvest' or 'install', by default
        the furthest of `retry_points`. Flavor and zone are for what is done again.

        :raises: SpecError where it cannot go on from there or on such hardware,
            RecordError where it has not failed or another client drives it,
            InstallError where it fails again, CloudError
        """
        hardware = retries.Hardware(flavor, availability_zone)
        build_record = self.find(build)
        retries.require_failed(build_record)
        with advised(build_record.id, Verb.RETRY):
            held = lease.take(self.api, build_record.id)
            try:
                build_record = retries.prepare(self.api, held, start, hardware)
            except BaseException:
                held.release()
                raise
        text = build_record.spec.result.name
        self.listener(
            Event(EventKind.CREATED, build_record.id, "", text, self.api.now())
        )
        return self._drive(build_record, until="" if wait else Role.INSTALL, held=held)

    def resume_all(self, *, once: bool = False) -> Outcome:
        """Drive every unfinished build of the project that nobody drives.

        Until none is left, or with ``once`` as far as each can go now; what is left of
        those whose client died at their end goes too. What fails is in the outcome,
        and does not keep the others from going on.

        :raises: CloudError where the builds cannot be listed
        """
        return self._fleet(every, takes_pictures=not once).run(once=once)

    def fleet(self, only: Callable[[Record], bool] = every) -> Fleet:
        """Return builds of the project, for a service that calls its `Fleet.tick`.

        That is all of them, or those that ``only`` says.
        """
        return self._fleet(only, takes_pictures=True)

    def _fleet(self, only: Callable[[Record], bool], *, takes_pictures: bool) -> Fleet:
        """Return builds of the project; who looks only once has no use for pictures."""
        return Fleet(
            self.api,
            lambda build: self._drive(
                build, until=ANY_STEP, takes_pictures=takes_pictures
            ),
            lambda build: self.resume(build.id),
            only,
        )

    def _drive(
        self,
        build: Record,
        until: str,
        held: lease.Lease | None = None,
        *,
        takes_pictures: bool = True,
    ) -> Record:
        with advised(build.id):
            held = held or lease.take(self.api, build.id)
            engine: Engine | None = None
            try:
                # What the last owner wrote before it lost the lease counts.
                fresh, texts = record_store.reload(self.api, build.id)
                if fresh.is_over and fresh.status != Status.FAILED:
                    held.release()  # cancelled by one who could take no lease
                    return fresh
                engine = Engine(
                    self.api,
                    held,
                    fresh,
                    texts,
                    self.listener,
                    self.on_console,
                    self.door.typed() if fresh.is_own else self.door,
                    self._clouds_of(fresh),
                    self._album(fresh.id) if takes_pictures else None,
                )
                with _placed(engine):
                    driven = engine.drive(until=until)
                if driven.is_over:
                    self._albums.pop(build.id, None)
                else:
                    engine.write_progress()
                held.release()
                return driven
            except InstallError:
                raise  # the engine let go of it
            except RecordError:
                if engine is None:  # damaged: nobody can drive it
                    held.release()
                raise
            except (KeyboardInterrupt, SystemExit, Exception):
                # A listener's errors are no less a reason than the cloud's.
                _let_go(engine, held)
                raise


@contextmanager
def _placed(engine: Engine) -> Iterator[None]:
    """Say in which step an error met a build."""
    try:
        yield
    except ImageBuildError as error:
        error.step = error.step or engine.step
        raise


def _let_go(engine: Engine | None, held: lease.Lease) -> None:
    """Leave a build so that another client can go on at once."""
    try:
        if engine is not None:
            engine.write_progress()
        held.release()
    except (ImageBuildError, KeyboardInterrupt):
        # The lease runs out by itself; the interrupt is what counts now.
        return
