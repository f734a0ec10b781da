"""openstack image build os list, os show"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from osc_lib.command import command

Shown = tuple[Sequence[str], Sequence[Any]]


class ListImageBuildOS(command.Lister):
    """List the operating systems that can be built"""

    # The catalogue is on this machine.
    auth_required = False

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.catalog import Catalog

        catalog = Catalog()
        entries = [catalog.entry(name) for name in catalog.names()]
        columns = (
            "Name",
            "Title",
            "Family",
            "Architectures",
            "Boot Methods",
            "End of Life",
        )
        rows = [
            (
                e.name,
                e.title,
                e.family,
                ", ".join(e.arches),
                ", ".join(e.boot_methods),
                e.end_of_life,
            )
            for e in entries
        ]
        return columns, rows


class ShowImageBuildOS(command.ShowOne):
    """Show an operating system that can be built"""

    auth_required = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "os", metavar="<os>", help="Operating system, see 'image build os list'"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.catalog import Catalog

        entry = Catalog().entry(parsed_args.os)
        arches = entry.arches
        shown = {
            "name": entry.name,
            "title": entry.title,
            "family": entry.family,
            "version": entry.version,
            "end_of_life": entry.end_of_life,
            "architectures": ", ".join(arches),
            "source": entry.source,
            "kernel": {arch: data["kernel"] for arch, data in arches.items()},
            "ramdisk": {arch: data["ramdisk"] for arch, data in arches.items()},
            "kernel_args": entry.kernel_args,
            "answer_template": entry.answer,
            "boot_methods": ", ".join(entry.boot_methods),
            "min_ram_mib": entry.min_ram_mib,
            "min_disk_gib": entry.min_disk_gib,
            "timeout_min": entry.timeout_min,
            "properties": dict(entry.properties),
            "deviations": list(entry.deviations),
        }
        return list(shown), list(shown.values())
