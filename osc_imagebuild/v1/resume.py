"""openstack image build resume"""

from __future__ import annotations

import argparse

from osc_lib import exceptions

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
from osc_imagebuild.v1.wording import worded


class ResumeImageBuild(BuildCommand, ShowOne):
    """Drive a build to its end, from any machine"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_build(parser, nargs="?")
        parser.add_argument(
            "--all",
            action="store_true",
            help="Drive every unfinished build of the project that nobody drives; "
            "with --no-wait as far as each can go now, as for cron",
        )
        own_tests.add_report(parser)
        add_local_files(parser)
        signing.add_key(
            parser,
            "Sign the image with this key, where it is to be signed; with --all only images "
            "of builds that you began on this machine",
        )
        add_driving(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        if parsed_args.all == bool(parsed_args.build):
            raise exceptions.CommandError("give either one build or --all")
        self.builder.allow_files(parsed_args.allow_local)
        key = signing.signing_key(parsed_args, self.app.stdin)
        progress = self.progress()
        if parsed_args.all:
            if parsed_args.test_report:
                raise exceptions.CommandError("--test-report is of one build: give one")
            self.builder.signing_key = key
            with driving(progress, self.builder, parsed_args):
                return self._resume_all(wait=parsed_args.wait)
        with (
            driving(progress, self.builder, parsed_args),
            own_tests.reporting(progress, self.builder, parsed_args),
        ):
            build = self.builder.resume(
                parsed_args.build, wait=parsed_args.wait, signing_key=key
            )
        return columns_of(build)

    def _resume_all(self, *, wait: bool) -> Shown:
        outcome = self.builder.resume_all(once=not wait)
        shown = {
            "complete": outcome.complete,
            "failed": {i: worded(why) for i, why in outcome.failed.items()},
            "waiting": outcome.waiting,
            "driven_by_others": outcome.driven_by_others,
        }
        return list(shown), list(shown.values())
