"""Build what is outdated of many templates, some at a time, in one process.

All that is wrong with any of them is found first, before anything is written. What a
client began that died is a build like any other: the next one goes on with it. A template
that changes the image of another one, its parent, comes after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from osc_imagebuild.builds.fleet import TICK_S, Fleet, every
from osc_imagebuild.builds.record import Record
from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import ImageBuildError, SpecError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.freshness import Freshness
from osc_imagebuild.model.names import Status
from osc_imagebuild.model.request import Request
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
    NOTHING = "nothing"


@dataclass(frozen=True)
class Task:
    """What is to be done for a template, and why; ``build_id`` is of what is resumed.

    ``after`` is the label of the template whose new image this one changes, '' where it
    changes none, or one that stays as it is.
    """

    wish: Wish
    family: str
    to_do: ToDo
    reason: str
    image_id: str = ""
    build_id: str = ""
    after: str = ""


class End(StrEnum):
    """What became of a task."""

    UNCHANGED = "unchanged"
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
    problems = order.rivals(labels, requests)
    running = {
        build.spec.result.family: build
        for build in library.unfinished()
        if build.spec.result.family
    }
    parents = order.parents(requests)
    problems += order.rings(labels, parents)
    tasks: dict[int, Task] = {}
    for number in order.parents_first(len(wishes), parents):
        wish, parent = wishes[number], tasks.get(parents.get(number, -1))
        try:
            tasks[number] = _task(library, wish, running, max_age_s, parent)
        except SpecError as error:
            problems += (_told(wish, problem) for problem in error.problems)
    if problems:
        raise SpecError(tuple(problems))
    return [tasks[number] for number in range(len(wishes))]


def _told(wish: Wish, problem: str) -> str:
    named = f"{wish.label}:" in problem
    return problem if named else f"{wish.label}: {problem}"


def _task(
    library: Library,
    wish: Wish,
    running: dict[str, Record],
    max_age_s: int | None,
    parent: Task | None,
) -> Task:
    family = family_name(wish.request)
    if build := running.get(family):
        why = f"a build of the family is in step {build.step or 'one'}"
        return Task(wish, family, ToDo.RESUME, why, build_id=build.id)
    after = parent.wish.label if parent and parent.to_do != ToDo.NOTHING else ""
    if parent and after and not parent.image_id:
        # What is wrong with it can only be told once its parent is there.
        return Task(wish, family, ToDo.BUILD, ANEW, after=after)
    found = library.outdated(wish.request, max_age_s=max_age_s, catalog=wish.catalog)
    image_id = found.current.id if found.current else ""
    if not after and not found.is_outdated:
        return Task(wish, family, ToDo.NOTHING, found.reason, image_id)
    # Made again when its turn comes: mirrors and addresses do not wait for it.
    library.plan(wish.request, wish.catalog)
    reason = ANEW if after else found.reason
    return Task(wish, family, ToDo.BUILD, reason, image_id, after=after)


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
        self._over: dict[str, Applied] = {}

    def run(self, tasks: Sequence[Task], *, wait: bool = True) -> Iterator[Applied]:
        """Do the tasks; yield what became of each as soon as it is known.

        A task that fails keeps no other from being done but those that change its image.
        Without ``wait`` nothing is
        waited for once installers run, and what is too much at a time is postponed.

        :raises: CloudError where the builds cannot be listed
        """
        for applied in self._run(tasks, wait):
            self._over[applied.task.wish.label] = applied
            yield applied

    def _run(self, tasks: Sequence[Task], wait: bool) -> Iterator[Applied]:
        for task in tasks:
            if task.to_do == ToDo.NOTHING:
                yield Applied(task, End.UNCHANGED, "", task.image_id, task.reason)
        waiting = [task for task in tasks if task.to_do != ToDo.NOTHING]
        fleet = self._library.fleet(lambda build: build.id in self._running)
        while waiting or self._running:
            while len(self._running) < self._most and (ready := self._next(waiting)):
                waiting.remove(ready)
                yield from self._begin(ready)
            if not wait:
                yield from self._leave(waiting)
                return
            fleet.tick()
            yield from self._ended(fleet)
            if self._running:
                self._clock.sleep(TICK_S)

    def _next(self, waiting: Sequence[Task]) -> Task | None:
        """Return the first task that waits for no other, None where all do."""
        over = (t for t in waiting if not t.after or t.after in self._over)
        return next(over, None)

    def _begin(self, task: Task) -> Iterator[Applied]:
        """Begin a task; what is over at once is yielded."""
        if task.to_do == ToDo.RESUME:
            self._go(task)
            return
        if task.after and self._over[task.after].end != End.COMPLETE:
            why = f"its parent has no new image to change, see {task.after}"
            yield Applied(task, End.FAILED, reason=why)
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
            reason = "its parent is not built yet" if task.after else why
            yield Applied(task, End.POSTPONED, "", task.image_id, reason)
