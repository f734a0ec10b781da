"""Small options of create, named as those of the client's own commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from osc_lib import exceptions
from osc_lib.cli import parseractions


def add_of_servers(parser: argparse.ArgumentParser) -> None:
    """Let a command say which ports, properties and volumes the servers get."""
    parser.add_argument(
        "--port",
        metavar="<port>",
        action="append",
        default=[],
        help="Port of yours that the servers get, by name or ID, in place of one that Nova "
        "makes; its network counts as one of the build's (repeat for several)",
    )
    parser.add_argument(
        "--nic",
        metavar="<port-id=port|net-id=network>",
        action="append",
        default=[],
        help="The same as --port or --network (repeat for several)",
    )
    parser.add_argument(
        "--server-property",
        metavar="<key=value>",
        action=parseractions.KeyValueAction,
        help="Property of the build's servers, not of the image (repeat for several)",
    )
    parser.add_argument(
        "--volume-type",
        metavar="<volume-type>",
        help="Type of the build's volumes, by name or ID (default: Cinder's choice)",
    )


def add_of_image(parser: argparse.ArgumentParser) -> None:
    """Let a command say what servers of the image need, and that it is to stay."""
    parser.add_argument(
        "--min-disk",
        metavar="<disk-gb>",
        type=int,
        help="Disk in GiB that servers of the image need (default: that of the build)",
    )
    parser.add_argument(
        "--min-ram",
        metavar="<ram-mb>",
        type=int,
        help="RAM in MiB that servers of the image need (default: the catalogue's)",
    )
    parser.add_argument(
        "--disk-format",
        metavar="<disk-format>",
        choices=("qcow2", "raw"),
        help="Format of the image: qcow2 or raw. The root disk is on a volume then, of which "
        "Cinder makes the image (default: what Nova makes of a server's disk; of a volume, "
        "what most of the cloud's public images are)",
    )
    parser.add_argument(
        "--metadata",
        metavar="<standard>",
        choices=("scs",),
        help="Standard that the image's properties follow: scs for SCS-0102 of the "
        "Sovereign Cloud Stack; --property goes over what it says (default: none)",
    )
    protection = parser.add_mutually_exclusive_group()
    protection.add_argument(
        "--protected",
        action="store_true",
        default=None,
        help="Let nobody delete the finished image, not even this plugin",
    )
    protection.add_argument(
        "--unprotected",
        action="store_false",
        dest="protected",
        default=None,
        help="Allow the finished image to be deleted (default)",
    )


def fields(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a request whose options were given, None for others.

    :raises: CommandError where ``--nic`` asks for anything else
    """
    ports, networks = _nics(args.nic)
    return {
        "ports": (*args.port, *ports),
        "networks": (*args.network, *networks),
        "server_properties": args.server_property or {},
        "volume_type": args.volume_type,
        "min_disk_gib": args.min_disk,
        "min_ram_mib": args.min_ram,
        "protected": args.protected,
        "metadata": args.metadata,
        "disk_format": args.disk_format,
    }


def _nics(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the ports and the networks that ``--nic`` names."""
    found: dict[str, list[str]] = {"port-id": [], "net-id": []}
    for word in words:
        key, _, value = word.partition("=")
        if key not in found or not value or "," in value:
            raise exceptions.CommandError(
                "--nic takes port-id=<port> or net-id=<network>, and only one of them, not "
                f"{word!r:.100}"
            )
        found[key].append(value)
    return found["port-id"], found["net-id"]
