"""Build what is outdated of many templates, some at a time, in one process.

All that is wrong with any of them is found first, before anything is written. What a
client began that died is a build like any other: the next one goes on with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from osc_imagebuild.builds.copies import Copied
from osc_imagebuild.builds.fleet import TICK_S, Fleet, every
from osc_imagebuild.builds.record import Record
from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import ImageBuildError, SpecError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.freshness import Freshness
from osc_imagebuild.model.names import Status
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.plan import Plan
from osc_imagebuild.planning.spec_builder import family_name


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


@dataclass(frozen=True)
class Task:
    """What is to be done for a template, and why; ``build_id`` is of what is resumed."""

    wish: Wish
    family: str
    to_do: ToDo
    reason: str
    image_id: str = ""
    build_id: str = ""


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

    ``reason`` is why it failed, or why nothing was done; it may be a `Message`.
    """

    task: Task
    end: End
    build_id: str = ""
    image_id: str = ""
    reason: str = ""

    @property
    def is_failed(self) -> bool:
        """Whether the template has no new image although it was to have one."""
        return self.end in (End.FAILED, End.CANCELLED)


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

    def copy(
        self, image: str, copy_to: Sequence[Copy], *, verify: bool = False
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
    problems = _rivals(wishes)
    running = {
        build.spec.result.family: build
        for build in library.unfinished()
        if build.spec.result.family
    }
    tasks: list[Task] = []
    for wish in wishes:
        try:
            tasks.append(_task(library, wish, running, max_age_s))
        except SpecError as error:
            problems += (_told(wish, problem) for problem in error.problems)
    if problems:
        raise SpecError(tuple(problems))
    return tasks


def _told(wish: Wish, problem: str) -> str:
    named = f"{wish.label}:" in problem
    return problem if named else f"{wish.label}: {problem}"


def _rivals(wishes: Sequence[Wish]) -> list[str]:
    """Return which templates would take each other's name, or push each other out."""
    problems = []
    seen: dict[tuple[str, str], Wish] = {}
    for wish in wishes:
        family = family_name(wish.request)
        for key in (("family", family), ("name", wish.request.name)):
            other = seen.setdefault(key, wish)
            if other is not wish:
                problems.append(
                    f"{wish.label} and {other.label} make images of one {key[0]}, "
                    f"{key[1]}: give one of them another"
                )
                break
    return problems


def _task(
    library: Library,
    wish: Wish,
    running: dict[str, Record],
    max_age_s: int | None,
) -> Task:
    family = family_name(wish.request)
    if build := running.get(family):
        why = f"a build of the family is in step {build.step or 'one'}"
        return Task(wish, family, ToDo.RESUME, why, build_id=build.id)
    found = library.outdated(wish.request, max_age_s=max_age_s, catalog=wish.catalog)
    image_id = found.current.id if found.current else ""
    if not found.is_outdated:
        wanted = wish.request.copies
        missing = library.missing_copies(image_id, wanted) if wanted else ()
        if missing:
            return Task(wish, family, ToDo.COPY, _missing(missing), image_id)
        return Task(wish, family, ToDo.NOTHING, found.reason, image_id)
    # Made again when its turn comes: mirrors and addresses do not wait for it.
    library.plan(wish.request, wish.catalog)
    return Task(wish, family, ToDo.BUILD, found.reason, image_id)


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

    def run(self, tasks: Sequence[Task], *, wait: bool = True) -> Iterator[Applied]:
        """Do the tasks; yield what became of each as soon as it is known.

        A task that fails keeps no other from being done. Without ``wait`` nothing is
        waited for once installers run, and what is too much at a time is postponed.

        :raises: CloudError where the builds cannot be listed
        """
        waiting: list[Task] = []
        for task in tasks:
            if task.to_do == ToDo.NOTHING:
                yield Applied(task, End.UNCHANGED, "", task.image_id, task.reason)
            elif task.to_do == ToDo.COPY:
                yield self._copy(task)
            else:
                waiting.append(task)
        fleet = self._library.fleet(lambda build: build.id in self._running)
        while waiting or self._running:
            while waiting and len(self._running) < self._most:
                yield from self._begin(waiting.pop(0))
            if not wait:
                yield from self._leave(waiting)
                return
            fleet.tick()
            yield from self._ended(fleet)
            if self._running:
                self._clock.sleep(TICK_S)

    def _copy(self, task: Task) -> Applied:
        """Make the copies that are missing."""
        try:
            made = self._library.copy(task.image_id, task.wish.request.copies)
        except ImageBuildError as error:
            return Applied(task, End.FAILED, "", task.image_id, error.message)
        failed = [copied for copied in made if copied.trouble]
        end = End.FAILED if failed else End.COPIED
        return Applied(task, end, "", task.image_id, _missing(failed))

    def _begin(self, task: Task) -> Iterator[Applied]:
        """Begin a task; what is over at once is yielded."""
        if task.to_do == ToDo.RESUME:
            self._go(task)
            return
        try:
            plan = self._library.plan(task.wish.request, task.wish.catalog)
            task = replace(task, build_id=plan.build_id)
            self._go(task)
            self._library.start(plan, wait=False)
        except ImageBuildError as error:
            self._running.pop(task.build_id, None)
            yield Applied(task, End.FAILED, task.build_id, "", error.message)

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
        except ImageBuildError as error:
            return Applied(task, End.FAILED, task.build_id, "", error.message)
        ends = {
            Status.COMPLETE: End.COMPLETE,
            Status.FAILED: End.FAILED,
            Status.CANCELLED: End.CANCELLED,
        }
        if build.status not in ends:
            return None
        end = ends[build.status]
        return Applied(task, end, build.id, build.result_id, build.reason)

    def _leave(self, waiting: Sequence[Task]) -> Iterator[Applied]:
        for task in self._running.values():
            yield Applied(task, End.WAITING, task.build_id)
        self._running.clear()
        why = "as many builds as may be at a time are under way"
        for task in waiting:
            yield Applied(task, End.POSTPONED, "", task.image_id, why)
