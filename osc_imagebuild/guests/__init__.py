"""Guests: what an installer is told, by family of operating systems.

One module a family, named by an entry's ``family``; it offers
``context(entry, request)``, what its templates need beside the common
variables, and ``problems(entry, request)``. Templates are data: they are
rendered in Jinja2's sandbox.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from osc_imagebuild.catalog import Entry
from osc_imagebuild.errors import SpecError
from osc_imagebuild.model import Request

if TYPE_CHECKING:
    from jinja2 import Environment

# Source: Nova's metadata service; /latest/user-data is the user data as given.
USER_DATA_URL = "http://169.254.169.254/latest/user-data"
REPORT_URL = "http://169.254.169.254/openstack/latest/password"
# Source: nova.api.openstack.compute.schemas.servers, user_data maxLength.
USER_DATA_LIMIT = 65535
# In an own answer file, which is no template, this stands for the build's ID.
BUILD_ID_WORD = "@BUILD_ID@"


class Family(Protocol):
    """What a module of this package must offer."""

    def context(self, entry: Entry, request: Request) -> Mapping[str, Any]:
        """Return the family's own variables."""

    def problems(self, entry: Entry, request: Request) -> list[str]:
        """Return why this request cannot be built."""


@dataclass(frozen=True)
class Answers:
    """The texts of one build: user data of its servers, and a command line."""

    answer: str
    kernel_args: str
    verify: str
    verify_sign: str


def family(name: str) -> Family:
    """Return the module of a family.

    :raises: SpecError where there is none
    """
    known = [m.name for m in pkgutil.iter_modules(__path__)]
    if name not in known:
        raise SpecError(f"unknown family {name!r}; known: {', '.join(known)}")
    return cast(Family, importlib.import_module(f"{__name__}.{name}"))


def render(entry: Entry, request: Request, build_id: str, source: str) -> Answers:
    """Return what the installer and the first boot are told.

    :raises: SpecError where a template cannot be rendered
    """
    import jinja2

    environment = _environment(entry)
    arch = entry.arches[request.arch]
    context: dict[str, Any] = {
        **entry.variables,
        **arch.get("variables", {}),
        "request": request,
        "source": source,
        "build_id": build_id,
        "version": entry.version,
        "user_data_url": USER_DATA_URL,
        "report_url": REPORT_URL,
    }
    try:
        context |= family(entry.family).context(entry, request)

        def file(name: str | None) -> str:
            return environment.get_template(name).render(context) if name else ""

        def text(template: str) -> str:
            return environment.from_string(template).render(context)

        own = request.answer_file
        return Answers(
            answer=file(entry.answer)
            if own is None
            else own.replace(BUILD_ID_WORD, build_id),
            kernel_args=" ".join(text(entry.kernel_args).split()),
            verify=file(entry.verify.get("user_data")),
            verify_sign=text(entry.verify.get("sign", "login:")),
        )
    except jinja2.TemplateError as error:
        raise SpecError(f"the answer file of {entry.name} fails: {error}") from error


def _environment(entry: Entry) -> Environment:
    """Templates are data: sandboxed, and what they do not know is an error."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(d) for d in entry.directories]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
