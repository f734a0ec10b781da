"""Family windows: Windows Setup and its autounattend.xml.

An answer file of Windows takes passwords in plain text only (its other form is
base64 of the same), so it is given none: cloudbase-init sets the password of
the administrator at the first boot, and encrypts it with the server's key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests import accepted, customization, disk
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request

_SETUP = "Windows Setup takes no hashed password, only one that all can read"
_REFUSED = {
    "root_password": f"{_SETUP}; cloudbase-init sets the administrator's at the "
    "first boot; read it with: nova get-password",
    "users": f"{_SETUP}; let cloudbase-init make users at the first boot",
    "contents": "it has neither the modes nor the owners and links that these are kept "
    "with; fetch and unpack them with --run-command",
    "packages": "Windows has no packages; install with --run-command",
    "repositories": "Windows has no package repositories",
    "swap_mib": "Windows makes its page file by itself",
    "lvm": "there is none on Windows",
    "ansible": "Ansible does not run on Windows, it only logs in there",
    "hardening": "OpenSCAP's guides have nothing for it",
}
_KEY = r"([A-Z0-9]{5}-){4}[A-Z0-9]{5}"
# Windows has names of its own for time zones.
_FORMS = {
    "timezone": customization.Form(
        "time zone", r"[\w /.()+-]{1,60}", "UTC or W. Europe Standard Time"
    )
}
_PATH = r'[A-Za-z]:(\\[^\\/:*?"<>|\x00-\x1f]+)+'


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return the locale as Windows writes it, de-DE for de_DE.UTF-8."""
    locale = request.locale or str(entry.variables["locale"])
    locale = locale.partition(".")[0].replace("_", "-")
    return {"locale": locale, "keyboard": request.keyboard or locale}


def problems(entry: Entry, request: Request) -> list[str]:
    """Refuse what Windows cannot be given, or takes only in another form."""
    refusals = customization.refused(request, entry.title, _REFUSED)
    refusals += disk.problems(entry, request)
    refusals += customization.commands(request)
    if request.proxy and request.proxy.username:
        refusals.append(
            f"{entry.title}: its own services take no password for a proxy; take a proxy "
            "without one"
        )
    if request.proxy and any("/" in rule for rule in request.proxy.no_proxy):
        refusals.append(f"{entry.title}: its no_proxy takes names and addresses alone")
    for what, value, pattern, example in (
        ("locale", request.locale, r"[a-z]{2,3}[-_][A-Z]{2}(\.UTF-8)?", "de-DE"),
        (
            "keyboard",
            request.keyboard,
            r"[a-z]{2,3}-[A-Z]{2}|[0-9a-f]{4}:[0-9a-f]{8}",
            "de-DE or 0407:00000407",
        ),
    ):
        if value and not re.fullmatch(pattern, value):
            refusals.append(
                f"this is no {what} of Windows: {value!r:.60}; write it as {example}"
            )
    refusals += accepted.validate_regional(entry, request, _FORMS)
    for file in request.files:
        if not re.fullmatch(_PATH, file.path):
            refusals.append(
                f"a file on Windows needs a path such as C:\\x: {file.path!r:.60}"
            )
        if (file.mode, file.owner) != ("0644", "root:root"):
            refusals.append(f"{file.path:.60}: Windows has neither modes nor owners")
    if entry.variables.get("needs_uefi") and request.firmware != "uefi":
        refusals.append(f"{entry.title} needs --firmware uefi")
    refusals += _unchecked(entry, request)
    key = str(entry.variables.get("product_key", ""))
    if key and not re.fullmatch(_KEY, key):
        refusals.append(
            "the variable product_key of the catalogue is not five times five "
            "characters, such as AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"
        )
    if not re.fullmatch(r"[A-Za-z][\w.-]{0,19}", str(entry.variables["admin_user"])):
        refusals.append(
            "the variable admin_user of the catalogue is no name of a user: at most 20 "
            "letters, digits, dots and dashes"
        )
    return refusals + customization.keys(request.ssh_public_keys)


def _unchecked(entry: Entry, request: Request) -> list[str]:
    """Refuse what Setup would look for in vain, unless the user asks for it so.

    Source: Microsoft, "Windows 11 requirements": TPM 2.0 and Secure Boot.
    """
    asked = entry.variables.get("skip_hardware_checks") or request.answer_file
    if not entry.variables.get("needs_tpm") or asked:
        return []
    missing = [
        option
        for option, given in (
            ("--tpm", request.tpm),
            ("--secure-boot", request.secure_boot),
        )
        if not given
    ]
    if not missing:
        return []
    return [
        f"{entry.title} installs on a machine with a TPM and Secure Boot alone: give "
        f"{' and '.join(missing)}; where the cloud has none, ask for an installation "
        "without that check: variables: {skip_hardware_checks: true} in "
        f"~/.config/openstack/imagebuild/{entry.name}.yaml"
    ]
