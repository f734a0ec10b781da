"""Render templates in Jinja2's sandbox; an unknown name is an error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import filters
from osc_imagebuild.guests.entry import Entry

if TYPE_CHECKING:
    from jinja2 import Environment, Template

# What Python may say of an expression in a template.
_FAILURES = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


def file(entry: Entry, name: str | None, context: Mapping[str, Any]) -> str:
    """Return a template file of an entry rendered, '' for none.

    :raises: SpecError where it cannot be
    """
    import jinja2

    if not name:
        return ""
    try:
        return _environment(entry.directories).get_template(name).render(context)
    except (jinja2.TemplateError, *_FAILURES) as error:
        raise SpecError(f"template {name} of {entry.name} fails: {error}") from error


def text(entry: Entry, template: str, context: Mapping[str, Any]) -> str:
    """Return a template that is a line of an entry rendered.

    :raises: SpecError where it cannot be
    """
    import jinja2

    try:
        return _compiled(entry.directories, template).render(context)
    except (jinja2.TemplateError, *_FAILURES) as error:
        raise SpecError(
            f"{template!r:.60} of {entry.name} cannot be rendered: {error}"
        ) from error


@lru_cache(maxsize=512)
def _compiled(directories: tuple[Path, ...], template: str) -> Template:
    """A line of an entry, which is rendered again for each address and option."""
    return _environment(directories).from_string(template)


@lru_cache(maxsize=8)
def _environment(directories: tuple[Path, ...]) -> Environment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(d) for d in directories]),
        undefined=StrictUndefined,
        autoescape=lambda name: bool(name) and str(name).endswith(".xml.j2"),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters.FILTERS)
    return environment
