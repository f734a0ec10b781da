"""openstack image build report"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from osc_imagebuild.v1 import own_files
from osc_imagebuild.v1.base import BuildCommand, add_build
from osc_imagebuild.v1.console_files import (
    kept_consoles,
    kept_pictures,
    kept_screenshots,
)
from osc_imagebuild.v1.wording import command_line, create_command

if TYPE_CHECKING:
    from osc_imagebuild.builder import Builder


class ReportImageBuild(BuildCommand):
    """Write all that is known of a build into one HTML page"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_build(parser)
        parser.add_argument(
            "--file",
            metavar="<file>",
            help="HTML file to write, which must not be there yet "
            "(default: imagebuild-<ID>.html, with a number where that is taken)",
        )
        parser.add_argument(
            "--log-dir",
            metavar="<directory>",
            help="Where a create or resume kept the console and pictures of the screen",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        build = self.builder.find(parsed_args.build)
        text = page(self.builder, build.id, parsed_args.log_dir)
        data = text.encode("utf-8", "backslashreplace")
        path = own_files.write_new(parsed_args.file, page_name(build.id), data)
        self.app.stdout.write(f"{path}\n")


def page_name(build_id: str) -> str:
    """Return the name of the file with the report of a build."""
    return f"imagebuild-{build_id}.html"


def page(builder: Builder, build_id: str, log_dir: str | None = None) -> str:
    """Return the report of a build as a page, with what is kept of it in ``log_dir``.

    :raises: CommandError where that cannot be read, RecordError, CloudError
    """
    from osc_imagebuild.reports.report import Picture

    consoles = kept_consoles(log_dir, build_id) if log_dir else {}
    kept = kept_pictures(log_dir, build_id) if log_dir else []
    pictures = [Picture(role, png) for role, png in kept]
    screenshots = kept_screenshots(log_dir, build_id) if log_dir else []
    found = builder.report(
        build_id, consoles=consoles, pictures=pictures, screenshots=screenshots
    )
    return found.html(command_line, create_command)
