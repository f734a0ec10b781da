"""openstack image build diagnose"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from osc_lib import exceptions

from osc_imagebuild.v1.base import ESCAPING, Shown, ShowOne
from osc_imagebuild.v1.columns import Lines, cells
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.diagnosis import Diagnosis

# The verdict on a file that cannot be read.
UNREAD = "unread"


class DiagnoseImageBuild(ShowOne):
    """Tell from saved console logs how an installation goes or why it failed"""

    # Neither a cloud nor a login is needed.
    auth_required = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "files",
            metavar="<console-file>",
            nargs="+",
            help="Saved console log, as of 'image build log' or 'console log show'; "
            "'-' reads the standard input. Several are shown as a row each",
        )
        parser.add_argument(
            "--os",
            metavar="<os>",
            help="Operating system that was installed, see 'image build os list', "
            "or a family of installers (default: the one that the console speaks of, "
            "which is shown, or all)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.diagnosis import diagnose_file

        # Typed in a shell, --os was read by the client's own parser: see plugin.
        os_name = parsed_args.os or getattr(self.app.options, "imagebuild_os", None)
        if len(parsed_args.files) > 1:
            return self._rows(parsed_args.files, os_name)
        [path] = parsed_args.files
        shown = _fields(diagnose_file(path, os_name, stdin=_stdin()))
        return list(shown), list(shown.values())

    def _rows(self, paths: Sequence[str], os_name: str | None) -> Shown:
        """One row a file; what cannot be read is no reason to show none."""
        from osc_imagebuild.diagnosis import diagnose_file, signs_of
        from osc_imagebuild.errors import SpecError
        from osc_imagebuild.guests.catalog import Catalog

        if os_name:
            signs_of(Catalog(), os_name)  # a mistake in it is no file's
        if not hasattr(self.formatter, "emit_list"):
            raise exceptions.CommandError(
                "this format shows one console only: give one file, or "
                "-f table, json, yaml or value"
            )
        columns = ("file", "verdict", "reason", "evidence", "progress", "os")
        rows = []
        for path in paths:
            try:
                diagnosis = diagnose_file(path, os_name, stdin=_stdin())
                fields = {"os": os_name, **_fields(diagnosis)}
            except SpecError as error:
                fields = {"verdict": UNREAD, "reason": worded(error)}
            rows.append([path, *(fields.get(column) for column in columns[1:])])
        return columns, rows

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Sequence[Any],
    ) -> int:
        """Show one console as fields, several as rows.

        :raises: CommandError behind the rows where one could not be read
        """
        if len(parsed_args.files) == 1:
            code: int = super().produce_output(parsed_args, column_names, data)
            return code
        escapes = parsed_args.formatter in ESCAPING
        rows = [row if escapes else cells(row) for row in data]
        unread = [row[0] for row in rows if row[1] == UNREAD]
        columns, chosen = self._generate_columns_and_selector(parsed_args, column_names)
        if chosen:
            rows = [list(self._compress_iterable(row, chosen)) for row in rows]
        formatter: Any = self.formatter  # all but one show lists too
        formatter.emit_list(columns, rows, self.app.stdout, parsed_args)
        if unread:
            raise exceptions.CommandError(f"not read: {', '.join(unread)}")
        return 0


def _fields(diagnosis: Diagnosis) -> dict[str, Any]:
    verdict = diagnosis.verdict
    shown = {
        "verdict": verdict.state,
        "reason": verdict.reason,
        "evidence": verdict.evidence,
        "progress": verdict.percent,
        "screen": Lines(diagnosis.screen),
    }
    return {**shown, "os": diagnosis.os} if diagnosis.os else shown


def _stdin() -> BinaryIO | None:
    return sys.stdin.buffer if sys.stdin else None
