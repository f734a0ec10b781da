"""Check what the user wants in the installed system. Pure.

Templates quote every value for their format; these rules refuse what cannot
work anyway, at once and with a sentence, and keep names plain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from osc_imagebuild.guests import contents
from osc_imagebuild.model.request import File, Repository, Request, User

# Field of a request: its option, and what it is in a sentence.
FIELDS = {
    "root_password": ("--root-password-file", "a root password"),
    "ssh_public_keys": ("--ssh-public-key", "an SSH key"),
    "users": ("users", "users"),
    "packages": ("--package", "packages"),
    "repositories": ("repositories", "package repositories"),
    "files": ("--file", "files"),
    "contents": ("--content", "contents"),
    "commands": ("--run-command", "commands"),
    "proxy": ("build.proxy", "a proxy"),
    "ca_certificates": ("ca_certificates", "CA certificates"),
    "ansible": ("customise.ansible", "a playbook"),
    "hardening": ("customise.hardening", "a hardening profile"),
    "locale": ("--locale", "a locale"),
    "keyboard": ("--keyboard", "a keyboard"),
    "timezone": ("--timezone", "a time zone"),
    "swap_mib": ("--swap", "swap space"),
    "lvm": ("--lvm", "LVM"),
    "disk_layout": ("--disk-layout", "a disk layout"),
    "filesystem": ("--filesystem", "a file system"),
    "disk_volumes": ("disk.volumes", "volumes beside the root"),
    "update": ("--update", "updates"),
}

# Source: useradd(8), the names that it takes everywhere.
_NAME = r"[a-z_][a-z0-9_-]{0,31}"
_OWNER = rf"{_NAME}([:.]{_NAME})?"
_WORD = r"[A-Za-z0-9][\w./+-]{0,99}"
URL = r"https?://[\w.-]+(:\d+)?(/[\w./$+~%:@=-]*)?"
# The comment may be any text: every answer file has keys quoted.
# Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT: it goes to the end of the line.
_SSH_KEY = r"(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?"


class Form(NamedTuple):
    """How a value is written: in a sentence, as a pattern, and for example."""

    words: str
    pattern: str
    example: str


# What `accepted` then looks up in the installer's own list.
FORMS = {
    "locale": Form(
        "locale",
        r"C|POSIX|C\.UTF-8|[a-z]{2,3}_[A-Z]{2}\.UTF-8",
        "de_DE.UTF-8 or C.UTF-8",
    ),
    "keyboard": Form(
        "keyboard",
        r"[A-Za-z][A-Za-z0-9_.-]{1,30}(\([A-Za-z0-9_.-]{1,30}\))?",
        "us or de",
    ),
    "timezone": Form(
        "time zone", r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", "Europe/Berlin"
    ),
}

# Source: Debian policy, 5.6.1: package names; a release or an architecture
# may follow as in apt-get(8).
DEBIAN_PACKAGE = r"[a-z0-9][a-z0-9+.-]+([:/=][A-Za-z0-9+.:~-]+)?"
# Source: pykickstart's documentation of %packages: a package, @group, @^environment;
# YaST and Agama take the plain names.
RPM_PACKAGE = r"(@\^?)?[A-Za-z0-9][A-Za-z0-9+._:*-]*"
# Source: pkg-install(8): a name or an origin.
FREEBSD_PACKAGE = r"[A-Za-z0-9][\w.+@-]*(/[\w.+@-]+)?"


def given(request: Request, *fields: str) -> list[str]:
    """Return which of ``fields``, or of all wishes, were asked for."""
    return [f for f in (fields or FIELDS) if getattr(request, f)]


def refused(request: Request, title: str, reasons: dict[str, str]) -> list[str]:
    """Return a problem for each wish that has a reason and was asked for.

    Nothing that a user asks for is passed over in silence.
    """
    if request.answer_file is not None:
        return []  # refused as a whole, see `preflight.check_answers`
    return [
        f"{title} cannot be given {FIELDS[f][1]}" + (f": {why}" if why else "")
        for f, why in reasons.items()
        if getattr(request, f)
    ]


def validate_request(request: Request, package: str) -> list[str]:
    """Return what is wrong with the wishes for a system like Unix.

    ``package`` is a regular expression for the names of its packages.
    """
    refusals = [
        f"this cannot be the name of a package: {name!r:.60}"
        for name in request.packages
        if not re.fullmatch(package, name)
    ]
    refusals += _password("root", request.root_password)
    refusals += keys(request.ssh_public_keys)
    for user in request.users:
        refusals += _user(user)
    names = [user.name for user in request.users]
    refusals += [
        f"user {n!r:.60} is there twice"
        for n in sorted(set(names))
        if names.count(n) > 1
    ]
    for repository in request.repositories:
        refusals += _repository(repository)
    refusals += files(request.files)
    refusals += contents.validate_contents(request.contents)
    refusals += commands(request)
    if not 0 <= request.swap_mib <= 1024 * 1024:
        refusals.append("swap space is given in MiB: 0 to 1048576")
    return refusals


def suites(request: Request, *, apt: bool) -> list[str]:
    """Return what is missing of repositories for apt, or too much for others."""
    if apt:
        return [
            f"repository {r.name!r:.60} needs suites, such as: stable"
            for r in request.repositories
            if not r.suites
        ]
    return [
        f"repository {r.name!r:.60}: suites and components are for apt"
        for r in request.repositories
        if r.suites or r.components
    ]


def commands(request: Request) -> list[str]:
    """Return a problem for each command that is empty, or that no shell reads to its end."""
    return [
        f"this is no command: {command!r:.60}"
        for command in request.commands
        if not command.strip() or re.search("[\0\ud800-\udfff]", command)
    ]


def keys(ssh_keys: Iterable[str]) -> list[str]:
    """Return a problem for each SSH public key that is not plainly one."""
    return [
        "the SSH public key is not one line such as: ssh-ed25519 AAAA... comment"
        for key in ssh_keys
        if not (key.strip().isprintable() and re.fullmatch(_SSH_KEY, key.strip()))
    ]


def _user(user: User) -> list[str]:
    problems = [
        f"this cannot be the name of a user or group: {name!r:.60}"
        for name in (user.name, *user.groups)
        if not re.fullmatch(_NAME, name)
    ]
    if user.name == "root":
        problems.append(
            "root is there already: --root-password-file and --ssh-public-key are for it"
        )
    problems += _password(user.name, user.password)
    return problems + keys(user.ssh_public_keys)


def _password(name: str, password: str | None) -> list[str]:
    """Return a problem for a password of several lines, which nobody could type."""
    if password is None or not re.search("[\0\r\n]", password):
        return []
    return [
        f"the password of {name:.60} is more than one line, which nobody could type; its "
        "file must have just one"
    ]


def _repository(repository: Repository) -> list[str]:
    problems = [
        f"repository {repository.name!r:.60}: this is no plain word: {word!r:.60}"
        for word in (repository.name, *repository.suites, *repository.components)
        if not re.fullmatch(_WORD, word)
    ]
    if "/" in repository.name:
        problems.append(
            f"the name of a repository has no slash: {repository.name!r:.60}"
        )
    if not re.fullmatch(URL, repository.url):
        problems.append(
            f"repository {repository.name!r:.60} needs an http(s) URL, not "
            f"{repository.url!r:.100}"
        )
    return problems


def files(wanted: Iterable[File]) -> list[str]:
    """Return a problem for each file whose path, mode or owner is not plainly one."""
    return [problem for file in wanted for problem in _file(file)]


def _file(file: File) -> list[str]:
    problems = []
    parts = file.path.split("/")
    plain = file.path.isprintable() and not {".", "..", ""} & set(parts[1:])
    if parts[0] or len(parts) < 2 or not plain or len(file.path) > 1000:
        problems.append(
            f"a file needs a whole path such as /etc/motd: {file.path!r:.60}"
        )
    if not re.fullmatch(r"[0-7]{3,4}", file.mode):
        problems.append(
            f"the mode of {file.path:.60} is not one like 0644: {file.mode!r:.20}"
        )
    if not re.fullmatch(_OWNER, file.owner):
        problems.append(
            f"the owner of {file.path:.60} is not one like root:root: {file.owner!r:.60}"
        )
    return problems
