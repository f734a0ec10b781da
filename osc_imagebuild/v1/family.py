"""openstack image build family list, family show"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from osc_imagebuild.v1.base import BuildCommand, Lister, Shown
from osc_imagebuild.v1.columns import Age, Texts

if TYPE_CHECKING:
    from osc_imagebuild.builds.families import Family
    from osc_imagebuild.cloud.api import Api


def add_kind(parser: argparse.ArgumentParser) -> None:
    """Let a command say which kind of results it is about."""
    from osc_imagebuild.model.family import KINDS

    parser.add_argument(
        "--kind",
        metavar="<kind>",
        choices=KINDS,
        default="image",
        help=f"Kind of the results: {', '.join(KINDS)} (default: image)",
    )


class ListImageBuildFamily(BuildCommand, Lister):
    """List families: images that follow each other, and the current one of each"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_kind(parser)
        parser.add_argument(
            "--long", action="store_true", help="List additional fields"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.model.family import built_at

        builder, kind = self.builder, parsed_args.kind
        columns = ["Family", "Kind", f"{kind.title()} ID", "Name", "Built At", "Age"]
        columns.append("Older")
        if parsed_args.long:
            columns += ["Visibility", "Members", "OS"]
        rows = []
        for family in builder.families(kind):
            item = family.current
            row = [
                family.name,
                family.kind,
                item.id,
                item.name,
                built_at(item),
                Age(builder.api.now() - item.created_at),
                len(family.older),
            ]
            rows.append(row + (_more(builder.api, family) if parsed_args.long else []))
        return columns, rows


def _more(api: Api, family: Family) -> list[Any]:
    """Return who sees the current result, and its OS."""
    from osc_imagebuild.builds import families
    from osc_imagebuild.model.family import os_of

    shared = families.shared_with(api, family.current)
    visibility = getattr(family.current, "visibility", None)
    known = "unknown" if shared is None else Texts(list(shared))
    return [visibility, known, os_of(family.current) or None]


class ShowImageBuildFamily(BuildCommand, Lister):
    """List the results of a family, the current one first, and who uses them"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument("family", metavar="<family>", help="Name of the family")
        add_kind(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.model.family import built_at, states

        builder = self.builder
        family = builder.family(parsed_args.family, parsed_args.kind)
        rows = []
        for item in family.results:
            place = "current" if item.id == family.current.id else "older"
            rows.append(
                (
                    ", ".join((place, *states(item))),
                    item.id,
                    item.name,
                    built_at(item),
                    Age(builder.api.now() - item.created_at),
                    _servers(family, item.id),
                )
            )
        return ("State", "ID", "Name", "Built At", "Age", "Servers"), rows


def _servers(family: Family, result_id: str) -> Any:
    """Return the names of the servers that use a result."""
    if family.servers is None:
        return "unknown"
    return Texts([server.name or server.id for server in family.servers[result_id]])
