"""Show URLs without their credentials: names, passwords, signatures. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

# As far as it could go in a text; what ends a sentence is no part of it.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")
# Of an address whose server is told elsewhere.
# Source: urllib3.exceptions.MaxRetryError, "Max retries exceeded with url: /path?query".
_PATH = re.compile(r"(\burl: /[^\s?#]*)[?#][^\s)]*")
# As urllib3 names a server in what it raises.
_HOST = re.compile(r"host='[^']*'(?:, port=\d+)?")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}|:\d{1,5})?(?![\w.])")
# Seven colons, or two beside each other, between digits.
_IPV6 = re.compile(
    r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}(?![\w:])"
    r"|(?<![\w:])(?:[0-9a-fA-F]{1,4}:)*[0-9a-fA-F]{0,4}::[0-9a-fA-F:]{0,35}(?:/\d{1,3})?(?![\w:])"
)


def shown_url(url: str) -> str:
    """Return ``url`` without user, password, query and fragment; other texts as they are.

    A presigned address has its signature in the query.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = place.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def shown_text(text: str) -> str:
    """Return ``text`` with each address in it as `shown_url` has it."""
    if "://" not in text and "url: /" not in text:
        return text
    return _PATH.sub(r"\1", _URL.sub(_shown, text))


def without_places(text: str, hosts: Iterable[str] = ()) -> str:
    """Return ``text`` without addresses of any kind: for a report that all may read.

    ``hosts`` are names of servers that must not be in it either.
    """
    for pattern in (_URL, _HOST, _IPV4, _IPV6):
        text = pattern.sub("<address>", text)
    for host in sorted(filter(None, hosts), key=len, reverse=True):
        text = text.replace(host, "<address>")
    return text


def _shown(match: re.Match[str]) -> str:
    whole = match[0]
    url = whole.rstrip(".,;:!)]}")
    return shown_url(url) + whole[len(url) :]
