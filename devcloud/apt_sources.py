"""Where this machine gets its Debian packages from, read from its own apt sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from devcloud.errors import DevcloudError

APT = Path("/etc/apt")


def release() -> dict[str, str]:
    """The fields of os-release."""
    text = Path("/etc/os-release").read_text()
    return {
        key: value.strip('"') for key, value in re.findall(r"(?m)^(\w+)=(.*)$", text)
    }


def _deb822(text: str) -> Iterator[tuple[str, str]]:
    """(URI, suite) pairs of a .sources file."""
    for paragraph in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        unfolded = re.sub(r"\n[ \t]+", " ", paragraph)
        fields = {
            k.lower(): v.split()
            for k, v in re.findall(r"(?m)^([\w-]+):(.*)$", unfolded)
        }
        if "deb" not in fields.get("types", ()) or fields.get("enabled") == ["no"]:
            continue
        for uri in fields.get("uris", ()):
            for suite in fields.get("suites", ()):
                yield uri, suite


def _one_line(text: str) -> Iterator[tuple[str, str]]:
    """(URI, suite) pairs of a sources.list."""
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", "", line.partition("#")[0]).split()
        if len(words) >= 3 and words[0] == "deb":
            yield words[1], words[2]


def _sources() -> Iterator[tuple[str, str]]:
    for path in (APT / "sources.list", *sorted(APT.glob("sources.list.d/*"))):
        if path.suffix == ".sources":
            yield from _deb822(path.read_text())
        elif path.suffix == ".list" and path.is_file():
            yield from _one_line(path.read_text())


def mirrors() -> tuple[str, str]:
    """The mirror of this release and that of its security updates."""
    codename = release().get("VERSION_CODENAME", "")
    found: dict[str, str] = {}
    for uri, suite in _sources():
        if uri.startswith(("http://", "https://")):
            found.setdefault(suite.rstrip("/"), uri.rstrip("/"))
    if codename not in found:
        raise DevcloudError(
            f"no http mirror of {codename} in this machine's apt sources; guests need one"
        )
    security = found.get(f"{codename}-security") or found.get(f"{codename}/updates")
    return found[codename], security or found[codename]
