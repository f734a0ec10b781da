"""Decide which web servers may be asked, by their addresses; no network is touched.

Whoever types an address knows what is there. Whoever only writes it into a record, or
has a web server send others on, may want something of this machine's own network that
he cannot reach himself: a service on the loop back, a cloud's metadata, an intranet.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from osc_imagebuild.errors import SpecError

VARIABLE = "OSC_IMAGEBUILD_ALLOW_ADDRESSES"
SCHEMES = ("http", "https")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE = "private"
# Source: RFC 1918, RFC 4193.
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
# EC2's metadata have an address among the private ones. Source: Amazon EC2 User Guide,
# instance metadata.
_METADATA = ipaddress.ip_network("fd00:ec2::/32")
# IPv6 that a gateway makes IPv4 of: the last 32 bits are the address that is meant.
# Source: RFC 6052, 2.1; RFC 4291, 2.5.5.1.
_EMBEDDING = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "::/96"))
# For protocols; clouds have metadata there, and Python's releases differ on it.
# Source: RFC 6890, 2.2.2.
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")
# The same in a network of one's own, with any length. Source: RFC 8215.
_OWN_GATEWAY = ipaddress.ip_network("64:ff9b:1::/48")


class Place(NamedTuple):
    """Where a connection leads to; the address is '' where only a proxy knows it."""

    address: str
    port: int


@dataclass(frozen=True)
class Trust:
    """How far the address of a URL is trusted.

    ``typed`` is whether the user named the URL in this very command, instead of a record
    or what else somebody may have written. ``allowed`` may be asked in any case, and of
    the files of this machine ``files``, real paths, be read.
    """

    typed: bool = False
    allowed: tuple[Network, ...] = ()
    files: frozenset[str] = frozenset()

    def may_read(self, path: str) -> bool:
        """Whether a file of this machine may be read."""
        return self.typed or os.path.realpath(path) in self.files

    def refusal(self, place: Place, trail: Sequence[Place] = ()) -> str:
        """Return what forbids to connect to ``place``, '' where it is allowed.

        ``trail`` has where the earlier ones of a chain of redirects led, first one first,
        or where the same host was before.
        """
        address = meant(place.address)
        kind = kind_of(address)
        if not kind or any(address in network for network in self.allowed):
            return ""
        advice = f"if that is to be trusted: export {VARIABLE}={address}"
        if not self.typed:
            what = f"it leads to {address}, which is {kind}"
            return f"{what}, and nobody named it in this command; {advice}"
        # Mirrors of an intranet share their load.
        neighbours = kind == PRIVATE and bool(trail) and _is_private(trail[-1])
        if not trail or place == trail[0] or neighbours:
            return ""
        return f"one is led on to {address}, which is {kind}; {advice}"


def _is_private(place: Place) -> bool:
    return bool(place.address) and kind_of(meant(place.address)) == PRIVATE


TYPED = Trust(typed=True)
STRICT = Trust()


def meant(text: str) -> Address:
    """Return the address that packets to ``text`` get to, as far as the text tells.

    :raises: ValueError where it is no address
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    # '::' and '::1' are IPv6's own.
    if int(address) > 1 and any(address in network for network in _EMBEDDING):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def kind_of(address: Address) -> str:
    """Return why an address is not one of the public network, '' where it is."""
    if address in _METADATA:
        return "a cloud's metadata"
    for kind, applies in (
        ("unspecified", address.is_unspecified),
        ("the loop back", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        (PRIVATE, any(address in network for network in _PRIVATE)),
    ):
        if applies:
            return kind
    special = any(address in network for network in (_OWN_GATEWAY, _PROTOCOLS))
    public = address.is_global and not special
    return "" if public else "reserved"


def require_web(url: str) -> None:
    """Refuse all but URLs of web servers.

    :raises: SpecError
    """
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in SCHEMES and bool(parts.hostname)
    except ValueError as error:
        raise SpecError(f"{url!r:.200} leads nowhere: {error}") from error
    if not is_web:
        raise SpecError(f"{url!r:.200} leads nowhere: it is no http(s) URL")


def named(host: str) -> str:
    """Return the address that a host's name is by itself, '' where it is to be resolved.

    For where a proxy resolves it. '127.1' and 2130706433 are addresses too.
    Source: inet_aton(3); RFC 6761, 6.3 on localhost.
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return _classic(name)


def _classic(name: str) -> str:
    """An IPv4 address in one of the ways that inet_aton takes, else ''."""
    words = name.split(".")
    try:
        numbers = [_number(word) for word in words]
    except ValueError:
        return ""
    *heads, last = numbers
    size = 4 - len(heads)
    if size < 1 or max(heads, default=0) > 255 or last >= 256**size:
        return ""
    value = last + sum(n << 8 * (3 - place) for place, n in enumerate(heads))
    return str(ipaddress.IPv4Address(value))


def _number(word: str) -> int:
    """One of such an address's numbers; ValueError where it is none."""
    if not 0 < len(word) <= 16 or not word.isascii() or not word.isalnum():
        raise ValueError(word)
    base = 16 if word.startswith("0x") else 8 if word[0] == "0" else 10
    return int(word, base)


def networks(texts: Iterable[str], where: str) -> tuple[Network, ...]:
    """Return the networks that ``texts`` name; a single address is one too.

    :raises: SpecError that names ``where`` they are from
    """
    nets = []
    for text in filter(None, (text.strip() for text in texts)):
        try:
            nets.append(ipaddress.ip_network(text, strict=False))
        except ValueError as error:
            raise SpecError(
                f"{where} has {text!r:.60}, which is no network such as 10.0.0.0/8; "
                "several have commas between them"
            ) from error
    return tuple(nets)


def from_environment(
    environment: Mapping[str, str] | None = None,
    more: Iterable[str] = (),
    files: Iterable[str] = (),
) -> Trust:
    """Return the trust in records, with the networks of `VARIABLE` and ``more``.

    ``files`` are paths of files of this machine that may be read.

    :raises: SpecError where one of them is no network
    """
    texts = (os.environ if environment is None else environment).get(VARIABLE, "")
    allowed = networks(texts.split(","), VARIABLE)
    return Trust(
        allowed=allowed + networks(more, "allowed_networks"),
        files=frozenset(map(os.path.realpath, files)),
    )
