"""Build what is outdated of many templates, some at a time, in one process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace

from osc_imagebuild.builds.fleet import Fleet
from osc_imagebuild.builds.record import Record
from osc_imagebuild.clock import Clock, Patience
from osc_imagebuild.engine.loop import LONGEST_PAUSE_S, OUTAGE_LIMIT_S
from osc_imagebuild.errors import ImageBuildError, TransientError
from osc_imagebuild.model.names import Status
from osc_imagebuild.planning.plan import Plan
from osc_imagebuild.upkeep import lacking
from osc_imagebuild.upkeep.library import Library
from osc_imagebuild.upkeep.survey import (
    Running,
    find_task,
    running,
)
from osc_imagebuild.upkeep.tasks import Applied, End, Task, ToDo


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
        families = {(task.family, task.wish.request.output) for task in tasks}
        fleet = self._library.fleet(functools.partial(self._is_mine, families))
        if not waiting:
            self._tick(fleet)
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

    def _is_mine(self, families: Set[tuple[str, str]], build: Record) -> bool:
        """Whether a build is driven here, or may have been left at its very end."""
        result = build.spec.result
        is_left = build.is_over and (result.family, result.output) in families
        return is_left or build.id in self._running

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
        self._begun(task)
        return lacking.fill(self._library, task)

    def _begin_some(self, waiting: list[Task]) -> Iterator[Applied]:
        """Begin as many as may be at a time; what is over at once is yielded.

        What is refused while others are under way may only lack what these use: it is
        tried again once one of them is over.
        """
        under_way: Running | None = None
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
                under_way = running(self._library) if under_way is None else under_way
                now = find_task(self._library, task.wish, under_way, task.max_age_s)
                plan = None
                if now.to_do == ToDo.BUILD:
                    plan = self._library.plan(task.wish.request, task.wish.catalog)
            except ImageBuildError as error:
                if self._running:
                    waiting.insert(0, task)
                    return
                yield Applied(task, End.FAILED, "", "", error.message)
                continue
            yield from self._begin(now, plan)

    def _begin(self, task: Task, plan: Plan | None) -> Iterator[Applied]:
        """Begin a build as planned, or what is left to do where nothing was."""
        if task.to_do == ToDo.RESUME:
            self._go(task)
        elif task.to_do == ToDo.COPY:
            yield self._copy(task)
        elif plan is None:
            yield Applied(task, End.UNCHANGED, "", task.image_id, task.reason)
        else:
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
