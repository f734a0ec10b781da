"""openstack image build log, screenshot"""

from __future__ import annotations

import argparse

from osc_lib import exceptions

from osc_imagebuild.v1 import own_files
from osc_imagebuild.v1.base import BuildCommand, add_build
from osc_imagebuild.v1.console_files import kept_console
from osc_imagebuild.v1.door import Door


class LogImageBuild(BuildCommand):
    """Show the console of a build's server, live or as it was kept"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_build(parser)
        parser.add_argument(
            "--lines", metavar="<lines>", type=int, help="Only the last lines"
        )
        parser.add_argument(
            "--follow",
            action="store_true",
            help="Go on with what is written, until the build ends",
        )
        parser.add_argument(
            "--raw",
            action="store_true",
            help="Leave blank lines in and, in a file or pipe, terminal control",
        )
        parser.add_argument(
            "--log-dir",
            metavar="<directory>",
            help="Where a create or resume kept the console, for when it is gone",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from osc_imagebuild.model.names import Role, Status, boot_number, in_boot

        if parsed_args.lines is not None and parsed_args.lines < 1:
            raise exceptions.CommandError("--lines takes a number from 1 on")
        builder = self.builder
        if parsed_args.follow:
            for text in builder.follow(
                parsed_args.build, lines=parsed_args.lines, raw=parsed_args.raw
            ):
                if not self._print(text, raw=parsed_args.raw):
                    return
            return
        build = builder.find(parsed_args.build)
        kept = ""
        if parsed_args.log_dir:
            failed_in = build.step if build.status == Status.FAILED else ""
            boot = boot_number(failed_in, Role.VERIFY)
            role = in_boot(Role.VERIFY, boot) if boot else Role.INSTALL
            kept = kept_console(parsed_args.log_dir, build.id, role)
        text = builder.log(
            build.id, lines=parsed_args.lines, raw=parsed_args.raw, kept=kept
        )
        self._print(text, raw=parsed_args.raw)

    def _print(self, text: str, *, raw: bool) -> bool:
        """Print ``text``; return whether anybody still reads."""
        door = Door.of(self.app.stdout)
        if raw and not door.isatty():
            door.obeyed(text)
        else:
            door.write(text)
        door.flush()
        return not door.is_closed


class ScreenshotImageBuild(BuildCommand):
    """Save a picture of the screen of a build's server"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_build(parser)
        parser.add_argument(
            "--file",
            metavar="<file>",
            help="PNG file to write, which must not be there yet "
            "(default: imagebuild-<ID>.png, with a number where that is taken)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        picture = self.builder.screenshot(parsed_args.build)
        path = own_files.write_new(
            parsed_args.file, f"imagebuild-{picture.build_id}.png", picture.png
        )
        self.app.stdout.write(f"{path}\n")
