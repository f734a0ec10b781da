"""openstack image build diagnose"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from osc_lib.command import command

Shown = tuple[Sequence[str], Sequence[Any]]


class DiagnoseImageBuild(command.ShowOne):
    """Tell from a saved console log how an installation goes or why it failed"""

    # Neither a cloud nor a login is needed.
    auth_required = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "file",
            metavar="<console-file>",
            help="Saved console log, as of 'image build log' or 'console log show'",
        )
        parser.add_argument(
            "--os",
            metavar="<os>",
            help="Operating system that was installed, see 'image build os list', "
            "or a family of installers (default: look for the signs of all)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.diagnosis import diagnose_file

        # Typed in a shell, --os was read by the client's own parser: see plugin.
        os_name = parsed_args.os or getattr(self.app.options, "imagebuild_os", None)
        found = diagnose_file(parsed_args.file, os_name)
        verdict = found.verdict
        shown = {
            "verdict": verdict.state,
            "reason": verdict.reason,
            "evidence": verdict.evidence,
            "progress": verdict.percent,
            "screen": found.screen,
        }
        return list(shown), list(shown.values())
