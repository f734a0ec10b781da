"""Where this machine gets its Debian packages from, read from its own apt sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devcloud.errors import DevcloudError

APT = Path("/etc/apt")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Source:
    """One `deb` source: a mirror that has these suites and components."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    trusted: bool = False

    def line(self, suite: str, components: str) -> str:
        """A sources.list line of the same mirror for another suite."""
        option = "trusted=yes" if self.trusted else f"signed-by={KEYRING}"
        return f"deb [{option}] {self.uri} {suite} {components}"


def release() -> dict[str, str]:
    """The fields of os-release."""
    text = Path("/etc/os-release").read_text()
    return {
        key: value.strip('"') for key, value in re.findall(r"(?m)^(\w+)=(.*)$", text)
    }


def machine_suite() -> str:
    """The code name of the release that this machine runs."""
    return release().get("VERSION_CODENAME", "")


def stanzas(text: str) -> Iterator[dict[str, str]]:
    """The paragraphs of a control file; names in lower case, folds kept as lines."""
    fields: dict[str, str] = {}
    name = ""
    for line in [*text.splitlines(), ""]:
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0] in " \t" and name:
            fields[name] += "\n" + line.strip()
        elif line[0] != "#" and ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()


def deb822_sources(text: str) -> Iterator[Source]:
    """The sources of a .sources file."""
    for fields in stanzas(text):
        if fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            yield Source(
                uri.rstrip("/"),
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("trusted", "no").lower() in ("yes", "true"),
            )


def one_line_sources(text: str) -> Iterator[Source]:
    """The sources of a sources.list."""
    for line in text.splitlines():
        kind, _, rest = line.partition("#")[0].strip().partition(" ")
        if kind != "deb":
            continue
        options, rest = "", rest.strip()
        if rest.startswith("["):
            options, _, rest = rest[1:].partition("]")
        words = rest.split()
        if len(words) >= 2:
            trusted = "trusted=yes" in options.split()
            uri, suite, *components = words
            yield Source(uri.rstrip("/"), (suite,), tuple(components), trusted)


def machine_sources(etc: Path = APT) -> Iterator[Source]:
    """All sources of this machine, in apt's order but for the two formats."""
    parts = etc / "sources.list.d"
    for path in [etc / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.is_file():
            yield from one_line_sources(path.read_text())
    for path in sorted(parts.glob("*.sources")):
        yield from deb822_sources(path.read_text())


def mirror(sources: Iterable[Source], suite: str) -> Source:
    """The mirror that this machine takes `suite` itself from."""
    for source in sources:
        usable = not source.uri.startswith("cdrom:")
        if usable and suite in source.suites and "main" in source.components:
            return source
    raise DevcloudError(
        f"no apt source of this machine has {suite} main, so there is no mirror to "
        f"take the installer media from: see {APT}/sources.list.d"
    )


def machine_mirror() -> Source:
    """The mirror that this machine takes its own release from."""
    return mirror(machine_sources(), machine_suite())


def mirrors() -> tuple[str, str]:
    """The URLs of this release's mirror and of that of its security updates."""
    codename = machine_suite()
    found: dict[str, str] = {}
    for source in machine_sources():
        if source.uri.startswith(("http://", "https://")):
            for suite in source.suites:
                found.setdefault(suite.rstrip("/"), source.uri)
    if codename not in found:
        raise DevcloudError(
            f"no http mirror of {codename} in this machine's apt sources; guests need one"
        )
    security = found.get(f"{codename}-security") or found.get(f"{codename}/updates")
    return found[codename], security or found[codename]
