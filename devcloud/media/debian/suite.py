"""Write the two suites that debian-installer reads: its udebs, and a stub."""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

ARCH = "amd64"
# Of a stock index; the rest (sizes, sums, translations) is ours or not needed.
KEPT = ("version", "architecture", "maintainer", "installed-size", "section")
TOLD = ("description", "installer-menu-item", "kernel-version", "provides")


@dataclass(frozen=True)
class Udeb:
    """A udeb's control fields and the file that has it."""

    fields: dict[str, str]
    file: Path

    @property
    def name(self) -> str:
        return self.fields["package"]

    @property
    def pool_name(self) -> str:
        """As mirrors name it: the epoch's colon would need escaping in URLs."""
        version = self.fields["version"].partition(":")[2] or self.fields["version"]
        return f"{self.name}_{version}_{self.fields['architecture']}.udeb"


def names(field: str) -> list[str]:
    """The package names of a Depends or Provides field, without alternatives."""
    return [item.split()[0] for item in field.split(",") if item.strip()]


def provided(stanzas: Iterable[dict[str, str]]) -> set[str]:
    """All names that these packages answer to."""
    found: set[str] = set()
    for fields in stanzas:
        found.add(fields["package"])
        found.update(names(fields.get("provides", "")))
    return found


def stanza(udeb: Udeb, pool: str, available: Collection[str]) -> str:
    """Its paragraph of Packages.

    The installer takes by itself what has priority standard. Dependencies on what
    this suite leaves out on purpose are dropped: it would refuse the udeb.
    """
    fields = udeb.fields
    data = udeb.file.read_bytes()
    depends = [
        item.strip()
        for item in fields.get("depends", "").split(",")
        if item.strip() and item.split()[0] in available
    ]
    lines = [f"Package: {udeb.name}", "Priority: standard"]
    lines += [f"{name.title()}: {fields[name]}" for name in KEPT if name in fields]
    if depends:
        lines.append("Depends: " + ", ".join(depends))
    for name in TOLD:
        if name in fields:
            lines.append(f"{name.title()}: {fields[name].splitlines()[0]}")
    lines += [
        f"Filename: {pool}/{udeb.pool_name}",
        f"Size: {len(data)}",
        f"MD5sum: {hashlib.md5(data).hexdigest()}",
        f"SHA256: {hashlib.sha256(data).hexdigest()}",
    ]
    return "\n".join(lines) + "\n"


def write(root: Path, suite: str, part: str, packages: str) -> None:
    """dists/SUITE with one index; `part` is the directory below main."""
    top = root / "dists" / suite
    index = top / "main" / part
    index.mkdir(parents=True)
    text = packages.encode()
    (index / "Packages").write_bytes(text)
    (index / "Packages.gz").write_bytes(gzip.compress(text, mtime=0))
    (index / "Release").write_text(
        f"Archive: {suite}\nOrigin: Debian\nLabel: Debian\nComponent: main\n"
        f"Architecture: {ARCH}\n"
    )
    (top / "Release").write_text(release(top, suite, sorted(index.iterdir())))


def release(top: Path, suite: str, files: Iterable[Path]) -> str:
    date = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime())
    lines = [
        "Origin: Debian",
        "Label: Debian",
        f"Suite: {suite}",
        f"Codename: {suite}",
        f"Date: {date}",
        f"Architectures: {ARCH}",
        "Components: main",
        "Description: for guests of the devcloud; not signed",
        "SHA256:",
    ]
    for file in files:
        data = file.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        lines.append(f" {digest} {len(data)} {file.relative_to(top)}")
    return "\n".join(lines) + "\n"
