"""The library: create builds, drive them, look at them, remove them."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from openstack.connection import Connection

from osc_imagebuild import retry as retries
from osc_imagebuild.builds import (
    cancel_delete,
    console_log,
    copies,
    copying_anew,
    families,
    lease,
    manifests,
    orphans,
    pruning,
    record,
    record_store,
    stores,
)
from osc_imagebuild.builds.advice import about, advised, creating
from osc_imagebuild.builds.copies import Copied
from osc_imagebuild.builds.families import Family
from osc_imagebuild.builds.fleet import Fleet, Outcome, every
from osc_imagebuild.builds.orphans import Orphan
from osc_imagebuild.builds.pruning import Pruned
from osc_imagebuild.builds.record import Record
from osc_imagebuild.builds.teardown import teardown
from osc_imagebuild.clock import Clock
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import NO_CLOUDS, Clouds, Connect, by_name
from osc_imagebuild.engine import retry_points
from osc_imagebuild.engine.events import ConsoleListener, Event, EventKind, Listener
from osc_imagebuild.engine.loop import ANY_STEP, Engine
from osc_imagebuild.errors import (
    CloudError,
    ImageBuildError,
    InstallError,
    Message,
    NextStep,
    RecordError,
    SpecError,
    Verb,
    because,
)
from osc_imagebuild.guests import answers
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.media import web_policy
from osc_imagebuild.media.door import Door
from osc_imagebuild.model import family
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.copies import parse as parse_copy
from osc_imagebuild.model.copies import problem as copy_problem
from osc_imagebuild.model.freshness import Freshness
from osc_imagebuild.model.manifest import Manifest
from osc_imagebuild.model.names import Role, Status
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Rotation
from osc_imagebuild.planning import copies as planned_copies
from osc_imagebuild.planning.freshness import find_freshness
from osc_imagebuild.planning.plan import Plan, make_plan
from osc_imagebuild.reports import difference
from osc_imagebuild.reports.difference import Difference
from osc_imagebuild.upkeep import apply
from osc_imagebuild.upkeep.apply import Applied, Task, Wish


def _silent(event: Event) -> None:
    """The listener of somebody who does not listen."""


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


@dataclass(frozen=True)
class Refreshed:
    """What `Builder.create_if_changed` found, and the build that it made of it.

    ``build`` is None where nothing had changed: ``freshness.current`` is the image then.
    """

    freshness: Freshness
    build: Record | None = None


class Builder:
    """Builds images in the project that ``connection`` is for.

    ``listener`` is called with an `Event` for each step and each look; ``on_console``,
    if given, with a build's ID, a server's role and its console, at each look.
    ``allowed_networks`` are such as 10.0.0.0/8, whose web servers records may name too,
    ``allowed_files`` ISOs of this machine that they may name. ``connect`` logs in to other
    clouds, to accept what is shared with their projects: by clouds.yaml, by default.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        listener: Listener | None = None,
        catalog: Catalog | None = None,
        clock: Clock | None = None,
        on_console: ConsoleListener | None = None,
        allowed_networks: Sequence[str] = (),
        allowed_files: Sequence[str] = (),
        connect: Connect = by_name,
    ) -> None:
        self.on_console = on_console
        self._allowed_networks = allowed_networks
        self._allowed_files = tuple(allowed_files)
        self.api = Api(connection, clock)
        self.clouds = Clouds(connect, clock)
        if catalog is not None:
            self.catalog = catalog
        self.listener = listener or _silent

    @functools.cached_property
    def catalog(self) -> Catalog:
        """The catalogue: the given one, or else read from files when it is needed."""
        return Catalog()

    def allow_files(self, paths: Sequence[str]) -> None:
        """Let records name these files of this machine, as ``allowed_files`` does."""
        self._allowed_files += tuple(paths)
        self.__dict__.pop("door", None)

    @functools.cached_property
    def door(self) -> Door:
        """What leads to the web servers and files that a record names.

        :raises: SpecError where what is allowed, by the environment too, is no network
        """
        trust = web_policy.from_environment(
            None, self._allowed_networks, self._allowed_files
        )
        return Door(trust, firsts={})

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

    def outdated(
        self,
        request: Request,
        *,
        max_age_s: int | None = None,
        catalog: Catalog | None = None,
    ) -> Freshness:
        """Tell what changed since the newest result of a request's family was built.

        Nothing is written. ``max_age_s`` is how old a result may be, None for any age;
        ``catalog`` is as for `plan`.

        :raises: SpecError naming all that is wrong with the request, CloudError
        """
        door = self.door.typed()
        return find_freshness(
            self.api, catalog or self.catalog, request, door, max_age_s
        )

    def create_if_changed(
        self, request: Request, *, max_age_s: int | None = None, wait: bool = True
    ) -> Refreshed:
        """Build an image unless the newest one of its family is still the same.

        Nothing is written where it is.

        :raises: as `outdated` and `create`
        """
        freshness = self.outdated(request, max_age_s=max_age_s)
        if not freshness.is_outdated:
            return Refreshed(freshness)
        return Refreshed(freshness, self.create(request, wait=wait))

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

    def retry_points(self, build: Record) -> tuple[str, ...]:
        """Return the steps that a failed build can be tried again from.

        The furthest one first; none where it has not failed.

        :raises: CloudError
        """
        return retry_points.points(self.api, build)

    def resume_all(self, *, once: bool = False) -> Outcome:
        """Drive every unfinished build of the project that nobody drives.

        Until none is left, or with ``once`` as far as each can go now; what is left of
        those whose client died at their end goes too. What fails is in the outcome,
        and does not keep the others from going on.

        :raises: CloudError where the builds cannot be listed
        """
        return self.fleet().run(once=once)

    def fleet(self, only: Callable[[Record], bool] = every) -> Fleet:
        """Return builds of the project, for a service that calls its `Fleet.tick`.

        That is all of them, or those that ``only`` says.
        """
        return Fleet(
            self.api,
            lambda build: self._drive(build, until=ANY_STEP),
            lambda build: self.resume(build.id),
            only,
        )

    def unfinished(self) -> Sequence[Record]:
        """Return the builds of the project that are not over, newest first.

        :raises: CloudError
        """
        return [build for build in self.list().builds if not build.is_over]

    def survey(
        self, wishes: Sequence[Wish], *, max_age_s: int | None = None
    ) -> Sequence[Task]:
        """Return what is to be done for each of many templates; nothing is written.

        ``max_age_s`` is how old an image may be, None for any age.

        :raises: SpecError naming all that is wrong with all of them, CloudError
        """
        return apply.survey(self, wishes, max_age_s=max_age_s)

    def apply(
        self,
        tasks: Sequence[Task],
        *,
        most: int = 4,
        wait: bool = True,
        begun: Callable[[Task], None] = lambda task: None,
    ) -> Iterator[Applied]:
        """Do what `survey` returned; yield what became of each as soon as it is known.

        ``most`` builds are under way at a time. Without ``wait`` they are left once their
        installers run; ``begun`` is called with each task that has a build.

        :raises: CloudError where the builds cannot be listed
        """
        return apply.Apply(self, self.api.clock, most, begun).run(tasks, wait=wait)

    def _drive(
        self,
        build: Record,
        until: str,
        held: lease.Lease | None = None,
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
                )
                with _placed(engine):
                    driven = engine.drive(until=until)
                if not driven.is_over:
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

    def copy(
        self,
        image: str,
        copy_to: str | Sequence[str | Copy] = (),
        *,
        verify: bool = False,
        rotation: Rotation | None = None,
    ) -> Sequence[Copied]:
        """Copy a finished image to other clouds, or mend copies that failed.

        ``image`` is its ID or its build's, or the name of its family. ``copy_to`` are
        clouds of clouds.yaml, such as 'cloud/region'; by default those that its build
        wanted. A cloud that has the image already keeps it. What could not be copied is
        told in what is returned. Older images there give their name away as ``rotation``
        says, by default as the build wanted.

        :raises: SpecError where a cloud cannot be meant, RecordError where there is no
            such image or its build is not over, CloudError
        """
        words = (copy_to,) if isinstance(copy_to, str) else copy_to
        wanted = [
            parse_copy(word, verify=verify) if isinstance(word, str) else word
            for word in dict.fromkeys(words)
        ]
        problems = [wrong for copy in wanted if (wrong := copy_problem(copy))]
        if problems:
            raise SpecError(problems)
        source = copying_anew.find_image(self.api, image)

        build_id = source.properties[family.BUILD_ID]

        def tell(kind: EventKind, copy: Copy, text: str) -> None:
            said = f"copy to {copy.target}: {text}"
            self.listener(Event(kind, build_id, "copies", said, self.api.now()))

        size = source.min_disk_gib, source.min_ram_mib
        placed = [planned_copies.placed(self.clouds, copy, *size) for copy in wanted]

        def texts() -> tuple[tuple[str, str], int]:
            said = source.properties
            entry = self.catalog.entry(said.get("imagebuild_os", ""))
            arch = said.get("architecture", "x86_64")
            spoken = answers.verification(entry, arch, build_id)
            return spoken, 60 * int(entry.verify.get("timeout_min", 30))

        return copying_anew.copy_image(
            self.api,
            self.clouds,
            source,
            placed,
            functools.partial(tell, EventKind.NOTE),
            texts,
            functools.partial(tell, EventKind.WAIT),
            rotation,
        )

    def missing_copies(
        self, image: str, copies_wanted: Sequence[Copy]
    ) -> Sequence[Copied]:
        """Return those copies of a finished image that are not there, with the reasons.

        :raises: RecordError where there is no such image, CloudError
        """
        source = copying_anew.find_image(self.api, image)
        return copies.missing(self.clouds, source, copies_wanted)

    def missing_stores(
        self, image: str, stores_wanted: Sequence[str], *, every: bool = False
    ) -> Sequence[str]:
        """Return which of some stores, or of ``every`` one, lack an image's data.

        :raises: CloudError
        """
        return stores.missing(self.api, image, stores_wanted, every=every)

    def copy_to_stores(self, image: str, stores_wanted: Sequence[str]) -> str:
        """Have Glance copy an image's data to more stores; return what failed, or ''.

        :raises: TransientError
        """
        return stores.fill(self.api, image, stores_wanted)

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

    def cancel(self, build: str) -> Record:
        """Stop a build and remove what it made; its record stays.

        A client that drives it stops before its next change. A complete build
        is left as it is; a failed one stays failed.

        :raises: RecordError, CloudError
        """
        build_record = self.find(build)
        with about(build_record.id):
            clouds = self._clouds_of(build_record)
            return cancel_delete.cancel(self.api, build_record, clouds)

    def delete(self, build: str, *, with_image: bool = False) -> None:
        """Remove a build: what it left and its record. Needs only the ID.

        The finished image stays unless ``with_image``.

        :raises: RecordError where a name is unknown or ambiguous, CloudError
        """
        build_id, made, known = self._identify(build)
        clouds = self._clouds_of(known) if known else NO_CLOUDS
        with about(build_id):
            results = made if with_image else ()
            cancel_delete.delete(self.api, build_id, results, known, clouds)

    def _clouds_of(self, build: Record) -> Clouds:
        """Return the clouds for a build: whoever writes a record chooses no login."""
        return self.clouds if build.is_own else NO_CLOUDS

    def _identify(self, build: str) -> tuple[str, tuple[str, ...], Record | None]:
        """ID, results and record of a build, even where the record cannot be read."""
        try:
            build_record = self.find(build)
        except RecordError as error:
            try:
                build_id = str(uuid.UUID(build))
            except ValueError:
                raise error from None  # it says which IDs there are
            image = images.find(self.api, build_id)
            if image is not None and images.is_foreign(self.api, image):
                raise
            result = record.result_of(image) if image else ""
            return build_id, (result,) if result else (), None
        return build_record.id, build_record.made, build_record

    def orphans(self) -> Sequence[Orphan]:
        """Return what belongs to builds whose records are gone.

        :raises: CloudError
        """
        return orphans.find_orphans(self.api)

    def delete_orphans(self, resources: Sequence[Orphan]) -> None:
        """Remove what `orphans` returned.

        :raises: CloudError naming all that could not be removed
        """
        refusals: list[CloudError] = []
        problems: list[Message] = []
        for orphan in resources:
            try:
                orphans.remove(self.api, orphan)
            except CloudError as error:
                refusals.append(error)
                what = f"{orphan.kind} {orphan.id} stays: "
                problems.append(Message(what, error.message))
        if refusals:
            raise because(refusals[0], Message.lines(problems)) from refusals[0]

    def families(self, kind: str = "image") -> Sequence[Family]:
        """Return the families that results of a kind are of, by their names.

        ``kind`` is 'image', 'volume' or 'snapshot'.

        :raises: SpecError where there is no such kind, CloudError
        """
        return families.all_families(self.api, kind)

    def family(self, name: str, kind: str = "image") -> Family:
        """Return one family, and the servers that use its results.

        :raises: SpecError where no result of that kind is of it, CloudError
        """
        return families.look(self.api, name, kind)

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

    def prune(
        self,
        family: str = "",
        *,
        kind: str = "image",
        keep: int = 3,
        older_than_s: int | None = None,
        everything: bool = False,
        records: bool = False,
        dry_run: bool = False,
    ) -> Iterator[Pruned]:
        """Delete older results that are too many; yield each as it is done.

        Of each family, or of ``family`` alone, the current result and the ``keep`` newest
        older ones stay, and so does what is younger than ``older_than_s``; also what no
        newer one has taken the name of, unless ``everything`` is to go. With ``records``
        go those of builds that are complete or cancelled, and with an age also those of
        failed ones. What stays for a reason is told, and keeps nothing else from going.

        :raises: SpecError where it is no number or kind, CloudError where a list cannot
            be had
        """
        wanted = pruning.Wanted(
            family=family,
            kind=kind,
            keep=keep,
            older_than_s=older_than_s,
            everything=everything,
            records=records,
            dry_run=dry_run,
        )
        return pruning.prune(self.api, wanted)

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


__all__ = ["Builder", "Listing", "Plan", "Request"]
