"""openstack image build show, list, cancel"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_imagebuild.v1 import own_tests
from osc_imagebuild.v1.base import (
    BuildCommand,
    Lister,
    Shown,
    ShowOne,
    add_build,
    columns_of,
    each,
    when,
)
from osc_imagebuild.v1.columns import Age, Lines, line
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.builder import Builder
    from osc_imagebuild.builds.record import Record


class ShowImageBuild(BuildCommand, ShowOne):
    """Show a build"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_build(parser)
        own_tests.add_report(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        builder = self.builder
        if parsed_args.test_report:
            own_tests.write_report(builder, parsed_args.build, parsed_args.test_report)
        state = builder.show(parsed_args.build)
        points = _points(builder, state.build)
        return columns_of(state.build, state.driven_by, builder.api.now(), points)


def _points(builder: Builder, build: Record) -> tuple[str, ...]:
    """Where the build can be tried again from; what a service hides is not known."""
    from osc_imagebuild.errors import CloudError

    try:
        return builder.retry_points(build)
    except CloudError as error:
        return (f"unknown: {worded(error)}",)


class ListImageBuild(BuildCommand, Lister):
    """List builds, newest first"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        from osc_imagebuild.model.names import Status

        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "--long", action="store_true", help="List additional fields"
        )
        parser.add_argument(
            "--status",
            metavar="<status>",
            choices=[str(status) for status in Status],
            help="List only builds that are building, complete, failed or cancelled",
        )
        parser.add_argument(
            "--orphans",
            action="store_true",
            help="List what is left of builds whose records are gone instead",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.model.names import Status

        builder, status = self.builder, parsed_args.status
        if parsed_args.orphans:
            if status or parsed_args.long:
                raise exceptions.CommandError(
                    "--orphans lists what has no record: it goes with neither "
                    "--status nor --long"
                )
            orphans = [(o.kind, o.id, o.name, o.build_id) for o in builder.orphans()]
            return ("Type", "ID", "Name", "Build ID"), orphans
        listing = builder.list(Status(status) if status else None)
        columns = ["ID", "Name", "OS", "Status", "Step", "Image ID"]
        columns += ["Family", "Age", "Progress"]
        if parsed_args.long:
            columns += ["Arch", "Boot Method", "Created At", "Updated At", "Reason"]
        now = builder.api.now()
        rows = [_row(build, now)[: len(columns)] for build in listing.builds]
        for error in listing.errors:
            self.app.stderr.write(f"{line(worded(error))}\n")
        return columns, rows


def _row(build: Record, now: float) -> tuple[Any, ...]:
    """Return what a list shows of a build."""
    from osc_imagebuild.model.numbers import whole_number

    return (
        build.id,
        build.spec.result.name,
        build.spec.installer.os,
        build.status.value,
        build.step,
        build.result_id or None,
        build.spec.result.family or None,
        Age(now - build.created_at),
        None if build.is_over else whole_number(build.percent, 0, 100),
        build.spec.installer.arch,
        build.spec.installer.boot_method,
        when(build.created_at),
        when(build.updated_at),
        Lines(build.reason),
    )


class CancelImageBuild(BuildCommand):
    """Stop builds and remove what they made; their records stay"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_build(parser, nargs="+")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        each(parsed_args.build, self.builder.cancel, "cancel")
