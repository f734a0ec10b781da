"""openstack image build copy"""

from __future__ import annotations

import argparse

from osc_lib import exceptions

from osc_imagebuild.v1 import options
from osc_imagebuild.v1.base import BuildCommand, Lister, Shown
from osc_imagebuild.v1.wording import worded


class CopyImageBuild(BuildCommand, Lister):
    """Copy a finished image to other clouds, or mend copies that failed"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "image",
            metavar="<image>",
            help="Finished image, by its ID, its build's ID, or the name of its family",
        )
        options.add_targets(parser)
        parser.add_argument(
            "--verify",
            action="store_true",
            help="Boot each copy of --copy-to in its cloud before it gets the name",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        builder, progress = self.builder, self.progress()
        builder.listener = progress
        if parsed_args.verify and not parsed_args.copy_to:
            raise exceptions.CommandError("--verify is for --copy-to: give that too")
        try:
            made = builder.copy(
                parsed_args.image, parsed_args.copy_to, verify=parsed_args.verify
            )
        finally:
            progress.end()
        failed = [each for each in made if each.trouble]
        for each in made:
            if failed and not each.trouble:
                progress.note(f"{each.copy.target}: image {each.image_id}")
        if failed:
            raise exceptions.CommandError(
                "\n".join(
                    f"no copy in {each.copy.target}: {worded(each.error or each.trouble)}"
                    for each in failed
                )
            )
        return ("Cloud", "Image ID"), [(e.copy.target, e.image_id) for e in made]
