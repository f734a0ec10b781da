"""openstack image build delete"""

from __future__ import annotations

import argparse
import sys

from osc_lib import exceptions

from osc_imagebuild.v1.base import BuildCommand, add_build, each
from osc_imagebuild.v1.columns import line


class DeleteImageBuild(BuildCommand):
    """Delete builds, what they left and their records, but no finished image"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_build(parser, nargs="*")
        parser.add_argument(
            "--with-image",
            action="store_true",
            help="Delete the finished images as well",
        )
        parser.add_argument(
            "--orphans",
            action="store_true",
            help="Delete what belongs to builds whose records are gone, "
            "see 'image build list --orphans'",
        )
        parser.add_argument(
            "--yes", action="store_true", help="Do not ask before deleting orphans"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if parsed_args.orphans == bool(parsed_args.build):
            raise exceptions.CommandError("give either builds or --orphans")
        if parsed_args.orphans and parsed_args.with_image:
            raise exceptions.CommandError(
                "--with-image is for builds, not for --orphans"
            )
        builder = self.builder
        if parsed_args.orphans:
            self._delete_orphans(sure=parsed_args.yes)
            return
        each(
            parsed_args.build,
            lambda name: builder.delete(name, with_image=parsed_args.with_image),
            "delete",
        )

    def _delete_orphans(self, *, sure: bool) -> None:
        """Name them, and ask where somebody is there to answer."""
        orphans = self.builder.orphans()
        for orphan in orphans:
            print(f"{orphan.kind} {orphan.id} {line(orphan.name)}", file=sys.stderr)
        if not orphans:
            return
        if not sure:
            if not sys.stdin.isatty():
                raise exceptions.CommandError("to delete them without asking: --yes")
            answer = input(f"Delete these {len(orphans)} resources? [y/N] ")
            if answer.strip().lower() not in ("y", "yes"):
                raise exceptions.CommandError("nothing was deleted")
        self.builder.delete_orphans(orphans)
