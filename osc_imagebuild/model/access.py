"""What a guest needs to get at its packages: a proxy, CAs, logins. Standard library only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

# What a guest asks without a proxy, whatever a user says: itself, and the metadata.
METADATA = "169.254.169.254"
ALWAYS_DIRECT = ("localhost", "127.0.0.1", METADATA)
# Entries of no_proxy, and certificates.
MOST = 64
# Of a name or password, in characters.
LONGEST = 255

_PROXY = re.compile(r"http://[A-Za-z0-9]([A-Za-z0-9.-]{0,252})(:[0-9]{1,5})?/?")
_DIRECT = re.compile(r"\.?[A-Za-z0-9][A-Za-z0-9.-]{0,252}(/[0-9]{1,3})?")
# Source: RFC 7468, 2 and 5.1: what stands outside of the lines is explanatory text.
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_BLOCK = re.compile(rf"{_BEGIN}([A-Za-z0-9+/=\s]{{1,65536}}?){_END}")
_LINE = 64


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A proxy through which a guest fetches all but from the hosts in ``no_proxy``.

    ``keep`` is whether the finished system goes on using it.
    """

    url: str
    no_proxy: tuple[str, ...] = ()
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    keep: bool = False

    @property
    def plain_url(self) -> str:
        """The address as all programs take it, without name and password."""
        return self.url.rstrip("/").lower()

    @property
    def login_url(self) -> str:
        """The address with name and password, where there are any."""
        return with_login(self.plain_url, self.username, self.password)

    @property
    def host(self) -> str:
        """The name or address of its machine."""
        return urlsplit(self.plain_url).hostname or ""

    @property
    def port(self) -> int:
        """Its port."""
        return urlsplit(self.plain_url).port or 80

    @property
    def direct(self) -> tuple[str, ...]:
        """What is asked without it."""
        return tuple(dict.fromkeys((*ALWAYS_DIRECT, *self.no_proxy)))

    @property
    def metadata_direct(self) -> tuple[str, ...]:
        """The same but for the guest itself, where a command line has little room."""
        return self.direct[ALWAYS_DIRECT.index(METADATA) :]

    @property
    def windows_direct(self) -> tuple[str, ...]:
        """The same as Windows writes it: a domain and what is below it apart.

        Source: Microsoft's WinHTTP, WINHTTP_PROXY_INFO: lpszProxyBypass.
        """
        names = (rule.strip(".") for rule in self.direct)
        return tuple(word for name in names for word in _as_windows_has_it(name))

    def is_for(self, url: str) -> bool:
        """Whether what ``url`` names is fetched through it, as curl understands no_proxy.

        Source: curl(1), --noproxy; libcurl's lib/noproxy.c.
        """
        host = (urlsplit(url).hostname or "").lower()
        return not any(_matches(host, rule.lower()) for rule in self.direct)


def _as_windows_has_it(name: str) -> tuple[str, ...]:
    is_address = name.replace(".", "").isdigit()
    return (name,) if is_address else (name, f"*.{name}")


def _matches(host: str, rule: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = rule.strip(".")
        return host == name or host.endswith(f".{name}")
    try:
        return address in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False


def with_login(url: str, username: str, password: str) -> str:
    """Return ``url`` with a name and a password in it, as it is where there is no name."""
    if not username:
        return url
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(username, '')}:{quote(password, '')}@{rest}"


@dataclass(frozen=True, kw_only=True)
class CaCertificate:
    """Certificates of authorities as PEM, and whether the finished system trusts them."""

    pem: str
    keep: bool = False


@dataclass(frozen=True)
class Trusted:
    """One certificate: a name that no other one has, its lines, its sha1 for Windows."""

    name: str
    pem: str
    sha1: str
    keep: bool


def trusted(certificates: Iterable[CaCertificate]) -> tuple[Trusted, ...]:
    """Return each certificate once; one that is to be kept anywhere is kept.

    What is only trusted during the build is named apart, so that to remove it takes
    nothing away that was there before.

    :raises: ValueError where a text is no certificate
    """
    kept: dict[bytes, bool] = {}
    for certificate in certificates:
        for der in _decoded(certificate.pem):
            kept[der] = kept.get(der, False) or certificate.keep
    return tuple(_trusted(der, keep=keep) for der, keep in kept.items())


def _trusted(der: bytes, *, keep: bool) -> Trusted:
    text = base64.b64encode(der).decode()
    lines = (text[n : n + _LINE] for n in range(0, len(text), _LINE))
    pem = "\n".join((_BEGIN, *lines, _END))
    name = (
        f"imagebuild-{'' if keep else 'build-'}{hashlib.sha256(der).hexdigest()[:16]}"
    )
    # Source: Microsoft's certutil: a store's certificates are named by their sha1.
    sha1 = hashlib.sha1(der, usedforsecurity=False).hexdigest()
    return Trusted(name, pem, sha1, keep)


def _decoded(pem: str) -> list[bytes]:
    """Return the certificates in a text.

    :raises: ValueError where there is none, or one is cut or garbled, or a key is there
    """
    if "PRIVATE KEY-----" in pem:
        raise ValueError("there is a private key in it, which no guest needs")
    found = [base64_decoded("".join(text.split())) for text in _BLOCK.findall(pem)]
    if not found or len(found) != pem.count("-----BEGIN "):
        raise ValueError(
            f"it takes lines such as {_BEGIN}, and nothing else encoded so"
        )
    for der in found:
        if not is_sequence(der):
            raise ValueError("it was cut, or is no certificate")
    return found


def base64_decoded(text: str) -> bytes:
    """Return the bytes of base64 without line breaks.

    :raises: ValueError
    """
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"this is not base64: {error}") from error


def is_sequence(der: bytes) -> bool:
    """Whether bytes are a sequence of ASN.1, whole and nothing more.

    Source: ITU-T X.690, 8.1.3: the long form of a length.
    """
    if len(der) < 2 or der[0] != 0x30:
        return False
    length, head = der[1], 2
    if length & 0x80:
        head += length & 0x7F
        length = int.from_bytes(der[2:head], "big")
    return 2 < head <= 6 and len(der) == head + length


def proxy_problems(proxy: Proxy) -> list[str]:
    """Return what is wrong with a proxy, judged by itself."""
    problems = []
    if "@" in proxy.url:
        problems.append(
            "a proxy has no name or password in its URL: give them as username and password"
        )
    elif not _PROXY.fullmatch(proxy.url) or not _has_port(proxy):
        problems.append(
            f"this is no address of a proxy: {proxy.url!r:.60}; write it as "
            "http://proxy.example:3128"
        )
    problems += [
        f"no_proxy takes hosts, domains and networks, not {rule!r:.60}"
        for rule in proxy.no_proxy
        if not _DIRECT.fullmatch(rule) or ("/" in rule and not _is_network(rule))
    ]
    if len(proxy.no_proxy) > MOST:
        problems.append(f"no_proxy takes {MOST} entries at most")
    return problems + login_problems("the proxy", proxy.username, proxy.password)


def _has_port(proxy: Proxy) -> bool:
    try:
        return urlsplit(proxy.url).port != 0
    except ValueError:
        return False


def _is_network(rule: str) -> bool:
    try:
        ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False
    return True


def login_problems(whose: str, username: str, password: str) -> list[str]:
    """Return what is wrong with a name and a password; neither is shown.

    Source: apt_auth.conf(5), dnf.conf(5), zypper's credentials.d: lines of plain words,
    without quotes; RFC 7617, 2: a name has no colon.
    """
    problems = []
    if bool(username) != bool(password):
        problems.append(f"{whose}: username and password need each other")
    for what, value in (("username", username), ("password", password)):
        if not value:
            continue
        if not re.fullmatch(rf"[!-~]{{1,{LONGEST}}}", value):
            problems.append(
                f"the {what} of {whose} takes 1 to {LONGEST} characters of ASCII without "
                "blanks: no package manager can be told others"
            )
        elif what == "username" and ":" in value:
            problems.append(f"the username of {whose} has no colon")
    return problems


def certificate_problems(certificates: Iterable[CaCertificate]) -> list[str]:
    """Return what is wrong with CA certificates, which are numbered from 1."""
    problems, given = [], tuple(certificates)
    for number, certificate in enumerate(given, 1):
        try:
            trusted((certificate,))
        except ValueError as error:
            problems.append(f"CA certificate {number}: {error}")
    if not problems and len(trusted(given)) > MOST:
        problems.append(f"there are more than {MOST} CA certificates")
    return problems
