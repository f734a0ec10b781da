"""Render the answer file, the command line and the first boot's user data.

Templates get the common variables of `wishes` and those of the entry's family.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osc_imagebuild import boot
from osc_imagebuild.guests import (
    access,
    contents,
    own_tests,
    passwords,
    provision,
    rendering,
)
from osc_imagebuild.guests import disk as disks
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.guests.families import family
from osc_imagebuild.guests.install_tree import is_iso, variables
from osc_imagebuild.model import machine
from osc_imagebuild.model.contents import LABEL
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Address

# Source: Nova's metadata service; /latest/user-data is the user data as given.
USER_DATA_URL = "http://169.254.169.254/latest/user-data"
REPORT_URL = "http://169.254.169.254/openstack/latest/password"
# Source: nova.api.openstack.compute.schemas.servers, user_data maxLength.
USER_DATA_LIMIT = 65535
# In an own answer file, which is no template, this stands for the build's ID.
BUILD_ID_WORD = "@BUILD_ID@"
# And this for one line of shell that reports, and waits to be heard.
REPORT_WORD = "@REPORT@"


@dataclass(frozen=True)
class Answers:
    """The texts of one build: user data of its servers, and a command line.

    ``shown`` is the answer file for people's eyes, with no password in it.
    """

    answer: str
    kernel_args: str
    verify: str
    verify_sign: str
    shown: str


@dataclass(frozen=True)
class IsoRef:
    """The installer's ISO as templates see it.

    ``label`` is one word; ``url`` is '' where the server has the ISO as a CD.
    """

    label: str = ""
    url: str = ""


@dataclass(frozen=True)
class AnswerDelivery:
    """How the answers reach an installer: the boot method, network, and ISO.

    ``metadata`` is whether answers are read from the
    metadata service, even by an installer that could from a config drive. ``from_iso``
    is whether the installer comes from an ISO, even if the request does not say so.
    """

    boot_method: str = ""
    address: Address | None = None
    metadata: bool = True
    disc: IsoRef = IsoRef()
    from_iso: bool = False


def wishes(entry: Entry, request: Request) -> dict[str, Any]:
    """Return what every family's templates may use of a request.

    A password is there as its hash alone. '*' matches no password; some
    installers take '!' for none and ask.
    """

    def hashed(password: str | None) -> str:
        return passwords.hashed(password) if password else "*"

    disk = disks.disk(entry, request)
    return {
        "root_password_hash": hashed(request.root_password),
        "ssh_public_keys": [key.strip() for key in request.ssh_public_keys],
        "users": [
            {
                "name": user.name,
                "password_hash": hashed(user.password),
                "ssh_public_keys": [key.strip() for key in user.ssh_public_keys],
                "groups": user.groups,
                "sudo": user.sudo,
            }
            for user in request.users
        ],
        "packages": sorted({*entry.variables.get("packages", ()), *request.packages}),
        "repositories": request.repositories,
        "files": request.files,
        "contents": contents.prepared(request),
        "contents_label": LABEL,
        "contents_disc": any(content.source for content in request.contents),
        "commands": request.commands,
        "locale": request.locale or entry.variables.get("locale", ""),
        "keyboard": request.keyboard or entry.variables.get("keyboard", ""),
        "timezone": request.timezone or entry.variables.get("timezone", ""),
        "swap_mib": request.swap_mib,
        "lvm": disk.lvm,
        "root_disk": disk,
        "update": request.updates,
        "update_required": bool(request.update),
        "uefi": machine.firmware(request) == "uefi",
        "own_tests": own_tests.packed(request),
        **provision.context(entry, request),
    }


def render(
    entry: Entry,
    request: Request,
    build_id: str,
    source: str,
    delivery: AnswerDelivery = AnswerDelivery(),
) -> Answers:
    """Return what the installer and the first boot are told.

    :raises: SpecError where a template cannot be rendered
    """
    context = _context(entry, request, build_id, source, delivery)
    kernel_args = entry.kernel_args
    method = boot.find(delivery.boot_method or request.boot_method)
    if context["from_iso"] and method and method.uploads_kernel:
        kernel_args = entry.iso_kernel_args or kernel_args
    answer = shown = _answer(entry, request, build_id, context)
    if access.has_secrets(request):
        veiled = access.veiled(request)
        public = _context(entry, veiled, build_id, source, delivery)
        shown = _answer(entry, veiled, build_id, public)
    return Answers(
        answer=answer,
        shown=shown,
        kernel_args=" ".join(rendering.text(entry, kernel_args, context).split()),
        verify=rendering.file(entry, entry.verify.get("user_data"), context),
        verify_sign=rendering.text(entry, entry.verify.get("sign", "login:"), context),
    )


def verification(
    entry: Entry, arch: str, build_id: str, tests: Request | None = None
) -> tuple[str, str]:
    """Return user data and sign of a server that tests an image which exists.

    With ``tests`` it runs those of that request.

    :raises: SpecError where a template cannot be rendered
    """
    request = Request(name="", os=entry.name, arch=arch)
    if tests:
        request = dataclasses.replace(
            request,
            tests=tests.tests,
            test_files=tests.test_files,
            test_reboot=tests.test_reboot,
        )
    context = _context(entry, request, build_id, "", AnswerDelivery())
    return (
        rendering.file(entry, entry.verify.get("user_data"), context),
        rendering.text(entry, entry.verify.get("sign", "login:"), context),
    )


def _context(
    entry: Entry, request: Request, build_id: str, source: str, delivery: AnswerDelivery
) -> dict[str, Any]:
    """Return all that the templates of one build may use."""
    request = contents.equipped(entry, request)
    method = boot.find(delivery.boot_method or request.boot_method)
    needs_iso = method is not None and method.takes_iso and not method.takes_tree
    from_iso = delivery.from_iso or bool(request.source and is_iso(request.source))
    drive = None if delivery.metadata else entry.config_drive_url
    context: dict[str, Any] = {
        **variables(entry, request, source),
        **wishes(entry, request),
        **access.context(entry, request),
        "boot_method": delivery.boot_method,
        "from_iso": needs_iso or from_iso,
        "boots_iso": method is None or method.boots_iso,
        "command_line_limit": method.command_line_limit if method else 0,
        "iso_label": delivery.disc.label,
        "iso_url": delivery.disc.url,
        "build_id": build_id,
        "user_data_url": USER_DATA_URL if drive is None else drive,
        "report_url": REPORT_URL,
        "address": delivery.address,
    }
    kind = "static" if delivery.address else "dhcp"
    context["network_args"] = rendering.text(
        entry, entry.network.get(kind, ""), context
    )
    context |= family(entry.family).context(entry, request)
    context["report"] = rendering.file(entry, entry.report, context)
    if request.has_parent:
        return context | _of_layer(entry, request)
    context["finish"] = rendering.file(entry, entry.finish, context)
    return context


def _of_layer(entry: Entry, request: Request) -> dict[str, Any]:
    """Return what is different for user data that change an image.

    They are the script that ends an installation, over which a layer's template goes:
    no installer has installed packages before, or leaves anything behind.
    """
    return {
        "finish_template": entry.finish,
        "late_packages": sorted(set(request.packages)),
        "leftovers": (),
    }


def _answer(
    entry: Entry, request: Request, build_id: str, context: Mapping[str, Any]
) -> str:
    """Return the entry's answer file, or the user's own with its two words replaced."""
    own = request.answer_file
    if own is None:
        return rendering.file(entry, entry.answer, context)
    report = rendering.text(entry, entry.report_line, context) or REPORT_WORD
    return own.replace(BUILD_ID_WORD, build_id).replace(REPORT_WORD, report)
