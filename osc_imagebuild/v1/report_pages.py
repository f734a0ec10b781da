"""Write the reports of many builds, and an index of them, into a directory."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from osc_lib import exceptions

from osc_imagebuild.v1 import own_files
from osc_imagebuild.v1.report import page, page_name
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.builder import Builder
    from osc_imagebuild.reports.page import Entry
    from osc_imagebuild.upkeep.tasks import Applied

INDEX = "index.html"


def add_report(parser: argparse.ArgumentParser) -> None:
    """Let a command write reports."""
    parser.add_argument(
        "--report",
        metavar="<directory>",
        help="Write a page for each build there, and index.html, over older ones",
    )


class Pages:
    """The pages in one directory; None writes none."""

    def __init__(self, directory: str | None) -> None:
        """Make the directory before a build begins, so that what is wrong shows at once.

        :raises: CommandError where it cannot be made
        """
        self._directory = Path(os.path.expanduser(directory)) if directory else None
        if self._directory is None:
            return
        try:
            own_files.make_directory(self._directory)
        except OSError as error:
            raise exceptions.CommandError(
                f"cannot write into {self._directory}: {error.strerror}; choose another "
                "--report"
            ) from error

    def write(
        self, builder: Builder, ended: Sequence[Applied], log_dir: str | None
    ) -> None:
        """Write the page of each build, and the index.

        What cannot be written is warned of: the images are there all the same.
        """
        if self._directory is None:
            return
        from osc_imagebuild.reports import page as pages

        entries = []
        for applied in ended:
            build_id = applied.build_id or self._build_of(builder, applied)
            name = page_name(build_id)
            # The page of a build that was over before stays as it is.
            if applied.build_id or (build_id and not self._has(name)):
                self._write_page(builder, build_id, log_dir)
            is_there = bool(build_id) and self._has(name)
            entries.append(_entry(applied, name if is_there else ""))
        self._write(INDEX, pages.index(entries, builder.api.now()))

    def _build_of(self, builder: Builder, applied: Applied) -> str:
        """Return the build of an image that nothing was done for, '' where none is known."""
        from osc_imagebuild.errors import ImageBuildError

        if not applied.image_id:
            return ""
        try:
            output = applied.task.wish.request.output
            return builder.build_of(applied.image_id, output)
        except ImageBuildError:
            return ""

    def _has(self, name: str) -> bool:
        assert self._directory is not None
        return (self._directory / name).is_file()

    def _write_page(self, builder: Builder, build_id: str, log_dir: str | None) -> None:
        from osc_imagebuild.errors import ImageBuildError

        try:
            text = page(builder, build_id, log_dir)
        except (ImageBuildError, exceptions.CommandError) as error:
            why = worded(error) if isinstance(error, ImageBuildError) else str(error)
            print(f"warning: no report of build {build_id}: {why}", file=sys.stderr)
            return
        self._write(page_name(build_id), text)

    def _write(self, name: str, text: str) -> None:
        assert self._directory is not None
        path = self._directory / name
        try:
            own_files.replace(path, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            print(f"warning: cannot write {path}: {error.strerror}", file=sys.stderr)


def _entry(applied: Applied, name: str) -> Entry:
    """Return the row of a template, which leads to its page if that has a ``name``."""
    from osc_imagebuild.reports.page import Entry

    return Entry(
        template=applied.task.wish.label,
        family=applied.task.family,
        end=applied.end.value,
        is_failed=applied.is_failed,
        reason=worded(applied.reason),
        image_id=applied.image_id,
        page=name,
    )
