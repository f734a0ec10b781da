"""Options for tests of a result."""

from __future__ import annotations

import argparse
from typing import Any


def add_tests(parser: argparse.ArgumentParser) -> None:
    """Let a command be given tests of the result."""
    parser.add_argument(
        "--test-command",
        metavar="<command>",
        action="append",
        default=[],
        help="Command that must end with exit code 0 in the server that the result is "
        "booted in, before the result is published (repeat for several)",
    )


def fields(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a request whose options were given."""
    from osc_imagebuild.model.own_tests import OwnTest

    return {"tests": tuple(OwnTest(run=command) for command in args.test_command)}
