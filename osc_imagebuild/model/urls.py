"""Show URLs without their credentials: names, passwords, signatures. Pure."""

from __future__ import annotations

import re

# As far as it could go in a text; what ends a sentence is no part of it.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")
# Of an address whose server is told elsewhere.
# Source: urllib3.exceptions.MaxRetryError, "Max retries exceeded with url: /path?query".
_PATH = re.compile(r"(\burl: /[^\s?#]*)[?#][^\s)]*")


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


def _shown(match: re.Match[str]) -> str:
    whole = match[0]
    url = whole.rstrip(".,;:!)]}")
    return shown_url(url) + whole[len(url) :]
