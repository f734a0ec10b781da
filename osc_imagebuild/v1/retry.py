"""openstack image build retry"""

from __future__ import annotations

import argparse

from osc_imagebuild.v1 import own_tests, signing
from osc_imagebuild.v1.base import (
    BuildCommand,
    Shown,
    ShowOne,
    add_build,
    add_driving,
    add_local_files,
    columns_of,
    driving,
)


class RetryImageBuild(BuildCommand, ShowOne):
    """Try a failed build again, with what is left of it"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_build(parser)
        parser.add_argument(
            "--from",
            dest="start",
            metavar="<step>",
            choices=("verify", "harvest", "install"),
            help="Where to begin: verify boots the image that did not pass once more, "
            "harvest makes a new image of the server that was kept, install begins "
            "anew (default: the first of these that is possible, see 'image build show')",
        )
        parser.add_argument(
            "--flavor", metavar="<flavor>", help="Another flavor for what is done again"
        )
        parser.add_argument(
            "--availability-zone",
            metavar="<zone>",
            help="Another availability zone for what is done again",
        )
        own_tests.add_report(parser)
        add_local_files(parser)
        signing.add_key(
            parser, "Sign the image with this key, where it is to be signed"
        )
        add_driving(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        builder, progress = self.builder, self.progress()
        builder.allow_files(parsed_args.allow_local)
        key = signing.signing_key(parsed_args, self.app.stdin)
        with (
            driving(progress, builder, parsed_args),
            own_tests.reporting(progress, builder, parsed_args),
        ):
            build = builder.retry(
                parsed_args.build,
                parsed_args.start,
                flavor=parsed_args.flavor,
                availability_zone=parsed_args.availability_zone,
                wait=parsed_args.wait,
                signing_key=key,
            )
        return columns_of(build)
