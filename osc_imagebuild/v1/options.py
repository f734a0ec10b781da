"""Options for what shall be in the installed system."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_imagebuild.v1 import files

if TYPE_CHECKING:
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


def add_options(parser: argparse.ArgumentParser) -> None:
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
    for option, metavar, text in _ONCE:
        parser.add_argument(option, metavar=metavar, help=text)
    parser.add_argument(
        "--swap", metavar="<MiB>", type=int, help="Size of swap space (default: none)"
    )
    parser.add_argument(
        "--lvm",
        action=argparse.BooleanOptionalAction,
        help="Put the root file system on LVM (default: no)",
    )


def fields(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a request whose options were given.

    :raises: CommandError where a file cannot be read
    """
    found = {
        "ssh_public_keys": tuple(files.read_text(p) for p in args.ssh_public_key),
        "packages": tuple(dict.fromkeys(args.package)),
        "files": tuple(_file(word) for word in args.file),
        "commands": tuple(args.run_command),
        "locale": args.locale,
        "keyboard": args.keyboard,
        "timezone": args.timezone,
        "swap_mib": args.swap,
        "lvm": args.lvm,
    }
    if args.root_password_file:
        password = files.read_text(args.root_password_file, secret=True)
        found["root_password"] = password.rstrip("\r\n")
        if not found["root_password"]:
            raise exceptions.CommandError(f"{args.root_password_file} is empty")
    return {key: value for key, value in found.items() if value not in (None, ())}


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
