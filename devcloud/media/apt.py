"""Packages from the machine's own mirror, through private sets of apt directories.

Nothing in /etc/apt or /var/lib/apt changes; no mirror is named here. What was
downloaded stays, whole or in part, and is checked anew whenever it is used.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from devcloud import apt_sources, process
from devcloud.apt_sources import Source, stanzas
from devcloud.errors import CommandError, DevcloudError
from devcloud.patience import APT_OPTIONS, Patience, once, why

ARCH = "amd64"
HELPER = "/usr/lib/apt/apt-helper"
COMPONENTS = "main/debian-installer"
# apt knows more; every mirror has one of these, and most have both.
UNPACK: Mapping[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.decompress,
    ".gz": gzip.decompress,
    "": bytes,
}
NEEDED = {"package", "version", "architecture", "filename", "size", "sha256"}
# What apt says of an index that is not the one which a good Release names.
# Source: apt 2.6, apt-pkg/acquire-item.cc
_OUT_OF_STEP = re.compile(
    r"^E: Failed to fetch \S+/Packages\S*\s.*(unexpected size|Hash Sum mismatch)", re.M
)
BROKEN = (EOFError, lzma.LZMAError, zlib.error, UnicodeDecodeError)


class OutOfStepError(DevcloudError):
    """An index is not what the mirror's Release, which is good, says of it."""


def is_out_of_step(error: DevcloudError) -> bool:
    """Whether apt refused an index for its size or its hash, and for nothing else."""
    if not isinstance(error, CommandError):
        return False
    lines = re.findall(
        r"(?m)^E: (?:Failed to fetch|The repository|GPG error).*", error.output
    )
    return bool(lines) and all(_OUT_OF_STEP.match(line) for line in lines)


def options(values: Mapping[str, str]) -> list[str]:
    """The words of an apt command that set these."""
    return [word for pair in values.items() for word in ("-o", "=".join(pair))]


class Index:
    """What a mirror lists, and the files of it that were fetched so far."""

    signed = True

    def __init__(
        self, home: Path, source: Source, suite: str, log: Path, patience: Patience
    ) -> None:
        self.home = home
        self.source = source
        self.suite = suite
        self.log = log
        self.patience = patience
        self.debs = home / "debs"
        self.debs.mkdir(parents=True, exist_ok=True)

    def show(self, *packages: str) -> dict[str, dict[str, str]]:
        """The index stanza of each of these packages that the mirror lists."""
        raise NotImplementedError

    def download(self, packages: Iterable[str]) -> dict[str, Path]:
        """Fetch packages; each is as long, and has the SHA256, as the index says.

        A mirror may list what it does not have; such packages are missing from
        the result, and it is for the caller to say whether that matters.
        """
        found: dict[str, Path] = {}
        wanted = {
            name: (fields, self.debs / _file_name(fields))
            for name, fields in self.show(*packages).items()
        }

        def fetch(limit: float) -> None:
            _keep_good(wanted, found)
            missing = [item for name, item in wanted.items() if name not in found]
            if missing:
                self._fetch(missing, limit)
                _keep_good(wanted, found)

        with contextlib.suppress(DevcloudError):  # what came counts
            self.patience.again(fetch)
        _keep_good(wanted, found)
        return found

    def _fetch(
        self, files: Sequence[tuple[dict[str, str], Path]], limit: float
    ) -> None:
        words: list[str | Path] = []
        for fields, path in files:
            url = f"{self.source.uri}/{quote(fields['filename'], safe='/~:')}"
            words += [url, path, f"SHA256:{fields['sha256']}"]
        fetch(words, self.log, limit)

    def need(self, *packages: str) -> list[Path]:
        """Fetch packages that nothing can replace."""
        found = self.download(packages)
        missing = [name for name in packages if name not in found]
        if missing:
            unlisted = [name for name in missing if not self.show(name)]
            what = "does not list" if unlisted else "lists but did not give"
            raise DevcloudError(
                f"the mirror {what} {', '.join(unlisted or missing)} ({self.suite}): "
                f"see {self.log}; what came is kept for the next run"
            )
        return [found[name] for name in packages]


def _file_name(fields: Mapping[str, str]) -> str:
    """A name of our own: an index that nobody signed must not choose a path."""
    version = fields["version"].replace(":", "%3a")
    suffix = Path(fields["filename"]).suffix
    name = f"{fields['package']}_{version}_{fields['architecture']}{suffix}"
    if not re.fullmatch(r"\w[\w.+~%-]*", name):
        raise DevcloudError(f"the mirror lists a package with an odd name: {name!r}")
    return name


def _keep_good(
    wanted: Mapping[str, tuple[Mapping[str, str], Path]], found: dict[str, Path]
) -> None:
    """Note the files that are what the index says.

    A shorter one stays, to be gone on with. Any other would never become right.
    """
    for name, (fields, path) in wanted.items():
        if name in found or not path.is_file():
            continue
        size = path.stat().st_size
        if size == int(fields["size"]) and sha256(path) == fields["sha256"]:
            found[name] = path
        elif size >= int(fields["size"]):
            path.unlink()


def sha256(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(words: Sequence[str | Path], log: Path, limit: float) -> None:
    """Let apt's own downloader fetch (URL, file, checksum) triples, in one go.

    It knows the machine's proxies and what else /etc/apt says of the network.
    """
    user = {**APT_OPTIONS, "APT::Sandbox::User": "root"}
    command = [HELPER, *options(user), "download-file", *words]
    once(limit, *command, log=log)


class Apt(Index):
    """apt-get and apt-cache for one suite, with state and cache below `home`."""

    def __init__(
        self,
        home: Path,
        suite: str,
        components: str,
        log: Path,
        patience: Patience,
    ) -> None:
        source = apt_sources.machine_mirror()
        name = "-".join([suite, *components.split("/")[1:]])
        super().__init__(home / name, source, suite, log, patience)
        self.source_line = source.line(suite, components)
        for part in ("lists/partial", "cache/archives/partial"):
            (self.home / part).mkdir(parents=True, exist_ok=True)
        (self.home / "sources.list").write_text(self.source_line + "\n")

    def _options(self) -> list[str]:
        home = self.home
        private = {
            "APT::Architecture": ARCH,
            "APT::Sandbox::User": "root",  # _apt may not enter a private home
            "APT::Update::Error-Mode": "any",  # or old lists would do without a word
            "Acquire::Languages": "none",
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
        return options({**APT_OPTIONS, **private})

    def update(self) -> None:
        """Fetch the signed index.

        :raises: OutOfStepError where the mirror gives one that does not fit its Release,
            DevcloudError where it gives none, or none that is signed
        """
        command = ("apt-get", *self._options(), "-q", "update")
        try:
            self.patience.run(*command, log=self.log)
            # apt is content without an index that Release does not name.
            if not list(self.home.glob("lists/*_Packages*")):
                raise OutOfStepError("the mirror's Release does not name it")
        except DevcloudError as exc:
            known = isinstance(exc, OutOfStepError) or is_out_of_step(exc)
            kind = OutOfStepError if known else DevcloudError
            raise kind(
                f"no signed index of {self.source_line.partition('] ')[2]}: {why(exc)}"
            ) from exc

    def show(self, *packages: str) -> dict[str, dict[str, str]]:
        command = ["apt-cache", *self._options(), "show", "--no-all-versions"]
        try:
            text = process.run(*command, *packages)
        except DevcloudError:  # none of them is listed
            return {}
        return {
            fields["package"]: fields
            for fields in stanzas(text)
            if fields.keys() >= NEEDED
        }


class PlainIndex(Index):
    """The components' index as the mirror has it, which no signature vouches for."""

    signed = False

    def __init__(self, other: Apt, reason: str) -> None:
        super().__init__(
            other.home, other.source, other.suite, other.log, other.patience
        )
        self.reason = reason
        self.stanzas: dict[str, dict[str, str]] = {}

    def update(self) -> None:
        """Fetch the index, by whichever of its names the mirror has it."""
        base = f"dists/{self.suite}/{COMPONENTS}/binary-{ARCH}/Packages"
        text = self.patience.again(lambda limit: self._any(base, limit))
        for fields in stanzas(text):
            if fields.keys() >= NEEDED:
                known = self.stanzas.get(fields["package"])
                if known is None or _newer(fields["version"], known["version"]):
                    self.stanzas[fields["package"]] = fields
        if not self.stanzas:
            raise DevcloudError(f"the mirror's {base} lists no package at all")

    def _any(self, base: str, limit: float) -> str:
        failures = []
        for suffix, unpack in UNPACK.items():
            target = self.home / f"Packages{suffix}"
            target.unlink(missing_ok=True)  # without a checksum, only a whole new one
            try:
                url = f"{self.source.uri}/{base}{suffix}"
                fetch([url, target], self.log, min(limit, self.patience.limit_s()))
                return unpack(target.read_bytes()).decode()
            except (DevcloudError, OSError, *BROKEN) as exc:
                failures.append(why(exc))
        raise DevcloudError(failures[0])

    def show(self, *packages: str) -> dict[str, dict[str, str]]:
        return {name: self.stanzas[name] for name in packages if name in self.stanzas}


def _newer(version: str, other: str) -> bool:
    command = ("dpkg", "--compare-versions", version, "gt", other)
    try:
        process.run(*command)
    except DevcloudError:
        return False
    return True


def components(
    home: Path, suite: str, log: Path, patience: Patience, say: Callable[[str], None]
) -> Apt | PlainIndex:
    """The index of the installer's components: as Release says it is, or as it is.

    Debian's point releases replace the suite's Release some hours, and some mirrors
    days, before the components' index that it names. Only that is a reason to take the
    index unsigned: one that cannot be fetched, or whose Release is not signed well, may
    be another's.

    :raises: DevcloudError where there is none that may be used
    """
    signed = Apt(home, suite, COMPONENTS, log, patience)
    try:
        signed.update()
    except OutOfStepError as exc:
        refusal = _refusal(exc)
    except DevcloudError as exc:
        raise DevcloudError(
            "no index of installer components that can be trusted was had from the "
            f"mirror: {_refusal(exc)}; what came is kept for the next run"
        ) from exc
    else:
        return signed
    plain = PlainIndex(signed, refusal)
    try:
        plain.update()
    except DevcloudError as exc:
        raise DevcloudError(
            f"the mirror has no index of installer components: {why(exc)}; before that, "
            f"{refusal}"
        ) from exc
    say(
        "media: the index of installer components is used unsigned, for guests of this "
        f"cloud alone: {refusal}"
    )
    return plain


def _refusal(error: DevcloudError) -> str:
    return re.sub(r"Failed to fetch \S+\s+", "", why(error.__cause__ or error))
