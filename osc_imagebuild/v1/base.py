"""Share the library's Builder and the handling of signals between commands."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from osc_lib import exceptions
from osc_lib.command import command

from osc_imagebuild import v1
from osc_imagebuild.v1.columns import Age, Lines, cells, plain
from osc_imagebuild.v1.door import guard_logs, guarded
from osc_imagebuild.v1.wording import command_line, worded

if TYPE_CHECKING:
    from osc_imagebuild.builder import Builder
    from osc_imagebuild.builds.record import Record
    from osc_imagebuild.engine.events import Event
    from osc_imagebuild.v1.board import Board
    from osc_imagebuild.v1.progress import Progress

# They escape by themselves: texts are in them as they are.
# Source: cliff.formatters, json_format and yaml_format.
ESCAPING = ("json", "yaml")
# How a command is told of an image, in its help.
WHICH_IMAGE = "its ID or its build's, or the name of its family or of an image"
# What a command shows: names of columns, and rows or the values of one.
Shown = tuple[Sequence[str], Sequence[Any]]


class Command(command.Command):
    """A command whose every word passes the door of `osc_imagebuild.v1.door`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Not later: the client logs in between here and `run`.
        guard_logs()

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run, and say in this client's words why that failed.

        :raises: CommandError
        """
        from osc_imagebuild.errors import ImageBuildError

        with guarded(self.app):
            try:
                code: int = super().run(parsed_args)
            except ImageBuildError as error:
                raise exceptions.CommandError(plain(worded(error))) from error
            return code


class ShowOne(Command, command.ShowOne):
    """A command that shows one thing."""

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Sequence[Any],
    ) -> int:
        shown = data if parsed_args.formatter in ESCAPING else cells(data)
        code: int = super().produce_output(parsed_args, column_names, shown)
        return code


class Lister(Command, command.Lister):
    """A command that lists things."""

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        shown = (
            data if parsed_args.formatter in ESCAPING else [cells(row) for row in data]
        )
        code: int = super().produce_output(parsed_args, column_names, shown)
        return code


class BuildCommand(Command):
    """A command that has a Builder for the user's own session."""

    def progress(self) -> Progress:
        """What shows how a build goes on, unless the user wants it silent."""
        from osc_imagebuild.v1.progress import Progress

        return Progress(quiet=self.app.options.verbose_level == 0)

    @property
    def builder(self) -> Builder:
        """The library on the user's session."""
        # The plugin's API_NAME is set on the manager at run time.
        builder: Builder = getattr(self.app.client_manager, v1.API_NAME)
        return builder


def add_build(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    """Let a command take one or several builds."""
    parser.add_argument(
        "build",
        metavar="<build>",
        nargs=nargs,
        help="Build, by its ID or the name of its image",
    )


def each(names: Iterable[str], act: Callable[[str], object], verb: str) -> None:
    """Do all of them, then say which could not be done.

    :raises: CommandError naming each failure
    """
    from osc_imagebuild.errors import ImageBuildError

    failed = []
    for name in names:
        try:
            act(name)
        except ImageBuildError as error:
            failed.append(f"cannot {verb} {name}: {worded(error)}")
    if failed:
        raise exceptions.CommandError("\n".join(failed))


def add_driving(parser: argparse.ArgumentParser) -> None:
    """Let a command drive a build, as `driving` does."""
    parser.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="Drive the build to its end, not only until the installer runs",
    )
    parser.add_argument(
        "--log-dir",
        metavar="<directory>",
        help="Keep the whole console there (default: only where a build fails, in "
        "the working directory)",
    )


def age(text: str) -> int:
    """Return the seconds of an age as it is typed, such as 30d.

    :raises: ArgumentTypeError
    """
    from osc_imagebuild.model import ages

    try:
        return ages.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_local_files(parser: argparse.ArgumentParser) -> None:
    """Let the user name files of this machine that a record names."""
    parser.add_argument(
        "--allow-local",
        metavar="<file>",
        action="append",
        default=[],
        help="ISO of this machine that the build may take, where another user or "
        "machine began it (repeat for several)",
    )


@contextmanager
def driving(
    progress: Progress | Board, builder: Builder, args: argparse.Namespace
) -> Iterator[None]:
    """Drive a build with its progress shown; where it fails, show and save why."""
    from osc_imagebuild.errors import InstallError
    from osc_imagebuild.v1.console_files import Files

    files = Files(args.log_dir)

    def listen(event: Event) -> None:
        progress(event)
        for name in files.save(event.build_id, event.evidence):
            progress.note(f"saved: {name}")

    builder.listener = listen
    builder.on_console = files.on_console if files.keeps_all else None
    try:
        with interruptible(progress.build_id):
            yield
    except InstallError as error:
        progress.console(error.console_tail)
        build_id = next(iter(progress.build_id), "")
        for name in files.save(build_id, error.evidence):
            progress.note(f"saved: {name}")
        raise
    finally:
        progress.end()


@contextmanager
def interruptible(build_id: list[str]) -> Iterator[None]:
    """Make SIGTERM and SIGHUP end a build as Ctrl-C does: resumable, and saying how.

    ``build_id`` is filled with the ID as soon as there is one. A SIGHUP that is ignored,
    as below nohup, stays so.
    """

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, stop)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    except KeyboardInterrupt:
        if build_id:
            from osc_imagebuild.errors import NextStep, Verb

            print(
                "\nInterrupted; the build can go on, here or on any other machine, "
                f"with: {command_line(NextStep(Verb.RESUME, build_id[0]))}",
                file=sys.stderr,
            )
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def when(seconds: float) -> str:
    """Return a time as OpenStack's clients show it, '' for none."""
    from datetime import datetime, timezone

    if not seconds:
        return ""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def columns_of(
    build: Record, owner: str = "", now: float = 0.0, retry: Sequence[str] = ()
) -> tuple[list[str], list[Any]]:
    """Return a build as columns and data; ``now`` is the cloud's time.

    ``retry`` are the steps that it can be tried again from.
    """
    from osc_imagebuild.model.numbers import whole_number
    from osc_imagebuild.model.urls import shown_url

    spec = build.spec
    end = build.updated_at if build.is_over or not now else now
    left_s = build.time_left_s(end)
    pairs: dict[str, Any] = {
        "id": build.id,
        "name": spec.result.name,
        "status": build.status.value,
        "os": spec.installer.os,
        "arch": spec.installer.arch,
        "step": build.step,
        "doing": build.doing or None,
        "progress": whole_number(build.percent, 0, 100),
        "elapsed_s": max(0, int(end - build.begun_at)),
        "time_left_s": None if left_s is None else int(left_s),
        "reason": Lines(build.reason),
        "evidence": build.evidence or None,
        "attempts": Lines("\n".join(build.attempts)) if build.attempts else None,
        "retry_from": ", ".join(retry) or None,
        "tests": Lines("\n".join(map(str, build.checks))) if build.checks else None,
        "output": spec.result.output,
        f"{spec.result.output}_id": build.result_id or None,
        "copies": Lines("\n".join(build.copies)) if build.copies else None,
        **_rotation(build),
        "boot_method": spec.installer.boot_method,
        "source": shown_url(spec.media.source),
        "flavor": spec.hardware.flavor_name,
        "networks": list(spec.network.networks),
        "driven_by": owner or None,
        "created_at": when(build.created_at),
        "updated_at": when(build.updated_at),
        "age": Age(now - build.created_at) if now else None,
        "tool_version": build.tool_version,
    }
    return list(pairs), list(pairs.values())


def _rotation(build: Record) -> dict[str, Any]:
    """Return what is told of a build's family."""
    result = build.spec.result
    return {
        "family": result.family or None,
        "replaces": result.rotation.replace,
        "members": list(result.members) or None,
    }
