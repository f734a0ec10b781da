"""openstack image build manifest, diff"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from osc_imagebuild.v1.base import WHICH_IMAGE, BuildCommand, Lister
from osc_imagebuild.v1.door import Door


class ShowImageBuildManifest(BuildCommand):
    """Print the packages of a finished image, without downloading it"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "image",
            metavar="<image>",
            help=f"Finished image, volume or snapshot: {WHICH_IMAGE}",
        )
        parser.add_argument(
            "--format",
            metavar="<format>",
            choices=("list", "cyclonedx", "spdx"),
            default="list",
            help="list (name, version, architecture, licence), cyclonedx or spdx, both "
            "as JSON (default: list)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from osc_imagebuild.reports import bills

        write = bills.FORMATS[parsed_args.format]
        door = Door.of(self.app.stdout)
        door.write(write(self.builder.manifest(parsed_args.image)))
        door.flush()


class DiffImageBuild(BuildCommand, Lister):
    """List what differs between two finished images, without downloading them"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "before", metavar="<before>", help=f"One image: {WHICH_IMAGE}"
        )
        parser.add_argument("after", metavar="<after>", help="The other one, likewise")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        rows = [
            (d.about, d.name, d.change.value, d.before or None, d.after or None)
            for d in self.builder.differences(parsed_args.before, parsed_args.after)
        ]
        return ("About", "Name", "Change", "Before", "After"), rows
