"""Options of create, and the fields of a request that they give."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions
from osc_lib.cli import parseractions

from osc_imagebuild.v1 import cloud_options, files, own_tests
from osc_imagebuild.v1.base import add_driving
from osc_imagebuild.v1.contents import add_contents, contents
from osc_imagebuild.v1.template import add_max_age

if TYPE_CHECKING:
    from osc_imagebuild.model.copies import Copy
    from osc_imagebuild.model.request import File

# Options that may be given several times: name, metavar, help.
_SEVERAL = (
    ("--ssh-public-key", "<file>", "Public key that may log in as root"),
    ("--package", "<package>", "Package to install"),
    ("--file", "<file>:<path>", "File to copy to a path in the installed system"),
    (
        "--run-command",
        "<command>",
        "Command to run in the installed system, by its shell, after all else",
    ),
)
_ONCE = (
    ("--locale", "<locale>", "Such as de_DE.UTF-8 (default: the catalogue's)"),
    ("--keyboard", "<layout>", "Such as de (default: the catalogue's)"),
    ("--timezone", "<zone>", "Such as Europe/Berlin (default: the catalogue's)"),
)


def add_system(parser: argparse.ArgumentParser) -> None:
    """Let a command say which system is installed, and from where."""
    parser.add_argument(
        "--os",
        metavar="<os>",
        help="Operating system, see 'image build os list' (default: debian-13; with "
        "--from-image the one that the image says)",
    )
    parser.add_argument(
        "--from-image",
        metavar="<image>",
        help="Change an existing image, and install nothing: its name or ID, or "
        "family:<family> for the newest of a family",
    )
    parser.add_argument(
        "--from-image-property",
        metavar="<key=value>",
        action=parseractions.KeyValueAction,
        help="Change the newest image that has this property (repeat for several)",
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


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Let a command say what machine the servers are, and how they boot."""
    parser.add_argument(
        "--boot-method",
        metavar="<method>",
        help="How the installer starts: auto, ipxe, kernel, cdrom or image (default: auto)",
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


def add_placement(parser: argparse.ArgumentParser) -> None:
    """Let a command say where the servers are: flavor, networks, zone."""
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


def add_result(parser: argparse.ArgumentParser) -> None:
    """Let a command say what becomes of the installed system."""
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


def add_rotation(parser: argparse.ArgumentParser) -> None:
    """Let a command say what becomes of older images, and whom the new one is for."""
    parser.add_argument(
        "--family",
        metavar="<family>",
        help="Family of images that follow each other (default: the image's name)",
    )
    parser.add_argument(
        "--replace",
        action=argparse.BooleanOptionalAction,
        help="Take the name from the older images of the family, once the new one is "
        "proven (default: no)",
    )
    parser.add_argument(
        "--old",
        metavar="<way>",
        help="How --replace puts older images away: keep, hide, community, deactivate or "
        "delete (default: hide)",
    )
    parser.add_argument(
        "--keep",
        metavar="<number>",
        type=int,
        help="How many older images --replace keeps; older ones still are deleted "
        "(default: 3)",
    )
    parser.add_argument(
        "--member",
        metavar="<project>",
        action="append",
        default=[],
        help="Project to share the image with, by name or ID (repeat for several); with "
        "--replace also those that the older image is shared with",
    )
    parser.add_argument(
        "--member-cloud",
        metavar="<cloud>",
        action="append",
        default=[],
        help="Cloud of clouds.yaml whose project the image is shared with, and accepted "
        "by (repeat for several)",
    )


def add_copies(parser: argparse.ArgumentParser) -> None:
    """Let a command say where the finished image is copied to."""
    add_targets(parser)
    parser.add_argument(
        "--store",
        metavar="<store>",
        action="append",
        default=[],
        help="Store of Glance that gets the image's data too (repeat for several)",
    )
    parser.add_argument(
        "--all-stores",
        action=argparse.BooleanOptionalAction,
        help="Copy the image's data to all stores of Glance (default: no)",
    )


def add_targets(parser: argparse.ArgumentParser) -> None:
    """Let a command name the clouds that an image is copied to."""
    parser.add_argument(
        "--copy-to",
        metavar="<cloud>[/<region>]",
        action="append",
        default=[],
        help="Cloud of clouds.yaml, or region of it, that gets a copy of the image "
        "(repeat for several)",
    )


def targets(words: Sequence[str], *, verify: bool = False) -> tuple[Copy, ...]:
    """Return the copies that ``--copy-to`` asks for."""
    from osc_imagebuild.model.copies import parse

    return tuple(parse(word, verify=verify) for word in dict.fromkeys(words))


def add_conduct(parser: argparse.ArgumentParser) -> None:
    """Let a command say how the build is driven."""
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
        "--screenshots",
        action=argparse.BooleanOptionalAction,
        help="Keep a small picture of the screen for each phase (default: yes, where "
        "the cloud has VNC consoles)",
    )
    parser.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        help="Boot the result before it is published (default: yes)",
    )
    own_tests.add_tests(parser)
    own_tests.add_report(parser)
    add_driving(parser)
    parser.add_argument(
        "--if-changed",
        action="store_true",
        help="Build only if something changed since the newest image of the family: "
        "the mirror, package indexes, install media, template or catalogue",
    )
    add_max_age(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="Check and show what would be built; write nothing",
    )


def fields(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a request whose options were given.

    :raises: CommandError where a file cannot be read
    """
    own = files.read_text(args.answer_file) if args.answer_file else None
    fields = {
        "name": args.name,
        "os": args.os,
        "arch": args.arch,
        "source": args.source,
        "from_image": args.from_image,
        "from_properties": args.from_image_property or {},
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
        "security_groups": tuple(args.security_group),
        "availability_zone": args.availability_zone,
        "hints": {key: tuple(values) for key, values in (args.hint or {}).items()},
        "properties": args.property or {},
        "tags": tuple(dict.fromkeys(args.tag)),
        "visibility": args.visibility,
        "family": args.family,
        "replace": args.replace,
        "old": args.old,
        "keep": args.keep,
        "members": tuple(dict.fromkeys(args.member)),
        "member_clouds": tuple(dict.fromkeys(args.member_cloud)),
        "copies": targets(args.copy_to),
        "stores": tuple(dict.fromkeys(args.store)),
        "all_stores": args.all_stores,
        "timeout_min": args.timeout,
        "stall_min": args.stall_timeout,
        "keep_on_failure": args.keep_on_failure,
        "attempts": args.attempts,
        "screenshots": args.screenshots,
        "verify": args.verify,
        **own_tests.fields(args),
        **cloud_options.fields(args),
    }
    given = {key: value for key, value in fields.items() if value not in (None, (), {})}
    return given | _customization(args)


def add_customization(parser: argparse.ArgumentParser) -> None:
    """Let a command say what shall be in the installed system."""
    parser.add_argument(
        "--root-password-file",
        metavar="<file>",
        help="File with root's password; only its hash leaves this machine",
    )
    for option, metavar, text in _SEVERAL:
        parser.add_argument(
            option,
            metavar=metavar,
            action="append",
            default=[],
            help=f"{text} (repeat for several)",
        )
    add_contents(parser)
    for option, metavar, text in _ONCE:
        parser.add_argument(option, metavar=metavar, help=text)
    parser.add_argument(
        "--update",
        action=argparse.BooleanOptionalAction,
        help="Bring all that is installed up to date (default: yes, where it can be done; "
        "given, the build fails where it cannot)",
    )
    parser.add_argument(
        "--swap", metavar="<MiB>", type=int, help="Size of swap space (default: none)"
    )
    parser.add_argument(
        "--lvm",
        action=argparse.BooleanOptionalAction,
        help="Put the root file system on LVM (default: no)",
    )
    _add_disk(parser)


def _add_disk(parser: argparse.ArgumentParser) -> None:
    """Let a command say how the disk is divided; volumes need a template."""
    parser.add_argument(
        "--disk-layout",
        metavar="<layout>",
        choices=("plain", "lvm", "cis"),
        help="plain: one root partition; lvm: the same as --lvm; cis: logical volumes for "
        "/home, /tmp, /var, /var/log, /var/log/audit and /var/tmp, mounted as the CIS "
        "benchmarks want it (default: plain)",
    )
    parser.add_argument(
        "--filesystem",
        metavar="<filesystem>",
        choices=("ext4", "xfs", "btrfs"),
        help="File system of the root and all volumes: ext4, xfs or btrfs (default: what "
        "is usual for the system)",
    )


def _disk(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a disk: either option for LVM goes over a template's."""
    given = {"filesystem": args.filesystem, "lvm": args.lvm}
    if args.lvm is not None or args.disk_layout:
        given |= {"disk_layout": args.disk_layout or "", "lvm": bool(args.lvm)}
    return given


def _customization(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of what shall be in the installed system.

    :raises: CommandError where a file cannot be read
    """
    given = {
        "ssh_public_keys": tuple(files.read_text(p) for p in args.ssh_public_key),
        "packages": tuple(dict.fromkeys(args.package)),
        "files": tuple(_file(word) for word in args.file),
        "contents": contents(args.content),
        "commands": tuple(args.run_command),
        "locale": args.locale,
        "keyboard": args.keyboard,
        "timezone": args.timezone,
        "swap_mib": args.swap,
        **_disk(args),
        "update": args.update,
    }
    if args.root_password_file:
        password = files.read_text(args.root_password_file, secret=True)
        given["root_password"] = password.rstrip("\r\n")
        if not given["root_password"]:
            raise exceptions.CommandError(f"{args.root_password_file} is empty")
    return {key: value for key, value in given.items() if value not in (None, ())}


def _file(word: str) -> File:
    """Return the file that ``<file>:<path>`` names; an executable stays one."""
    from osc_imagebuild.model.request import File

    # The path may be Windows' own, such as C:\x.
    source, _, path = word.partition(":")
    if not source or not path:
        raise exceptions.CommandError(
            f"--file takes a file of this machine and a path, such as "
            f"motd:/etc/motd, not {word!r:.60}"
        )
    content, executable = files.read_bytes(source)
    windows = "\\" in path
    mode = "0755" if executable and not windows else "0644"
    return File(path=path, content=content, mode=mode)
