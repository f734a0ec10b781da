"""openstack image build prune"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_imagebuild.v1.base import BuildCommand, Lister, Shown, age
from osc_imagebuild.v1.columns import Age, line, plain
from osc_imagebuild.v1.family import add_kind
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.builds.pruning import Pruned

_COLUMNS = ("Type", "ID", "Name", "Family", "Age", "Result")


class PruneImageBuild(BuildCommand, Lister):
    """Delete older images of families that are too many, and list what was deleted"""

    # What was not done, told once the list is there.
    _failures: tuple[str, ...] = ()

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "--family", metavar="<family>", default="", help="Only of this family"
        )
        add_kind(parser)
        parser.add_argument(
            "--keep",
            metavar="<number>",
            type=int,
            default=3,
            help="How many older ones of each family stay, beside the current one "
            "(default: 3)",
        )
        parser.add_argument(
            "--older-than",
            metavar="<age>",
            type=age,
            help="Only what is older, such as 90d, 12h, 2w or 30m",
        )
        parser.add_argument(
            "--all",
            action="store_true",
            help="Delete also those whose names no newer one has taken with --replace",
        )
        parser.add_argument(
            "--records",
            action="store_true",
            help="Delete also the records of complete and cancelled builds, and with "
            "--older-than of failed ones and what they left",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Only list what would be deleted"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.errors import ImageBuildError

        builder, found = self.builder, []
        pruned = builder.prune(
            parsed_args.family,
            kind=parsed_args.kind,
            keep=parsed_args.keep,
            older_than_s=parsed_args.older_than,
            everything=parsed_args.all,
            records=parsed_args.records,
            dry_run=parsed_args.dry_run,
        )
        try:
            for item in pruned:
                found.append(item)
                self._tell(item)
        except ImageBuildError as error:
            if not found:
                raise
            self._failures += (
                worded(error),
            )  # what was deleted is listed all the same
        now = builder.api.now()
        return _COLUMNS, [_row(item, now) for item in found]

    def _tell(self, item: Pruned) -> None:
        """Say why something stays that was to go."""
        from osc_imagebuild.builds.pruning import Fate

        text = f"{item.kind} {item.id} is kept: {worded(item.why)}"
        if item.fate == Fate.REFUSED:
            self._failures += (text,)
        elif item.why:
            self.app.stderr.write(f"{line(text)}\n")

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        code = super().produce_output(parsed_args, column_names, data)
        if self._failures:
            raise exceptions.CommandError(plain("\n".join(self._failures)))
        return code


def _row(item: Pruned, now: float) -> tuple[Any, ...]:
    age = Age(now - item.at) if item.at else None
    return item.kind, item.id, item.name, item.family, age, item.fate.value
