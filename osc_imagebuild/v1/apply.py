"""openstack image build apply"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from osc_lib import exceptions

from osc_imagebuild.v1 import signing
from osc_imagebuild.v1.base import BuildCommand, Lister, Shown, add_driving, driving
from osc_imagebuild.v1.columns import Lines
from osc_imagebuild.v1.report_pages import Pages, add_report
from osc_imagebuild.v1.template import (
    Loaded,
    add_max_age,
    add_templates,
    add_variables,
    loaded_templates,
)
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.upkeep.tasks import Applied, Task, Wish


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"it takes 1 or more, not {number}")
    return number


class ApplyImageBuild(BuildCommand, Lister):
    """Build what is outdated of many templates, and put older images away"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_templates(parser)
        add_variables(parser)
        add_max_age(parser)
        parser.add_argument(
            "--only",
            metavar="<name>",
            action="append",
            default=[],
            help="Only templates of this family or file name (repeat for several)",
        )
        parser.add_argument(
            "--max",
            metavar="<number>",
            type=_at_least_one,
            default=4,
            help="How many builds are under way at a time (default: 4)",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Check all templates and show what would be done; write nothing",
        )
        signing.add_key(
            parser, "Sign the images of templates with output.sign with this key"
        )
        add_driving(parser)
        add_report(parser)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run; the exit code is 1 where a build failed.

        :raises: CommandError
        """
        self._failed = False
        code = super().run(parsed_args)
        return 1 if self._failed else code

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.upkeep.tasks import ToDo
        from osc_imagebuild.v1.board import Board

        board = Board(quiet=self.app.options.verbose_level == 0)
        builder, pages = self.builder, Pages(parsed_args.report)
        builder.signing_key = signing.signing_key(parsed_args, self.app.stdin)
        tasks = builder.survey(self._wishes(parsed_args), max_age_s=parsed_args.max_age)
        for task in tasks:
            for warning in task.warnings:
                board.note(f"{task.wish.label}: warning: {worded(warning)}")
        if parsed_args.dry_run:
            self._failed = any(task.to_do == ToDo.UNKNOWN for task in tasks)
            return _planned(tasks)
        for task in tasks:
            if task.to_do != ToDo.NOTHING:
                why = f"{task.wish.label}: {task.to_do}: {worded(task.reason)}"
                board.note(why)
        ended: list[Applied] = []
        with driving(board, builder, parsed_args):
            for applied in builder.apply(
                tasks,
                most=parsed_args.max,
                wait=parsed_args.wait,
                begun=lambda task: board.begin(task.build_id, task.wish.label),
            ):
                ended.append(applied)
                why = worded(applied.reason)
                text = f"{applied.end}{f': {why}' if why else ''}"
                board.over(
                    applied.build_id,
                    text if applied.build_id else f"{applied.task.wish.label}: {text}",
                )
        self._failed = any(applied.is_failed for applied in ended)
        ended = _in_order(tasks, ended)
        pages.write(builder, ended, parsed_args.log_dir)
        return _applied(ended)

    def _wishes(self, args: argparse.Namespace) -> list[Wish]:
        """Return the templates that are wanted.

        :raises: SpecError naming all that cannot be read, CommandError where none is left
        """
        from osc_imagebuild.errors import SpecError

        wishes: list[Wish] = []
        problems: list[str] = []
        unmet = set(args.only)
        for template in loaded_templates(args):
            names = _names(template)
            if args.only and not names & set(args.only):
                continue
            unmet -= names
            if template.error:
                problems += template.error.problems
            elif wish := template.wish():
                wishes.append(wish)
        if unmet:
            raise exceptions.CommandError(
                f"--only {' '.join(sorted(unmet))}: no template has this path, file "
                "name, image or family"
            )
        if problems:
            raise SpecError(problems)
        if not wishes:
            raise exceptions.CommandError(
                "none of these templates names an image: give one output.name"
            )
        return wishes


def _names(template: Loaded) -> set[str]:
    """Return the words by which --only finds a template."""
    base = os.path.basename(template.path)
    names = {template.path, base, os.path.splitext(base)[0]}
    if template.request:
        names |= {template.request.name, template.request.family} - {""}
    return names


def _planned(tasks: Iterable[Task]) -> Shown:
    columns = ("Template", "Family", "Action", "Image ID", "Reason")
    return columns, [
        (
            t.wish.label,
            t.family,
            t.to_do.value,
            t.image_id or None,
            Lines(worded(t.reason)),
        )
        for t in tasks
    ]


def _in_order(tasks: Sequence[Task], ended: Iterable[Applied]) -> list[Applied]:
    """Return what became of the templates in the order in which they were given."""
    order = {task.wish.label: number for number, task in enumerate(tasks)}
    return sorted(ended, key=lambda a: order[a.task.wish.label])


def _applied(ended: Iterable[Applied]) -> Shown:
    columns = ("Template", "Family", "Result", "Build ID", "Image ID", "Reason")
    return columns, [
        (
            applied.task.wish.label,
            applied.task.family,
            applied.end.value,
            applied.build_id or None,
            applied.image_id or None,
            Lines(worded(applied.reason)),
        )
        for applied in ended
    ]
