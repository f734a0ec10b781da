"""Guests: what an installer is told, by family of operating systems.

One module a family, named by an entry's ``family``; it offers
``context(entry, request)``, what its templates need beside the common
variables, and ``problems(entry, request)``. Templates are data: they are
rendered in Jinja2's sandbox.
"""

from __future__ import annotations

import base64
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from osc_imagebuild.catalog import Entry
from osc_imagebuild.errors import SpecError
from osc_imagebuild.model import Request

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
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader([str(d) for d in entry.directories]),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["b64"] = lambda text: base64.b64encode(text.encode()).decode()
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
        own = request.answer_file
        answer = (
            environment.get_template(entry.answer).render(context)
            if own is None
            else own.replace(BUILD_ID_WORD, build_id)
        )
        boot = entry.verify.get("user_data")
        return Answers(
            answer=answer,
            kernel_args=" ".join(
                environment.from_string(entry.kernel_args).render(context).split()
            ),
            verify=environment.get_template(boot).render(context) if boot else "",
            verify_sign=environment.from_string(
                entry.verify.get("sign", "login:")
            ).render(context),
        )
    except jinja2.TemplateError as error:
        raise SpecError(f"the answer file of {entry.name} fails: {error}") from error
