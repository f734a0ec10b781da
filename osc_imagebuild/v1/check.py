"""openstack image build check"""

from __future__ import annotations

import argparse

from osc_imagebuild.v1.base import BuildCommand, Lister, Shown

COLUMNS = ("Area", "What", "Works", "Reason")


class CheckImageBuild(BuildCommand, Lister):
    """Tell what works in this cloud for this user, and why the rest does not"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "--os",
            metavar="<os>[,<os>...]",
            help="Operating system to plan a build of, see 'image build os list' (several, "
            "parted by commas)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        # The client itself takes it; see plugin.build_option_parser.
        named = parsed_args.os or getattr(self.app.options, "imagebuild_os", None) or ""
        systems = (name.strip() for name in named.split(","))
        found = self.builder.check(tuple(filter(None, systems)))
        return COLUMNS, [(f.area, f.what, str(f.works), f.reason) for f in found]
