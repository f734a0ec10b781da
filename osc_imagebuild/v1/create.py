"""openstack image build create"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions
from osc_lib.cli import parseractions
from osc_lib.command import command

from osc_imagebuild.v1 import files, options
from osc_imagebuild.v1.base import BuildCommand, add_driving, columns_of, driving
from osc_imagebuild.v1.template import add_variables, template_fields

if TYPE_CHECKING:
    from osc_imagebuild.builder import Plan
    from osc_imagebuild.guests.catalog import Catalog
    from osc_imagebuild.model.request import Request


class CreateImageBuild(BuildCommand, command.ShowOne):
    """Build an image of an operating system with the vendor's own installer"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "name",
            metavar="<image-name>",
            nargs="?",
            help="Name of the image to build, unless a template has it",
        )
        parser.add_argument(
            "--template",
            metavar="<file>",
            help="Template in YAML, or in Oz's language if it ends in .tdl; options "
            "that are given too change it",
        )
        add_variables(parser)
        _add_system(parser)
        options.add_options(parser)
        _add_server(parser)
        _add_result(parser)
        _add_conduct(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        progress = self.progress()
        builder = self.builder
        builder.listener = progress
        # Typed in a shell, --os was read by the client's own parser: see plugin.
        parsed_args.os = parsed_args.os or self.app.options.imagebuild_os
        plan = builder.plan(_request(parsed_args, builder.catalog))
        for line in plan.choices:
            progress.note(line)
        for line in plan.warnings:
            progress.note(f"warning: {line}")
        if parsed_args.dry_run:
            return _planned(plan)
        with driving(progress, builder, parsed_args):
            build = builder.start(plan, wait=parsed_args.wait)
        return columns_of(build)


def _planned(plan: Plan) -> tuple[Sequence[str], Sequence[Any]]:
    from dataclasses import asdict

    shown = asdict(plan.spec) | {"answer_file": plan.texts["answer"]}
    hidden = ("progress", "failures", "banners", "verify_user_data")
    kept = {key: value for key, value in shown.items() if key not in hidden}
    return list(kept), list(kept.values())


def _request(args: argparse.Namespace, catalog: Catalog) -> Request:
    """The template's fields, as the options that were given change them."""
    from osc_imagebuild import template
    from osc_imagebuild.model.request import Request

    fields = template_fields(args, args.template, catalog) if args.template else {}
    for option, value in (("--var", args.var), ("--oz-auto", args.oz_auto)):
        if value and not args.template:
            raise exceptions.CommandError(
                f"{option} is for a template: give --template too"
            )
    return Request(**{"name": "", **template.combine(fields, _given(args))})


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """The fields whose options were given."""
    own = files.read_text(args.answer_file) if args.answer_file else None
    fields = {
        "name": args.name,
        "os": args.os,
        "arch": args.arch,
        "source": args.source,
        "answer_file": own,
        "boot_method": args.boot_method,
        "output": args.output,
        "disk_gib": args.disk,
        "firmware": args.firmware,
        "secure_boot": args.secure_boot,
        "tpm": args.tpm,
        "config_drive": args.config_drive,
        "checksum": args.checksum,
        "driver_iso": args.driver_iso,
        "flavor": args.flavor,
        "networks": tuple(args.network),
        "security_groups": tuple(args.security_group),
        "availability_zone": args.availability_zone,
        "hints": {key: tuple(values) for key, values in (args.hint or {}).items()},
        "properties": args.property or {},
        "tags": tuple(dict.fromkeys(args.tag)),
        "visibility": args.visibility,
        "timeout_min": args.timeout,
        "stall_min": args.stall_timeout,
        "keep_on_failure": args.keep_on_failure,
        "attempts": args.attempts,
        "verify": args.verify,
    }
    given = {key: value for key, value in fields.items() if value not in (None, (), {})}
    return given | options.fields(args)


def _add_system(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--os",
        metavar="<os>",
        help="Operating system, see 'image build os list' (default: debian-13)",
    )
    parser.add_argument("--arch", metavar="<arch>", help="Default: x86_64")
    parser.add_argument(
        "--source",
        metavar="<source>",
        help="URL of an install tree, or the installer's ISO: its URL, the name or ID "
        "of an image, or a file (default: the OS's own mirror)",
    )
    parser.add_argument(
        "--checksum",
        metavar="<digest>",
        help="sha256 or sha512 of the ISO (default: what its vendor has beside it)",
    )
    parser.add_argument(
        "--driver-iso",
        metavar="<iso>",
        help="ISO with drivers that the installer lacks, such as virtio-win.iso for "
        "Windows: its URL, the name or ID of an image, or a file",
    )
    parser.add_argument(
        "--answer-file",
        metavar="<file>",
        help="Own answer file for the installer; it must power the server off",
    )


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--boot-method",
        metavar="<method>",
        help="How the installer starts: auto, ipxe, kernel or cdrom (default: auto)",
    )
    parser.add_argument(
        "--firmware",
        metavar="<firmware>",
        choices=("bios", "uefi"),
        help="Firmware of the servers: bios or uefi (default: bios)",
    )
    parser.add_argument(
        "--secure-boot",
        action=argparse.BooleanOptionalAction,
        help="Let the firmware start nothing that is not signed; needs an ISO, and "
        "--firmware uefi (default: no)",
    )
    parser.add_argument(
        "--tpm",
        action=argparse.BooleanOptionalAction,
        help="Give the servers an emulated TPM 2.0 (default: no)",
    )
    parser.add_argument(
        "--disk",
        metavar="<gib>",
        type=int,
        help="Put the root disk on a volume of so many GiB (default: the flavor's "
        "own disk, where the build needs no volume)",
    )
    parser.add_argument(
        "--config-drive",
        action=argparse.BooleanOptionalAction,
        help="Give the servers a config drive (default: where no network has a router, "
        "because metadata may not be reachable then, and where the first has no DHCP)",
    )
    parser.add_argument(
        "--flavor", metavar="<flavor>", help="Default: the smallest that fits"
    )
    parser.add_argument(
        "--network",
        metavar="<network>",
        action="append",
        default=[],
        help="Network, by name or ID (repeat for several; default: the usable one)",
    )
    parser.add_argument(
        "--security-group",
        metavar="<group>",
        action="append",
        default=[],
        help="Security group, by name or ID (repeat for several)",
    )
    parser.add_argument("--availability-zone", metavar="<zone>", help="Where to build")
    parser.add_argument(
        "--hint",
        metavar="<key=value>",
        action=parseractions.KeyValueAppendAction,
        help="Hint for Nova's scheduler (repeat for several, also of one key: "
        "different_host and same_host take several servers)",
    )


def _add_result(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        metavar="<output>",
        help="What is made: image, volume or snapshot (default: image)",
    )
    parser.add_argument(
        "--property",
        metavar="<key=value>",
        action=parseractions.KeyValueAction,
        help="Property of the finished image (repeat for several)",
    )
    parser.add_argument(
        "--tag",
        metavar="<tag>",
        action="append",
        default=[],
        help="Tag of the finished image (repeat for several)",
    )
    parser.add_argument(
        "--visibility",
        metavar="<visibility>",
        help="Who sees the finished image: private, shared, community or public, "
        "as far as the cloud lets you (default: private)",
    )


def _add_conduct(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        metavar="<minutes>",
        type=int,
        help="Longest time for the installer (default: the OS's own)",
    )
    parser.add_argument(
        "--stall-timeout",
        metavar="<minutes>",
        type=int,
        help="Longest time without any sign of life (default: the OS's own, 10)",
    )
    parser.add_argument(
        "--keep-on-failure",
        action="store_true",
        default=None,
        help="Leave everything in place where the build fails",
    )
    parser.add_argument(
        "--attempts",
        metavar="<number>",
        type=int,
        help="How often the install server is made where Nova found no host for it, or "
        "its guest no network or no answer file (default: 2)",
    )
    parser.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        help="Boot the result before it is published (default: yes)",
    )
    add_driving(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="Check and show what would be built; write nothing",
    )
