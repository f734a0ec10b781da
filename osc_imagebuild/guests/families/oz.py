"""Family oz: Oz's own answer file, made to power off and to report.

For systems that Oz knows and the catalogue does not. The entry's variable
``auto`` is Oz's text, ``kind`` is kickstart or preseed. What Oz would do over
SSH after the installation, a script does at its end.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from osc_imagebuild.guests import passwords
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import File, Repository, Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return Oz's text as it is sent, and what the script at the end needs."""
    password = request.root_password
    kind = str(entry.variables["kind"])
    change = {"kickstart": kickstart, "preseed": preseed}[kind]
    keys = "".join(f"{key.strip()}\n" for key in request.ssh_public_keys)
    repositories = [_repository_file(r, kind) for r in request.repositories]
    return {
        "auto": change(
            str(entry.variables["auto"]),
            passwords.hashed(password) if password else "*",
        ),
        "mirror": urlsplit((request.source or entry.source).rstrip("/")),
        "packages": shlex.join(request.packages),
        "repository_files": [_prepared(file) for file in repositories],
        "files": [_prepared(file) for file in request.files],
        "ssh_keys": _base64(keys.encode()) if keys else "",
        "commands": [_base64(command.encode()) for command in request.commands],
    }


def problems(entry: Entry, request: Request) -> list[str]:
    """Refuse what Oz's answer files have no place for."""
    return [
        f"{entry.title}: Oz's answer file cannot be given {what}"
        for what, value in (
            ("users", request.users),
            ("contents", request.contents),
            ("a locale", request.locale),
            ("a keyboard", request.keyboard),
            ("a time zone", request.timezone),
            ("swap", request.swap_mib),
            ("LVM", request.lvm),
            ("a disk layout", request.disk_layout),
            ("a file system", request.filesystem),
            ("volumes beside the root", request.disk_volumes),
            ("updates", request.update),
            ("a playbook", request.ansible),
            ("a hardening profile", request.hardening),
            ("firmware uefi", request.firmware != "bios"),
            ("a proxy", request.proxy),
            ("CA certificates", request.ca_certificates),
            (
                "a key of package repositories",
                any(repository.key for repository in request.repositories),
            ),
            (
                "a login for package repositories",
                any(repository.username for repository in request.repositories),
            ),
        )
        if value and request.answer_file is None
    ]


def kickstart(text: str, password_hash: str) -> str:
    """Return a kickstart of Oz's that ends with the power off."""
    # Oz's machine has its network card in a certain slot, a cloud's need not.
    text = text.replace("--device ens3", "--device link")
    text = _replaced(text, r"^rootpw .*", f"rootpw --iscrypted {password_hash}")
    return _replaced(text, r"^reboot$", "poweroff")


def preseed(text: str, password_hash: str) -> str:
    """Return a preseed file of Oz's without its plain password."""
    text = re.sub(r"^d-i passwd/root-password-again .*\n", "", text, flags=re.M)
    return _replaced(
        text,
        r"^d-i passwd/root-password password .*",
        f"d-i passwd/root-password-crypted password {password_hash}",
    )


def _replaced(text: str, pattern: str, line: str) -> str:
    """Exchange a line, or have it first where there is none."""
    # A function, because a hash has backslash-like characters for re.sub.
    replaced, count = re.subn(pattern, lambda _: line, text, flags=re.M)
    return replaced if count else f"{line}\n{text}"


def _repository_file(repository: Repository, kind: str) -> File:
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", repository.name)
    if kind == "preseed":
        words = (*repository.suites, *repository.components) or ("./",)
        text = f"deb [trusted=yes] {repository.url} {' '.join(words)}\n"
        return File(path=f"/etc/apt/sources.list.d/{name}.list", content=text.encode())
    text = f"[{name}]\nname={name}\nbaseurl={repository.url}\nenabled=1\ngpgcheck=0\n"
    return File(path=f"/etc/yum.repos.d/{name}.repo", content=text.encode())


def _prepared(file: File) -> dict[str, str]:
    """A file with all of it ready for a shell."""
    return {
        "path": shlex.quote(file.path),
        "mode": shlex.quote(file.mode),
        "owner": shlex.quote(file.owner),
        "content": _base64(file.content),
    }


def _base64(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    return "\n".join(_cut(text, 76))


def _cut(text: str, size: int) -> Iterable[str]:
    return (text[at : at + size] for at in range(0, len(text), size))
