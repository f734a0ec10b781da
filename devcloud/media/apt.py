"""Packages from the machine's own mirror, through a private set of apt directories.

Nothing in /etc/apt or /var/lib/apt changes; no mirror is named here.
"""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from devcloud import process
from devcloud.errors import DevcloudError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ARCH = "amd64"
DOWNLOAD_LIMIT_S = 1800


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


def machine_sources(etc: Path = Path("/etc/apt")) -> Iterator[Source]:
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
        "take the installer media from: see /etc/apt/sources.list.d"
    )


def machine_suite() -> str:
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


class Apt:
    """apt-get and apt-cache for one suite, with state and cache below `home`."""

    def __init__(self, home: Path, suite: str, components: str, log: Path) -> None:
        self.home = home / suite
        self.suite = suite
        self.log = log
        self.mirror = mirror(machine_sources(), machine_suite())
        self.source_line = self.mirror.line(suite, components)
        for part in ("lists/partial", "cache/archives/partial", "debs"):
            (self.home / part).mkdir(parents=True, exist_ok=True)
        (self.home / "sources.list").write_text(self.source_line + "\n")

    def _options(self) -> list[str]:
        home = self.home
        options = {
            "APT::Architecture": ARCH,
            "APT::Sandbox::User": "root",  # _apt may not enter a private home
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Dir::Cache": f"{home}/cache",
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Etc::sourcelist": f"{home}/sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": f"{home}/lists",
            "Dir::State::status": "/dev/null",
        }
        return [word for pair in options.items() for word in ("-o", "=".join(pair))]

    def update(self) -> None:
        command = ["apt-get", *self._options(), "-q", "update"]
        process.run(*command, log=self.log, seconds=DOWNLOAD_LIMIT_S)

    def show(self, *packages: str) -> dict[str, dict[str, str]]:
        """The index stanza of each of these packages that the mirror lists."""
        command = ["apt-cache", *self._options(), "show", "--no-all-versions"]
        try:
            text = process.run(*command, *packages)
        except DevcloudError:  # none of them is listed
            return {}
        return {
            fields["package"]: fields
            for fields in stanzas(text)
            if "filename" in fields and "package" in fields
        }

    def download(self, packages: Sequence[str]) -> dict[str, Path]:
        """Fetch packages, checked by apt against the signed index.

        A mirror may list what it does not have; such packages are missing from
        the result, and it is for the caller to say whether that matters.
        """
        debs = self.home / "debs"
        command = ["env", "-C", str(debs), "apt-get", *self._options(), "download"]
        listed = self.show(*packages)
        with contextlib.suppress(DevcloudError):  # what came counts, see below
            process.run(*command, *listed, log=self.log, seconds=DOWNLOAD_LIMIT_S)
        found = {}
        for name, fields in listed.items():
            version = fields["version"].replace(":", "%3a")
            suffix = Path(fields["filename"]).suffix
            path = debs / f"{name}_{version}_{fields['architecture']}{suffix}"
            if path.is_file() and path.stat().st_size == int(fields["size"]):
                found[name] = path
        return found

    def need(self, *packages: str) -> list[Path]:
        """Fetch packages that nothing can replace."""
        found = self.download(packages)
        missing = [name for name in packages if name not in found]
        if missing:
            raise DevcloudError(
                f"the mirror did not give {', '.join(missing)} ({self.suite}): "
                f"see {self.log}"
            )
        return [found[name] for name in packages]
