"""openstack image build template validate, render, schema"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions
from osc_lib.cli import parseractions

from osc_imagebuild.v1.base import Command, Shown, ShowOne, age
from osc_imagebuild.v1.columns import Lines, line
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.errors import SpecError
    from osc_imagebuild.guests.catalog import Catalog
    from osc_imagebuild.model.request import Request
    from osc_imagebuild.upkeep.tasks import Wish


def add_variables(parser: argparse.ArgumentParser) -> None:
    """Let a command take what goes with a template."""
    parser.add_argument(
        "--var",
        metavar="<name=value>",
        action=parseractions.KeyValueAction,
        help="Variable of the template (repeat for several)",
    )
    parser.add_argument(
        "--allow-path",
        metavar="<directory>",
        action="append",
        default=[],
        help="Directory below which the template may name files, beside its own "
        "(repeat for several)",
    )
    parser.add_argument(
        "--oz-auto",
        action="store_true",
        help="Let Oz's own answer file install a system of a TDL template that "
        "the catalogue does not know",
    )


def add_templates(parser: argparse.ArgumentParser) -> None:
    """Let a command take templates, and directories of them."""
    parser.add_argument(
        "template",
        metavar="<template>",
        nargs="*",
        default=["."],
        help="Template, or directory of templates (default: the current directory)",
    )


def add_max_age(parser: argparse.ArgumentParser) -> None:
    """Let a command call images outdated by their age."""
    parser.add_argument(
        "--max-age",
        metavar="<age>",
        type=age,
        help="Call images outdated that are older than this, such as 30d; the units "
        "are m, h, d and w (default: any age is good)",
    )


def template_paths(given: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield the paths of all templates, and whether the user named each one itself.

    :raises: SpecError where a directory has none
    """
    from osc_imagebuild import template
    from osc_imagebuild.errors import SpecError

    for word in dict.fromkeys(given):
        if not os.path.isdir(word):
            yield word, True
            continue
        paths = template.in_directory(word)
        if not paths:
            raise SpecError(
                f"there is no template in {word}: name one, or another directory"
            )
        for path in paths:
            yield os.path.normpath(path), False


def template_fields(
    args: argparse.Namespace, path: str, catalog: Catalog, *, check_only: bool = False
) -> dict[str, Any]:
    """Return the template at ``path`` as fields of a request.

    An entry that it brings along goes into ``catalog``.

    :raises: SpecError
    """
    from osc_imagebuild import template

    loaded = template.load(
        path,
        args.var or {},
        check_only=check_only,
        catalog=catalog,
        auto=args.oz_auto,
        allow=args.allow_path,
    )
    for name, data in loaded.entries.items():
        catalog.add(name, data)
    return dict(loaded.fields)


@dataclass(frozen=True)
class Loaded:
    """A template of those that were given.

    ``request`` is None where it names no image, as those do that others extend, or
    cannot be read, which ``error`` says. ``catalog`` has the entries that it brings
    along, which are not another one's. ``given`` are the fields that it gives.
    """

    path: str
    catalog: Catalog
    request: Request | None = None
    error: SpecError | None = None
    given: frozenset[str] = frozenset()

    def wish(self) -> Wish | None:
        """Return what it wants, None where it wants nothing.

        A new image takes the name of the older ones unless the template says otherwise.
        """
        from dataclasses import replace

        from osc_imagebuild.upkeep.tasks import Wish

        if self.request is None:
            return None
        request = self.request
        if "replace" not in self.given:
            request = replace(request, replace=True)
        return Wish(self.path, request, self.catalog)


def loaded_templates(args: argparse.Namespace) -> Iterator[Loaded]:
    """Yield the templates that were given, also by their directories.

    :raises: SpecError where a directory has none
    """
    from osc_imagebuild.errors import SpecError
    from osc_imagebuild.guests.catalog import Catalog
    from osc_imagebuild.model.request import Request

    for path, is_named in template_paths(args.template):
        catalog = Catalog()
        try:
            fields = template_fields(args, path, catalog)
            if "name" not in fields and is_named:
                raise SpecError(f"{path}: it names no image: give it output.name")
        except SpecError as error:
            yield Loaded(path, catalog, error=error)
            continue
        request = Request(**fields) if "name" in fields else None
        yield Loaded(path, catalog, request, given=frozenset(fields))


def _asked(
    args: argparse.Namespace, path: str, catalog: Catalog, *, check_only: bool
) -> Request:
    from osc_imagebuild.model.request import Request

    fields = template_fields(args, path, catalog, check_only=check_only)
    # The name may come from the command line of create.
    return Request(**{"name": "image", **fields})


def without_secrets(request: Request) -> Request:
    """Return a request of which all that is made may be shown, and nothing be built."""
    from dataclasses import replace

    if not request.ansible:
        return request
    return replace(request, ansible=request.ansible.hidden())


def _warn(path: str, warnings: Sequence[str]) -> None:
    """Say what may be wrong, where `create` says it too: on stderr."""
    for warning in warnings:
        print(line(f"{path}: warning: {worded(warning)}"), file=sys.stderr)


class ValidateImageBuildTemplate(Command):
    """Check templates, without a cloud, their secrets or the network"""

    auth_required = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "template", metavar="<file>", nargs="+", help="Template to check"
        )
        add_variables(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from osc_imagebuild.errors import SpecError
        from osc_imagebuild.guests.catalog import Catalog
        from osc_imagebuild.planning import offline

        problems: list[str] = []
        for path in parsed_args.template:
            catalog = Catalog()
            try:
                request = _asked(parsed_args, path, catalog, check_only=True)
                outline = offline.check(catalog, request)
            except SpecError as error:
                problems += (
                    problem if path in problem else f"{path}: {problem}"
                    for problem in map(worded, error.problems)
                )
            else:
                _warn(path, outline.warnings)
                self.app.stdout.write(f"{path}: ok\n")
        if problems:
            raise SpecError(problems)


class RenderImageBuildTemplate(ShowOne):
    """Show the answer file and the command line that a template gives"""

    auth_required = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument("template", metavar="<file>", help="Template to render")
        add_variables(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.guests.catalog import Catalog
        from osc_imagebuild.model.urls import shown_url
        from osc_imagebuild.planning import offline

        catalog = Catalog()
        path = parsed_args.template
        request = without_secrets(_asked(parsed_args, path, catalog, check_only=False))
        outline = offline.check(catalog, request)
        if not outline.system or not outline.answers:
            raise exceptions.CommandError(
                f"{path}: which system the image has only the cloud tells: give os"
            )
        _warn(path, outline.warnings)
        shown = {
            "name": request.name,
            "os": request.os,
            "arch": request.arch,
            "source": shown_url(outline.system.tree.source),
            "kernel_args": outline.answers.kernel_args,
            "answer_file": Lines(outline.answers.shown),
            "first_boot": Lines(outline.answers.verify),
        }
        return list(shown), list(shown.values())


class ShowImageBuildTemplateSchema(Command):
    """Print the JSON Schema of templates"""

    auth_required = False

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from osc_imagebuild.template import schema

        self.app.stdout.write(schema.FILE.read_text(encoding="utf-8"))
