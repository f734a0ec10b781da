"""Find what is to be done for many templates; nothing is written.

All that is wrong with any of them is found before anything is done. What a client began
that died is a build like any other: the next one goes on with it. A template that changes
the image of another one, its parent, comes after that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import ImageBuildError, SpecError
from osc_imagebuild.planning.spec_builder import family_name
from osc_imagebuild.upkeep import lacking, order
from osc_imagebuild.upkeep.library import Library
from osc_imagebuild.upkeep.tasks import Looked, Task, ToDo, Wish

# Builds that are under way, by their family and output.
Running = Mapping[tuple[str, str], Record]


def look(
    library: Library, wishes: Sequence[Wish], *, max_age_s: int | None = None
) -> list[Looked]:
    """Return how fresh each template's image is.

    A template that changes the image of another one which is to be built is to be built
    too. What is wrong with one keeps none from being looked at.

    :raises: CloudError
    """
    parents = order.parents([wish.request for wish in wishes])
    found: dict[int, Looked] = {}
    for number in order.parents_first(len(wishes), parents):
        wish, parent = wishes[number], found.get(parents.get(number, -1))
        known = parent.freshness if parent else None
        try:
            freshness = library.outdated(
                wish.request,
                max_age_s=max_age_s,
                catalog=wish.catalog,
                parent_anew=known is not None and known.is_outdated,
            )
            found[number] = Looked(wish, freshness)
        except SpecError as error:
            found[number] = Looked(wish, error=error)
    return [found[number] for number in range(len(wishes))]


def survey(
    library: Library, wishes: Sequence[Wish], *, max_age_s: int | None = None
) -> list[Task]:
    """Return what is to be done for each template.

    ``max_age_s`` is how old an image may be, None for any age.

    :raises: SpecError naming all that is wrong with all of them, CloudError
    """
    labels = [wish.label for wish in wishes]
    requests = [wish.request for wish in wishes]
    parents = order.parents(requests)
    problems = order.rivals(labels, requests) + order.rings(labels, parents)
    under_way = running(library)
    tasks: dict[int, Task] = {}
    for number in order.parents_first(len(wishes), parents):
        wish, parent = wishes[number], tasks.get(parents.get(number, -1))
        try:
            task = find_task(library, wish, under_way, max_age_s, parent)
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


def running(library: Library) -> Running:
    """Return the builds that are under way.

    :raises: CloudError
    """
    return {
        (build.spec.result.family, build.spec.result.output): build
        for build in library.unfinished()
        if build.spec.result.family
    }


def find_task(
    library: Library,
    wish: Wish,
    under_way: Running,
    max_age_s: int | None,
    parent: Task | None = None,
) -> Task:
    """Return what is to be done for one template; ``parent`` is for the one before it.

    :raises: SpecError, CloudError
    """
    family = family_name(wish.request)
    if build := under_way.get((family, wish.request.output)):
        why = f"a build of the family is in step {build.step or 'one'}"
        return Task(
            wish, family, ToDo.RESUME, why, build_id=build.id, max_age_s=max_age_s
        )
    is_anew = parent is not None and parent.to_do in (ToDo.BUILD, ToDo.RESUME)
    found = library.outdated(
        wish.request,
        max_age_s=max_age_s,
        catalog=wish.catalog,
        parent_anew=is_anew,
    )
    current = found.current
    task = Task(
        wish,
        family,
        ToDo.BUILD,
        found.reason,
        image_id=current.id if current else "",
        warnings=found.warnings,
        max_age_s=max_age_s,
        after=parent.wish.label if parent and is_anew else "",
    )
    if current is None or found.is_outdated:
        return task
    return lacking.find(library, task, current)


def _lacks_parent(task: Task, parent: Task | None) -> bool:
    """Whether the image that it changes is still to come: then nobody can plan it."""
    return bool(task.after and parent and not parent.image_id)
