"""Build what is outdated of many templates, some at a time, in one process.

All that is wrong with any of them is found first, before anything is written. What a
client began that died is a build like any other: the next one goes on with it. A template
that changes the image of another one, its parent, comes after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from osc_imagebuild.builds.copies import Copied
from osc_imagebuild.builds.fleet import Fleet, every
from osc_imagebuild.builds.record import Record
from osc_imagebuild.clock import Clock, Patience
from osc_imagebuild.engine.loop import LONGEST_PAUSE_S, OUTAGE_LIMIT_S
from osc_imagebuild.errors import ImageBuildError, SpecError, TransientError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.family import BUILD_ID, Old, words
from osc_imagebuild.model.freshness import Freshness
from osc_imagebuild.model.names import Status
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Rotation
from osc_imagebuild.planning.plan import Plan
from osc_imagebuild.planning.spec_builder import family_name
from osc_imagebuild.upkeep import order

ANEW = "its parent is built anew"


@dataclass(frozen=True)
class Wish:
    """A template's image: ``label`` is how people know the template, a path as a rule.

    ``catalog`` is the one that knows its system, None for the library's own.
    """

    label: str
    request: Request
    catalog: Catalog | None = None


class ToDo(StrEnum):
    """What is to be done for a template."""

    BUILD = "build"
    RESUME = "resume"  # a build of the family is under way
    COPY = "copy"  # the image is fresh, and is not everywhere where it is to be
    NOTHING = "nothing"
    UNKNOWN = "unknown"  # the cloud does not tell


@dataclass(frozen=True)
class Task:
    """What is to be done for a template, and why.

    ``build_id`` is of the build that is resumed, or whose image is copied. ``warnings``
    are lines on what could not be found out. ``max_age_s`` is how old an image may be.
    ``after`` is the label of the template whose new image this one changes, '' where it
    changes none, or one that stays as it is.
    """

    wish: Wish
    family: str
    to_do: ToDo
    reason: str
    image_id: str = ""
    build_id: str = ""
    warnings: tuple[str, ...] = ()
    max_age_s: int | None = None
    after: str = ""


class End(StrEnum):
    """What became of a task."""

    UNCHANGED = "unchanged"
    COPIED = "copied"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    WAITING = "waiting"  # its installer runs, and nobody waits for it
    POSTPONED = "postponed"  # it was not begun


@dataclass(frozen=True)
class Applied:
    """What became of a template's image.

    ``reason`` is why it failed, or why nothing was done; of what is complete, which copy
    is missing. It may be a `Message`.
    """

    task: Task
    end: End
    build_id: str = ""
    image_id: str = ""
    reason: str = ""

    @property
    def is_failed(self) -> bool:
        """Whether the template has not got all that it was to have."""
        lacks = self.end == End.COMPLETE and bool(self.reason)
        return lacks or self.end in (End.FAILED, End.CANCELLED)


class Library(Protocol):
    """What is asked of the library: `osc_imagebuild.builder.Builder` offers it."""

    def outdated(
        self,
        request: Request,
        *,
        max_age_s: int | None = None,
        catalog: Catalog | None = None,
    ) -> Freshness: ...

    def plan(self, request: Request, catalog: Catalog | None = None) -> Plan: ...

    def start(self, plan: Plan, *, wait: bool = True) -> Record: ...

    def missing_copies(
        self, image: str, copies_wanted: Sequence[Copy]
    ) -> Sequence[Copied]: ...

    def missing_stores(
        self, image: str, stores_wanted: Sequence[str], *, every: bool = False
    ) -> Sequence[str]: ...

    def copy_to_stores(self, image: str, stores_wanted: Sequence[str]) -> str: ...

    def copy(
        self,
        image: str,
        copy_to: Sequence[Copy],
        *,
        verify: bool = False,
        rotation: Rotation | None = None,
    ) -> Sequence[Copied]: ...

    def unfinished(self) -> Sequence[Record]: ...

    def find(self, build: str) -> Record: ...

    def fleet(self, only: Callable[[Record], bool] = every) -> Fleet: ...


def survey(
    library: Library, wishes: Sequence[Wish], *, max_age_s: int | None = None
) -> list[Task]:
    """Return what is to be done for each template; nothing is written.

    ``max_age_s`` is how old an image may be, None for any age.

    :raises: SpecError naming all that is wrong with all of them, CloudError
    """
    labels = [wish.label for wish in wishes]
    requests = [wish.request for wish in wishes]
    parents = order.parents(requests)
    problems = order.rivals(labels, requests) + order.rings(labels, parents)
    running = _running(library)
    tasks: dict[int, Task] = {}
    for number in order.parents_first(len(wishes), parents):
        wish, parent = wishes[number], tasks.get(parents.get(number, -1))
        try:
            task = _task(library, wish, running, max_age_s, parent)
            if task.to_do == ToDo.BUILD and not _lacks_parent(task, parent):
                # Made again when its turn comes: mirrors and addresses do not wait for it.
                plan = library.plan(wish.request, wish.catalog)
                told = dict.fromkeys((*task.warnings, *plan.warnings))
                task = replace(task, warnings=tuple(told))
            tasks[number] = task
        except SpecError as error:
            problems += (_told(wish, problem) for problem in error.problems)
        except ImageBuildError as error:
            family = family_name(wish.request)
            tasks[number] = Task(wish, family, ToDo.UNKNOWN, error.message)
    if problems:
        raise SpecError(tuple(problems))
    return [tasks[number] for number in range(len(wishes))]


def _told(wish: Wish, problem: str) -> str:
    named = f"{wish.label}:" in problem
    return problem if named else f"{wish.label}: {problem}"


def _running(library: Library) -> dict[tuple[str, str], Record]:
    """Return the builds that are under way, by their family and output.

    :raises: CloudError
    """
    return {
        (build.spec.result.family, build.spec.result.output): build
        for build in library.unfinished()
        if build.spec.result.family
    }


def _task(
    library: Library,
    wish: Wish,
    running: Mapping[tuple[str, str], Record],
    max_age_s: int | None,
    parent: Task | None = None,
) -> Task:
    family = family_name(wish.request)
    if build := running.get((family, wish.request.output)):
        why = f"a build of the family is in step {build.step or 'one'}"
        return Task(
            wish, family, ToDo.RESUME, why, build_id=build.id, max_age_s=max_age_s
        )
    is_anew = parent is not None and parent.to_do in (ToDo.BUILD, ToDo.RESUME)
    after = parent.wish.label if parent and is_anew else ""
    task = Task(wish, family, ToDo.BUILD, ANEW, max_age_s=max_age_s, after=after)
    if _lacks_parent(task, parent):
        return task
    found = library.outdated(wish.request, max_age_s=max_age_s, catalog=wish.catalog)
    current = found.current
    task = replace(
        task,
        reason=ANEW if after else found.reason,
        image_id=current.id if current else "",
        warnings=found.warnings,
    )
    if current is None or found.is_outdated or after:
        return task
    wanted = wish.request.copies
    missing = library.missing_copies(current.id, wanted) if wanted else ()
    stores = _missing_stores(library, wish.request, current.id)
    if not (missing or stores):
        return replace(task, to_do=ToDo.NOTHING)
    build_id = words(current).get(BUILD_ID, "")
    lacking = [f"store {store} lacks it" for store in stores]
    why = "; ".join(filter(None, (_missing(missing), *lacking)))
    return replace(task, to_do=ToDo.COPY, reason=why, build_id=build_id)


def _missing_stores(library: Library, request: Request, image_id: str) -> Sequence[str]:
    """Return the stores that lack an image, of those that are to have it."""
    if not (request.stores or request.all_stores):
        return ()
    return library.missing_stores(image_id, request.stores, every=request.all_stores)


def _lacks_parent(task: Task, parent: Task | None) -> bool:
    """Whether the image that it changes is still to come: what is wrong nobody can tell."""
    return bool(task.after and parent and not parent.image_id)


def _missing(copies: Sequence[Copied]) -> str:
    """Return where copies are missing, and why."""
    return "; ".join(f"no copy in {c.copy.target}: {c.trouble}" for c in copies)


class Apply:
    """Does tasks, ``most`` builds at a time.

    ``begun`` is called with a task, which has the ID of its build by then.
    """

    def __init__(
        self,
        library: Library,
        clock: Clock,
        most: int = 4,
        begun: Callable[[Task], None] = lambda task: None,
    ) -> None:
        self._library = library
        self._clock = clock
        self._most = most
        self._begun = begun
        self._running: dict[str, Task] = {}
        self._away: Patience | None = None
        self._over: dict[str, Applied] = {}

    def run(self, tasks: Sequence[Task], *, wait: bool = True) -> Iterator[Applied]:
        """Do the tasks; yield what became of each as soon as it is known.

        A task that fails keeps no other from being done but those that change its image.
        Without ``wait`` nothing is waited for once installers run, and what is too much
        at a time is postponed.

        :raises: CloudError where the builds cannot be listed
        """
        for applied in self._run(tasks, wait):
            self._over[applied.task.wish.label] = applied
            yield applied

    def _run(self, tasks: Sequence[Task], wait: bool) -> Iterator[Applied]:
        for task in tasks:
            if task.to_do == ToDo.NOTHING:
                yield Applied(task, End.UNCHANGED, "", task.image_id, task.reason)
            elif task.to_do == ToDo.UNKNOWN:
                yield Applied(task, End.FAILED, "", "", task.reason)
        # What is under way goes on first; copies are made while installers run.
        labels = {task.wish.label for task in tasks}
        # Of a parent that is none of these tasks nobody would ever say that it is over.
        tasks = [t if t.after in labels else replace(t, after="") for t in tasks]
        waiting = [task for task in tasks if task.to_do == ToDo.RESUME]
        waiting += [task for task in tasks if task.to_do == ToDo.BUILD]
        copies = [task for task in tasks if task.to_do == ToDo.COPY]
        fleet = self._library.fleet(lambda build: build.id in self._running)
        while waiting or copies or self._running:
            yield from self._begin_some(waiting)
            if copies:
                yield self._copy(copies.pop(0))
            if self._running:
                self._tick(fleet)
                yield from self._ended(fleet)
            if not wait and not copies:
                yield from self._leave(waiting)
                return
            if self._running:
                self._clock.sleep(fleet.pause_s)

    def _tick(self, fleet: Fleet) -> None:
        """Look at the builds; a cloud that is away for a while is waited for.

        :raises: CloudError
        """
        try:
            fleet.tick()
            self._away = None
        except TransientError:
            self._away = self._away or Patience(self._clock, LONGEST_PAUSE_S)
            if self._away.look() > OUTAGE_LIMIT_S:
                raise

    def _copy(self, task: Task) -> Applied:
        """Make the copies that are missing, in stores and in other clouds."""
        request = task.wish.request
        rotation = Rotation(
            replace=request.replace, old=Old(request.old), keep=request.keep
        )
        self._begun(task)
        made: Sequence[Copied] = ()
        trouble = ""
        try:
            if stores := _missing_stores(self._library, request, task.image_id):
                trouble = self._library.copy_to_stores(task.image_id, stores)
            if request.copies:
                made = self._library.copy(
                    task.image_id, request.copies, rotation=rotation
                )
        except ImageBuildError as error:
            return Applied(
                task, End.FAILED, task.build_id, task.image_id, error.message
            )
        failed = [copied for copied in made if copied.trouble]
        why = "; ".join(filter(None, (_missing(failed), trouble)))
        end = End.FAILED if why else End.COPIED
        return Applied(task, end, task.build_id, task.image_id, why)

    def _begin_some(self, waiting: list[Task]) -> Iterator[Applied]:
        """Begin as many as may be at a time; what is over at once is yielded.

        What is refused while others are under way may only lack what these use: it is
        tried again once one of them is over.
        """
        while len(self._running) < self._most and (task := self._next(waiting)):
            waiting.remove(task)
            parent = self._over.get(task.after)
            if parent and parent.end in (End.FAILED, End.CANCELLED):
                why = f"its parent has no new image to change, see {task.after}"
                yield Applied(task, End.FAILED, reason=why)
                continue
            if task.to_do == ToDo.RESUME:
                self._go(task)
                continue
            try:
                # Another client may have begun, or ended, the same build meanwhile.
                running = _running(self._library)
                now = _task(self._library, task.wish, running, task.max_age_s)
                if now.to_do == ToDo.RESUME:
                    self._go(now)
                    continue
                if now.to_do != ToDo.BUILD:
                    yield Applied(task, End.UNCHANGED, "", now.image_id, now.reason)
                    continue
                plan = self._library.plan(task.wish.request, task.wish.catalog)
            except ImageBuildError as error:
                if self._running:
                    waiting.insert(0, task)
                    return
                yield Applied(task, End.FAILED, "", "", error.message)
                continue
            task = replace(task, build_id=plan.build_id)
            self._go(task)
            try:
                self._library.start(plan, wait=False)
            except ImageBuildError as error:
                del self._running[task.build_id]
                yield Applied(task, End.FAILED, task.build_id, "", error.message)

    def _next(self, waiting: Sequence[Task]) -> Task | None:
        """Return the first task that waits for no other, None where all do."""
        ready = (t for t in waiting if not t.after or t.after in self._over)
        return next(ready, None)

    def _go(self, task: Task) -> None:
        self._running[task.build_id] = task
        self._begun(task)

    def _ended(self, fleet: Fleet) -> Iterator[Applied]:
        """Yield what is over by now, whoever drove it to its end."""
        outcome = fleet.outcome
        busy = {*outcome.waiting, *outcome.driven_by_others}
        for build_id, task in list(self._running.items()):
            if build_id in outcome.failed:
                del self._running[build_id]
                reason = outcome.failed[build_id]
                yield Applied(task, End.FAILED, build_id, "", reason)
            elif build_id not in busy:
                applied = self._found(task)
                if applied is not None:
                    del self._running[build_id]
                    yield applied

    def _found(self, task: Task) -> Applied | None:
        """Return what became of a build that is in no list of those at work."""
        try:
            build = self._library.find(task.build_id)
        except TransientError:
            return None  # the next look tells
        except ImageBuildError as error:
            return Applied(task, End.FAILED, task.build_id, "", error.message)
        ends = {
            Status.COMPLETE: End.COMPLETE,
            Status.FAILED: End.FAILED,
            Status.CANCELLED: End.CANCELLED,
        }
        if build.status not in ends:
            return None
        end, reason = ends[build.status], build.reason
        if end == End.COMPLETE:
            lacking = [line for line in build.copies if ": failed: " in line]
            reason = "; ".join(lacking)
        return Applied(task, end, build.id, build.result_id, reason)

    def _leave(self, waiting: Sequence[Task]) -> Iterator[Applied]:
        for task in self._running.values():
            yield Applied(task, End.WAITING, task.build_id)
        self._running.clear()
        why = "as many builds as may be at a time are under way"
        for task in waiting:
            reason = "its parent is not built yet" if task.after else why
            yield Applied(task, End.POSTPONED, "", task.image_id, reason)
