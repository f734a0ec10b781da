"""openstack image build resume, show, list, cancel, delete, log"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from osc_lib import exceptions
from osc_lib.command import command

from osc_imagebuild.v1.base import BuildCommand, columns_of, interruptible, when
from osc_imagebuild.v1.create import show_console
from osc_imagebuild.v1.progress import Progress

Shown = tuple[Sequence[str], Sequence[Any]]


def _add_build(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    parser.add_argument(
        "build",
        metavar="<build>",
        nargs="+" if several else None,
        help="Build, by its ID or the name of its image",
    )


class ResumeImageBuild(BuildCommand, command.ShowOne):
    """Drive a build to its end, from any machine"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        _add_build(parser)
        parser.add_argument(
            "--wait",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="Drive the build to its end, not only until the installer runs",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.errors import InstallError

        progress = Progress(quiet=self.app.options.verbose_level == 0)
        try:
            with interruptible(progress.build_id):
                self.builder.listener = progress
                build = self.builder.resume(parsed_args.build, wait=parsed_args.wait)
        except InstallError as error:
            show_console(progress, error.console_tail)
            raise
        finally:
            progress.end()
        return columns_of(build)


class ShowImageBuild(BuildCommand, command.ShowOne):
    """Show a build"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        _add_build(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        return columns_of(*self.builder.show(parsed_args.build))


class ListImageBuild(BuildCommand, command.Lister):
    """List builds, newest first"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "--long", action="store_true", help="List additional fields"
        )
        parser.add_argument(
            "--status",
            metavar="<status>",
            choices=("building", "complete", "failed", "cancelled"),
            help="List only builds that are building, complete, failed or cancelled",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        listing = self.builder.list()
        columns = ["ID", "Name", "OS", "Status", "Step", "Image ID"]
        if parsed_args.long:
            columns += ["Arch", "Boot Method", "Created At", "Updated At", "Reason"]
        rows = [
            (
                build.id,
                build.spec.name,
                build.spec.os,
                build.status,
                build.step,
                build.result_id or None,
                build.spec.arch,
                build.spec.boot_method,
                when(build.created_at),
                when(build.updated_at),
                build.reason,
            )[: len(columns)]
            for build in listing.builds
            if parsed_args.status in (None, build.status)
        ]
        for build_id in listing.unreadable:
            self.app.stderr.write(
                f"build {build_id} has a record that this version cannot read; "
                f"remove it with: openstack image build delete {build_id}\n"
            )
        return columns, rows


class CancelImageBuild(BuildCommand):
    """Stop builds and remove what they made; their records stay"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        _add_build(parser, several=True)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        _each(parsed_args.build, self.builder.cancel, "cancel")


class DeleteImageBuild(BuildCommand):
    """Delete builds, what they left and their records, but no finished image"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        _add_build(parser, several=True)
        parser.add_argument(
            "--with-image",
            action="store_true",
            help="Delete the finished images as well",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        builder = self.builder
        _each(
            parsed_args.build,
            lambda name: builder.delete(name, with_image=parsed_args.with_image),
            "delete",
        )


class LogImageBuild(BuildCommand):
    """Show the console of a build's server, live or as it was kept"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        _add_build(parser)
        parser.add_argument(
            "--lines", metavar="<lines>", type=int, help="Only the last lines"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        text = self.builder.log(parsed_args.build, lines=parsed_args.lines)
        self.app.stdout.write(text + "\n" if text else "")


def _each(names: Sequence[str], act: Callable[[str], object], verb: str) -> None:
    """Do all of them, then say how many could not be done."""
    from osc_imagebuild.errors import ImageBuildError

    failed = []
    for name in names:
        try:
            act(name)
        except ImageBuildError as error:
            failed.append(f"cannot {verb} {name}: {error}")
    if failed:
        raise exceptions.CommandError("\n".join(failed))
