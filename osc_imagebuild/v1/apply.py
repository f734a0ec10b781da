"""openstack image build apply"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_imagebuild.v1.base import BuildCommand, Lister, add_driving, driving
from osc_imagebuild.v1.columns import Lines
from osc_imagebuild.v1.template import (
    add_max_age,
    add_templates,
    add_variables,
    template_fields,
    template_paths,
)
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.upkeep.apply import Applied, Task, Wish
    from osc_imagebuild.v1.board import Board

Shown = tuple[Sequence[str], Sequence[Any]]


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 is least")
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
        add_driving(parser)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run; the exit code is 1 where a build failed.

        :raises: CommandError
        """
        self._failed = False
        code = super().run(parsed_args)
        return 1 if self._failed else code

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.v1.board import Board

        board = Board(quiet=self.app.options.verbose_level == 0)
        builder = self.builder
        tasks = builder.survey(
            self._wishes(parsed_args, board), max_age_s=parsed_args.max_age
        )
        if parsed_args.dry_run:
            return _planned(tasks)
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
        return _applied(tasks, ended)

    def _wishes(self, args: argparse.Namespace, board: Board) -> list[Wish]:
        """Return the templates that are wanted.

        :raises: SpecError naming all that cannot be read, CommandError where none is left
        """
        from osc_imagebuild.errors import SpecError
        from osc_imagebuild.guests.catalog import Catalog
        from osc_imagebuild.model.request import Request
        from osc_imagebuild.upkeep.apply import Wish

        wishes: list[Wish] = []
        problems: list[str] = []
        for path, is_named in template_paths(args.template):
            # Entries that one template brings along are not another one's.
            catalog = Catalog()
            try:
                fields = template_fields(args, path, catalog)
            except SpecError as error:
                problems += error.problems
                continue
            if "name" not in fields:
                if is_named:
                    problems.append(f"{path}: it names no image: give it output.name")
                else:
                    board.note(f"{path}: passed over, as it names no image")
                continue
            request = Request(**{"replace": True, **fields})
            if _is_wanted(args.only, path, request):
                wishes.append(Wish(path, request, catalog))
        if problems:
            raise SpecError(problems)
        if not wishes:
            raise exceptions.CommandError(
                "no template is left to be applied: see --only, and output.name"
            )
        return wishes


def _is_wanted(only: Sequence[str], path: str, request: Any) -> bool:
    stem = os.path.splitext(os.path.basename(path))[0]
    names = {stem, os.path.basename(path), request.name, request.family}
    return not only or bool(names & set(only))


def _planned(tasks: Iterable[Task]) -> Shown:
    columns = ("Template", "Family", "Action", "Image ID", "Reason")
    return columns, [
        (t.wish.label, t.family, t.to_do.value, t.image_id or None, Lines(t.reason))
        for t in tasks
    ]


def _applied(tasks: Sequence[Task], ended: Iterable[Applied]) -> Shown:
    """Return what became of the templates, in the order in which they were given."""
    columns = ("Template", "Family", "Result", "Build ID", "Image ID", "Reason")
    order = {task.wish.label: number for number, task in enumerate(tasks)}
    return columns, [
        (
            applied.task.wish.label,
            applied.task.family,
            applied.end.value,
            applied.build_id or None,
            applied.image_id or None,
            Lines(worded(applied.reason)),
        )
        for applied in sorted(ended, key=lambda a: order[a.task.wish.label])
    ]
