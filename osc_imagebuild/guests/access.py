"""What templates are told of proxy, CA certificates and logins, and what stays of them. Pure."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.access import Trusted, login_problems, trusted
from osc_imagebuild.model.request import Repository, Request

# In the place of a secret, where people look.
HIDDEN = "HIDDEN"


class Trust(NamedTuple):
    """Where a system has its own CA certificates, and the command that heeds them.

    ``bundle`` is the file of all that it then trusts, '' where there is none.
    """

    directory: str
    suffix: str
    command: str
    bundle: str


# Source: update-ca-certificates(8) of Debian and of SUSE, update-ca-trust(8), certctl(8).
_DEBIAN = Trust(
    "/usr/local/share/ca-certificates",
    ".crt",
    "update-ca-certificates --fresh",
    "/etc/ssl/certs/ca-certificates.crt",
)
_SUSE = Trust(
    "/etc/pki/trust/anchors",
    ".pem",
    "update-ca-certificates",
    "/etc/ssl/ca-bundle.pem",
)
TRUST = {
    "debian": _DEBIAN,
    "ubuntu": _DEBIAN,
    "redhat": Trust(
        "/etc/pki/ca-trust/source/anchors",
        ".pem",
        "update-ca-trust",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    ),
    "suse": _SUSE,
    "agama": _SUSE,
    "freebsd": Trust("/usr/local/etc/ssl/certs", ".pem", "certctl rehash", ""),
}
# What reads package repositories, by family.
PACKAGERS = {
    "debian": "apt",
    "ubuntu": "apt",
    "redhat": "dnf",
    "suse": "zypper",
    "agama": "zypper",
    "freebsd": "pkg",
}


def context(entry: Entry, request: Request) -> dict[str, Any]:
    """Return the variables of templates; what is wrong in a request is said elsewhere."""
    return {
        "proxy": request.proxy,
        "by_proxy": _by_environment(request),
        "certificates": certificates(request),
        "trust": TRUST.get(entry.family, _DEBIAN),
        "packager": PACKAGERS.get(entry.family, ""),
        "logins": [r for r in request.repositories if r.username],
    }


def _by_environment(request: Request) -> str:
    """Return words of a command line by which all of systemd's services have a proxy."""
    proxy = request.proxy
    if not proxy:
        return ""
    direct = ",".join(proxy.metadata_direct)
    words = f"http_proxy={proxy.plain_url}", f"no_proxy={direct}"
    return " ".join(f"systemd.setenv={word}" for word in words)


def certificates(request: Request) -> tuple[Trusted, ...]:
    """Return the CA certificates of a request, none where one is wrong."""
    try:
        return trusted(request.ca_certificates)
    except ValueError:
        return ()


def problems(entry: Entry, request: Request) -> list[str]:
    """Return what a system cannot be told of logins, judged by its package manager."""
    problems: list[str] = []
    is_dnf = PACKAGERS.get(entry.family) == "dnf"
    proxy = request.proxy
    if proxy and is_dnf and proxy.keep and "$" in proxy.username + proxy.password:
        problems.append("the proxy: dnf takes no $ in a username or password")
    for repository in request.repositories:
        whose = f"repository {repository.name!r:.60}"
        username, password = repository.username, repository.password
        problems += login_problems(whose, username, password)
        if repository.keep and not username:
            problems.append(f"{whose}: keep is for its username and password")
        # Source: dnf.conf(5), VARIABLES: they are put in for what follows a dollar.
        if is_dnf and "$" in username + password:
            problems.append(f"{whose}: dnf takes no $ in a username or password")
    return problems


def unknown(request: Request, title: str, why: str) -> list[str]:
    """Return a problem where a system whose files nobody knows is given logins."""
    proxy = request.proxy
    problems = []
    if any(repository.username for repository in request.repositories):
        problems.append(f"{title} cannot be given a login for a repository: {why}")
    if proxy and proxy.keep:
        problems.append(f"{title} cannot be given a proxy that it keeps: {why}")
    return problems


def has_secrets(request: Request) -> bool:
    """Whether an answer file would show a password as it is."""
    proxy = request.proxy
    return bool(proxy and proxy.password) or any(
        repository.password for repository in request.repositories
    )


def veiled(request: Request) -> Request:
    """Return a request whose answer file can be shown to people."""

    def hidden(password: str) -> str:
        return password and HIDDEN

    proxy = request.proxy
    return dataclasses.replace(
        request,
        proxy=proxy and dataclasses.replace(proxy, password=hidden(proxy.password)),
        repositories=tuple(
            dataclasses.replace(r, password=hidden(r.password))
            for r in request.repositories
        ),
    )


def lasting(request: Request) -> Request:
    """Return a request without what only the way to the result needs.

    Through which proxy packages came, and who let them pass, is nothing of the result.
    """

    def anonymous(repository: Repository) -> Repository:
        if repository.keep:
            return repository
        return dataclasses.replace(repository, username="", password="")

    proxy = request.proxy
    return dataclasses.replace(
        request,
        proxy=proxy if proxy and proxy.keep else None,
        ca_certificates=tuple(c for c in request.ca_certificates if c.keep),
        repositories=tuple(map(anonymous, request.repositories)),
    )
