"""Template filters that make any value safe where it is put. Pure."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from osc_imagebuild.model.access import Proxy, with_login

_LINE = 76


def shell(value: object) -> str:
    """Return ``value`` as one word of sh, on one line whatever is in it.

    So the script around it may itself stand in a format with rules for lines,
    or for characters: YAML does not read JSON's escapes of those past U+FFFF.
    A word that is not plain ASCII is decoded by ``decode``, which every script
    that uses this filter defines. It loses line ends at its end.
    """
    text = str(value)
    if text.isascii() and text.isprintable():
        return shlex.quote(text)
    packed = base64.b64encode(text.encode()).decode()
    return f'"$(echo {packed} | decode)"'


def packed(value: str | bytes) -> str:
    """Return ``value`` as base64 in short lines, as here-documents take it."""
    data = value.encode() if isinstance(value, str) else value
    text = base64.b64encode(data).decode()
    return "\n".join(text[n : n + _LINE] for n in range(0, len(text), _LINE))


def prefixed(value: str, prefix: str) -> str:
    """Return ``value`` with ``prefix`` before each of its lines."""
    return "\n".join(prefix + line for line in value.rstrip("\n").split("\n"))


def powershell(value: object) -> str:
    """Return ``value`` as a string of PowerShell, in plain ASCII."""
    packed = base64.b64encode(str(value).encode()).decode()
    return f"([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{packed}')))"


def encoded_command(value: str) -> str:
    """Return a script of PowerShell as -EncodedCommand takes it."""
    return base64.b64encode(value.encode("utf-16-le")).decode()


def one_line(value: str) -> str:
    """Return ``value`` as base64 in one line."""
    return base64.b64encode(value.encode()).decode()


def split_url(value: str) -> SplitResult:
    """Return the parts of a URL."""
    return urlsplit(value)


def join_url(base: str, path: str) -> str:
    """Return the URL of ``path`` below, or with ``..`` beside, a directory."""
    return urljoin(base.rstrip("/") + "/", path)


def through(url: str, proxy: Proxy | None) -> bool:
    """Whether what ``url`` names is fetched through a proxy."""
    return proxy is not None and proxy.is_for(url)


def login_url(repository: Any) -> str:
    """Return the URL of a repository with name and password, where it has them."""
    return with_login(repository.url, repository.username, repository.password)


FILTERS: dict[str, Callable[..., Any]] = {
    "shell": shell,
    "packed": packed,
    "prefixed": prefixed,
    "powershell": powershell,
    "encoded_command": encoded_command,
    "one_line": one_line,
    "split_url": split_url,
    "join_url": join_url,
    "login_url": login_url,
    "through": through,
}
