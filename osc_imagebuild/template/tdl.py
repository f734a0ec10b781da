"""Turn what Oz read of a TDL into the fields of a request.

All that cannot be said in a request is an error, never left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.passwords import hashed
from osc_imagebuild.model.numbers import MOST_GIB, whole_number
from osc_imagebuild.model.request import File, Repository
from osc_imagebuild.template.document import Place
from osc_imagebuild.template.fields import decoded
from osc_imagebuild.template.sources import Reader

# Where a command lies that is no shell command while it runs.
SCRIPT = "/root/imagebuild-command-{}"

_DEB_LINE = re.compile(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s*(.*)")

# What no request has a word for: its element, and what to do instead.
_REFUSED = {
    "/template/os/key": "no product key can be given; put it into an answer file "
    "of your own",
    "/template/os/kernelparam": "the installer's command line belongs to the "
    "catalogue's entry; add the parameter there",
    "/template/os/install/extras": "nothing can be added to the vendor's ISO; use "
    "files",
    "/template/os/install/md5sum": "checksums in MD5 prove nothing",
    "/template/os/install/sha1sum": "checksums in SHA-1 prove nothing",
    "/template/os/icicle": "no package list (ICICLE) is made",
    "/template/precommands": "nothing can run before the packages are installed; "
    "use commands",
}
_REFUSED_OF_PACKAGES = {
    "repository": "one repository cannot be chosen for one package",
    "file": "a package cannot be installed from a file; use files and commands",
    "arguments": "a package cannot have arguments of its own; use commands",
}


def to_fields(
    tdl: Mapping[str, Any], file: str, reader: Reader
) -> tuple[dict[str, Any], list[str]]:
    """Return what a TDL says of a request beside its OS, and what is wrong."""
    reading = _Reading(tdl, file, reader)
    fields: dict[str, Any] = {
        "name": tdl["name"].strip(),
        "arch": tdl["arch"],
        "source": tdl["source"].strip(),
        "packages": tuple(package["name"] for package in tdl["packages"]),
        "repositories": tuple(map(reading.repository, tdl["repositories"])),
        **reading.files_and_commands(),
    }
    if tdl["installtype"] == "iso":
        fields["source"] = reading.iso()
    if tdl["iso_sha256_url"]:
        fields["checksum"] = reading.checksum()
    if tdl["disksize"]:
        fields["disk_gib"] = reading.disk_gib()
    if tdl["description"]:
        fields["properties"] = {"description": " ".join(tdl["description"].split())}
    if tdl["rootpw"]:
        fields["root_password"] = hashed(tdl["rootpw"].strip())
    fields["source"] = reading.media(fields["source"])
    reading.refuse()
    reading.problems.sort(key=lambda line: int(line[len(file) :].split(":")[1]))
    kept = {key: value for key, value in fields.items() if value not in ((), {}, "")}
    return kept, reading.problems


def names(
    distro: str, version: str, other_names: Mapping[str, Iterable[str]]
) -> list[str]:
    """Return what the catalogue may call an operating system of Oz's.

    ``other_names`` are the names that differ: see tdl.yaml.
    """
    match = re.fullmatch(r"(.+?)-?(\d[\d.]*)", distro)
    stem, major = (match.group(1), match.group(2)) if match else (distro, "")
    stems = [*other_names.get(stem.lower(), ()), stem.lower()]
    parts = (major or version).lower().split(".")
    versions = [".".join(parts[:size]) for size in range(len(parts), 0, -1)]
    return [f"{stem}-{v}" for stem in dict.fromkeys(stems) for v in versions]


def install_tree(url: str, module: str) -> str:
    """Return the source as the catalogue means it.

    Oz takes for Debian's family the directory of the netboot kernel, below
    the mirror that the catalogue wants.
    """
    if module in ("Debian", "Ubuntu"):
        return url.split("/dists/")[0]
    return url


class _Reading:
    """Collects problems instead of stopping at the first one."""

    def __init__(self, tdl: Mapping[str, Any], file: str, reader: Reader) -> None:
        self.tdl = tdl
        self.file = file
        self.reader = reader
        self.problems: list[str] = []

    def refuse(self) -> None:
        """Name every element that would be lost."""
        for path in self.tdl["lines"]:
            plain = re.sub(r"\[\d+\]", "", path)
            what = _REFUSED.get(plain)
            if plain.startswith("/template/packages/package/"):
                what = _REFUSED_OF_PACKAGES.get(plain.rsplit("/", 1)[1])
            if what:
                self._mistake(path, what)

    def iso(self) -> str:
        """Return the ISO's address or path; what has no such end is taken for a tree."""
        source = str(self.tdl["source"]).strip().removeprefix("file://")
        if "://" in source and not urlsplit(source).path.lower().endswith(".iso"):
            self._mistake(
                "/template/os/install/iso", "the address of an ISO ends in .iso"
            )
        return source

    def media(self, source: str) -> str:
        """Return where the ISO or the tree is; a file is the template's as all others."""
        place = Place(self.file, self._line_of("/template/os/install"))
        try:
            return self.reader.media(source, place)
        except SpecError as error:
            self.problems += error.problems
            return source

    def disk_gib(self) -> int | None:
        """Return the size of the root disk; Oz has terabytes counted already."""
        size_gib = whole_number(self.tdl["disksize"], 1, MOST_GIB)
        if size_gib is None:
            line = self._line_of("/template/disk/size")
            self.problems.append(
                f"{self.file}:{line}: /template/disk/size: takes 1 to {MOST_GIB} GiB"
            )
        return size_gib

    def checksum(self) -> str:
        """Return the ISO's SHA-256 out of the list that the TDL names."""
        path = "/template/os/install/sha256sum"
        url, iso = self.tdl["iso_sha256_url"].strip(), self.tdl["source"].strip()
        text = self._data(path, ("url", url)).decode("utf-8", "replace")
        if self.reader.check_only:
            return ""
        name = re.escape(iso.rsplit("/", 1)[-1])
        # As sha256sum writes it, or as BSD's sha256 does, which Fedora takes.
        match = re.search(
            rf"^([0-9a-f]{{64}}) [ *](?:.*/)?{name}$|^SHA256 \({name}\) = ([0-9a-f]{{64}})$",
            text,
            re.MULTILINE,
        )
        if match is None:
            line = self._line_of(path)
            self.problems.append(
                f"{self.file}:{line}: {path}: {url} has no SHA-256 of {iso}"
            )
            return ""
        return match.group(1) or match.group(2)

    def repository(self, item: Mapping[str, Any]) -> Repository:
        """Return a repository; Debian's kind is a whole line of sources.list."""
        place = f"/template/repositories/repository[@name={item['name']!r}]"
        if item["signed"]:
            self._mistake(place, "signed: the key cannot be given in a TDL", "signed")
        if not item["persisted"]:
            self._mistake(
                place, "persisted: a repository stays in the image", "persisted"
            )
        deb = _DEB_LINE.fullmatch(item["url"].strip().strip("'\""))
        if deb is None:
            return Repository(name=item["name"], url=item["url"].strip())
        return Repository(
            name=item["name"],
            url=deb.group(1),
            suites=(deb.group(2),),
            components=tuple(deb.group(3).split()),
        )

    def files_and_commands(self) -> dict[str, Any]:
        """Return files; and commands, where need be as files that are run."""
        files = []
        for name, content in self.tdl["files"].items():
            data = self._data(f"/template/files/file[@name={name!r}]", content)
            files.append(File(path=name, content=data))
        commands = []
        for number, content in enumerate(self.tdl["commands"], 1):
            data = self._data(f"/template/commands/command[{number}]", content)
            text = data.decode("utf-8", "replace")
            if text.encode() != data or text.startswith("#!"):
                path = SCRIPT.format(number)
                files.append(File(path=path, content=data, mode="0700"))
                text = f"{path} && rm {path}"
            commands.append(text.strip())
        return {"files": tuple(files), "commands": tuple(commands)}

    def _data(self, path: str, content: tuple[str, str]) -> bytes:
        kind, text = content
        place = Place(self.file, self._line_of(path))
        readers: dict[str, Callable[[], bytes]] = {
            "raw": text.encode,
            "base64": lambda: decoded(text, str(place)),
            "url": lambda: self._fetched(text.strip(), place),
        }
        try:
            return readers[kind]()
        except SpecError as error:
            self.problems += error.problems
            return b""

    def _fetched(self, url: str, place: Place) -> bytes:
        if url.startswith("file://"):
            return self.reader.data(url.removeprefix("file://"), place)
        if not url.startswith(("http://", "https://")):
            raise SpecError(f"{place}: only http, https and file URLs are read: {url}")
        return self.reader.download(url, place)

    def _mistake(self, path: str, what: str, part: str = "") -> None:
        line = self._line_of(path)
        self.problems.append(f"{self.file}:{line}: {path}: cannot be carried: {what}")

    def _line_of(self, path: str) -> int:
        """The line of an element, or of the first that may be it."""
        lines: Mapping[str, int] = self.tdl["lines"]
        if path in lines:
            return lines[path]
        named = re.sub(r"\[(\d+|@name=.*)\]$", "", path)
        return next((n for p, n in lines.items() if p.startswith(named)), 1)
