"""Options for tests of a result, and the file with what came of them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_imagebuild.v1 import own_files

if TYPE_CHECKING:
    from osc_imagebuild.builder import Builder
    from osc_imagebuild.v1.progress import Progress


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


def add_report(parser: argparse.ArgumentParser) -> None:
    """Let a command write what came of the tests."""
    parser.add_argument(
        "--test-report",
        metavar="<file>",
        help="Write what came of all tests to this file, as JUnit XML",
    )


def fields(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a request whose options were given."""
    from osc_imagebuild.model.own_tests import OwnTest

    return {"tests": tuple(OwnTest(run=command) for command in args.test_command)}


@contextmanager
def reporting(
    progress: Progress, builder: Builder, args: argparse.Namespace
) -> Iterator[None]:
    """Write the tests' report when a build is over, also where it fails.

    :raises: CommandError where that cannot be, and the build is a good one
    """
    from osc_imagebuild.errors import InstallError

    if not args.test_report:
        yield
        return
    if not args.wait:
        raise exceptions.CommandError(
            "--test-report is for a build that is driven to its end: leave out --no-wait"
        )
    try:
        yield
    except InstallError as error:
        try:
            write_report(builder, error.build_id, args.test_report)
        except exceptions.CommandError as unwritten:
            progress.note(f"warning: {unwritten}")
        raise
    # One that was over before has no events.
    build = "".join(progress.build_id) or args.build
    write_report(builder, build, args.test_report)


def write_report(builder: Builder, build: str, path: str) -> None:
    """Write what came of a build's tests as JUnit XML.

    :raises: CommandError where the file cannot be written
    """
    from osc_imagebuild.reports.junit import junit

    write(junit(builder.find(build)), path)


def write(document: bytes, path: str) -> None:
    """Write a report.

    :raises: CommandError where the file cannot be written
    """
    try:
        own_files.replace(Path(os.path.expanduser(path)), document)
    except OSError as error:
        from osc_imagebuild.errors import unread

        raise exceptions.CommandError(
            f"cannot write {path}: {unread(error)}"
        ) from error
