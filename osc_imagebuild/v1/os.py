"""openstack image build os list, os show"""

from __future__ import annotations

import argparse

from osc_lib.cli import format_columns

from osc_imagebuild.v1.base import Lister, Shown, ShowOne


class ListImageBuildOS(Lister):
    """List the operating systems that can be built"""

    # The catalogue is on this machine.
    auth_required = False

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.guests.catalog import Catalog

        catalog = Catalog()
        entries = [catalog.entry(name) for name in catalog.names()]
        columns = (
            "Name",
            "Family",
            "Version",
            "Architectures",
            "End of Life",
            "Boot Methods",
            "Proven",
        )
        rows = [
            (
                e.name,
                e.family,
                e.version,
                ", ".join(e.arches),
                e.end_of_life,
                ", ".join(e.boot_methods),
                e.proven or "no",
            )
            for e in entries
        ]
        return columns, rows


class ShowImageBuildOS(ShowOne):
    """Show an operating system that can be built"""

    auth_required = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "os", metavar="<os>", help="Operating system, see 'image build os list'"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.guests import install_tree
        from osc_imagebuild.guests.catalog import Catalog
        from osc_imagebuild.model.request import Request

        entry = Catalog().entry(parsed_args.os)
        arches = entry.arches
        trees = {
            arch: install_tree.install_tree(entry, Request(name="", arch=arch))
            for arch in arches
        }
        shown = {
            "name": entry.name,
            "title": entry.title,
            "family": entry.family,
            "version": entry.version,
            "end_of_life": entry.end_of_life,
            "proven": entry.proven or "no",
            "architectures": ", ".join(arches),
            "source": format_columns.DictColumn(
                {arch: tree.source for arch, tree in trees.items()}
            ),
            "kernel": format_columns.DictColumn(
                {arch: tree.kernel_url for arch, tree in trees.items()}
            ),
            "ramdisk": format_columns.DictColumn(
                {arch: tree.ramdisk_url for arch, tree in trees.items()}
            ),
            "kernel_args": entry.kernel_args,
            "answer_format": entry.answer_format,
            "answer_template": entry.answer,
            "answer_report": entry.report_hint,
            "boot_methods": ", ".join(entry.boot_methods),
            "min_ram_mib": entry.min_ram_mib,
            "min_disk_gib": entry.min_disk_gib,
            "timeout_min": entry.timeout_min,
            "properties": format_columns.DictColumn(dict(entry.properties)),
            "deviations": format_columns.ListColumn(list(entry.deviations)),
        }
        return list(shown), list(shown.values())
