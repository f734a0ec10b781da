"""openstack image build test"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from osc_imagebuild.v1 import own_tests
from osc_imagebuild.v1.base import (
    WHICH_IMAGE,
    BuildCommand,
    Lister,
    Shown,
    interruptible,
)
from osc_imagebuild.v1.columns import Lines
from osc_imagebuild.v1.template import add_variables, template_fields
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.builder.testing import Tested


class TestImageBuild(BuildCommand, Lister):
    """Boot a finished image in a server of its own, and run tests in it"""

    failed = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "image",
            metavar="<image>",
            help=f"Finished image: {WHICH_IMAGE}",
        )
        parser.add_argument(
            "--template",
            metavar="<file>",
            help="Template with the tests, and with flavor and networks of their server; "
            "nothing else in it counts",
        )
        add_variables(parser)
        own_tests.add_tests(parser)
        own_tests.add_report(parser)
        parser.add_argument(
            "--flavor",
            metavar="<flavor>",
            help="Flavor of the server (default: the template's, or the smallest that fits)",
        )
        parser.add_argument(
            "--network",
            metavar="<network>",
            action="append",
            default=[],
            help="Network of the server (repeat for several; default: the template's, or "
            "the usable one)",
        )
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run; a test that was not passed is a failure of the command."""
        return super().run(parsed_args) or int(self.failed)

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        builder, progress = self.builder, self.progress()
        builder.listener = progress
        plan = builder.plan_test(parsed_args.image, self._request(parsed_args))
        for line in plan.choices:
            progress.note(line)
        try:
            with interruptible([]):
                tested = builder.test(plan)
        finally:
            progress.end()
        self.failed = not tested.passed
        if tested.trouble:
            progress.note(worded(tested.trouble))
        if parsed_args.test_report:
            _report(tested, builder.api.now(), parsed_args.test_report)
        return ("Test", "Passed", "Seconds", "Detail", "Output"), [
            (c.title, c.passed, c.seconds, c.detail, Lines(c.output))
            for c in tested.checks
        ]

    def _request(self, args: argparse.Namespace) -> Any:
        from osc_imagebuild import template
        from osc_imagebuild.model.request import Request

        catalog, given = self.builder.catalog, own_tests.fields(args)
        given |= {"flavor": args.flavor, "networks": tuple(args.network)}
        top = {key: value for key, value in given.items() if value}
        fields = template_fields(args, args.template, catalog) if args.template else {}
        # Of the image, not one that is built: the template's own parent is another one.
        fields |= {"name": "test", "from_image": args.image}
        return Request(**template.combine(fields, top))


def _report(tested: Tested, at: float, path: str) -> None:
    from osc_imagebuild.reports import junit
    from osc_imagebuild.version import tool_version

    properties = {
        "image": tested.image_id,
        "os": tested.os,
        "tool_version": tool_version(),
    }
    document = junit.document(
        tested.checks,
        name=tested.image_name,
        at=at,
        properties=properties,
        error=tested.trouble,
        step="test",
    )
    own_tests.write(document, path)
