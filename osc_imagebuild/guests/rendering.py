"""Render templates in a sandbox that has bounds; an unknown name is an error."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osc_imagebuild.errors import SpecError, unread
from osc_imagebuild.guests import filters
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.media import local_files

if TYPE_CHECKING:
    from jinja2 import Environment, Template

BUILT_IN = Path(__file__).parent / "templates"
# What Python may say of an expression in a template.
_FAILURES = (
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
    MemoryError,
    OSError,
)
SIZE_LIMIT = 1 << 20


def file(entry: Entry, name: str | None, context: Mapping[str, Any]) -> str:
    """Return a template file of an entry rendered, '' for none.

    :raises: SpecError where it cannot be
    """
    import jinja2

    from osc_imagebuild.guests import sandbox

    if not name:
        return ""
    try:
        with sandbox.rendering():
            template = _environment(entry.directories).get_template(name)
            return template.render(context)
    except (jinja2.TemplateError, *_FAILURES) as error:
        raise SpecError(
            f"template {name} of {entry.name} fails: {_why(error)}"
        ) from error


def text(entry: Entry, template: str, context: Mapping[str, Any]) -> str:
    """Return a template that is a line of an entry rendered.

    :raises: SpecError where it cannot be
    """
    import jinja2

    from osc_imagebuild.guests import sandbox

    try:
        with sandbox.rendering():
            return _compiled(entry.directories, template).render(context)
    except (jinja2.TemplateError, *_FAILURES) as error:
        raise SpecError(
            f"{template!r:.60} of {entry.name} cannot be rendered: {_why(error)}"
        ) from error


def _why(error: Exception) -> str:
    """Return why a template failed: some errors of Python have no text of use."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error) or type(error).__name__


@lru_cache(maxsize=512)
def _compiled(directories: tuple[Path, ...], template: str) -> Template:
    """A line of an entry, which is rendered again for each address and option."""
    return _environment(directories).from_string(template)


@lru_cache(maxsize=8)
def _environment(directories: tuple[Path, ...]) -> Environment:
    from jinja2 import FunctionLoader, StrictUndefined

    from osc_imagebuild.guests import sandbox

    return sandbox.BoundedEnvironment(
        filters=filters.FILTERS,
        loader=FunctionLoader(partial(_source, directories)),
        undefined=StrictUndefined,
        autoescape=lambda name: bool(name) and str(name).endswith(".xml.j2"),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _source(
    directories: tuple[Path, ...], name: str
) -> tuple[str, str, Callable[[], bool]] | None:
    """Return a template's text, its path, and what tells whether that is still so.

    Where a directory is not this package's, what it has is somebody else's.

    :raises: SpecError where it is there, but cannot be read
    """
    from jinja2.loaders import split_template_path

    parts = split_template_path(name)
    for directory in directories:
        path = directory.joinpath(*parts)
        if os.path.lexists(path):
            inside = None if directory == BUILT_IN else local_files.fence(directory)
            age = _age(path)
            try:
                text = local_files.read(path, SIZE_LIMIT, inside).data.decode()
            except (OSError, ValueError) as error:
                raise SpecError(f"cannot read {path}: {unread(error)}") from error
            return text, str(path), partial(_is_of, path, age)
    return None


def _is_of(path: Path, age: int) -> bool:
    return _age(path) == age


def _age(path: Path) -> int:
    """When a file was changed, 0 where it is gone."""
    return os.stat(path).st_mtime_ns if os.path.exists(path) else 0
