"""What a stage of planning came to: a value, notes, warnings and problems. Pure."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, ParamSpec, TypeVar

from osc_imagebuild.errors import SpecError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")


@dataclass(frozen=True)
class Stage(Generic[T_co]):
    """The result of one stage.

    ``value`` is None where the stage could not come to one, which ``problems`` explain.
    ``notes`` are lines on what was chosen for the user, ``warnings`` on what could not
    be checked from here.
    """

    value: T_co | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def after(self, *earlier: Stage[object]) -> Stage[T_co]:
        """Return this stage with what was noted in stages that it is made of."""
        return replace(
            self,
            notes=sum((s.notes for s in earlier), ()) + self.notes,
            warnings=sum((s.warnings for s in earlier), ()) + self.warnings,
            problems=sum((s.problems for s in earlier), ()) + self.problems,
        )


def stage(function: Callable[P, Stage[T]]) -> Callable[P, Stage[T]]:
    """Make a stage of ``function``: what it raises as SpecError is its problems."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Stage[T]:
        try:
            return function(*args, **kwargs)
        except SpecError as error:
            return Stage(problems=error.problems)

    return run


def chosen(choice: tuple[T, str]) -> Stage[T]:
    """Return what `osc_imagebuild.planning.selection` chose, as a stage."""
    value, note = choice
    return Stage(value, notes=(note,) if note else ())
