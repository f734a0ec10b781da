"""A package repository of one package, newer than any, that the devcloud serves to guests."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from devcloud import settings
from osc_imagebuild.model.request import Repository

# Of every Debian system, small, and the same for all architectures.
PACKAGE = "netbase"
VERSION = "99.0"
SUITE = "proof"
RELEASE = "trixie"


class AptRepository:
    """A directory below the media that are served; signed by a key of its own.

    ``made_at`` is when its package says that it was made, in seconds since 1970.
    """

    def __init__(self, name: str, scratch: Path, made_at: int) -> None:
        self.root = settings.MEDIA / name
        self.url = f"{settings.MEDIA_URL}/{name}"
        self.made_at = made_at
        self._scratch = scratch
        self._gpg_home = scratch / "gnupg"
        self._gpg_home.mkdir(mode=0o700, parents=True)

    def make(self) -> Repository:
        """Have it, as a request names it."""
        self._gpg("--passphrase", "", "--quick-generate-key", "proof", "ed25519")
        key = self._gpg("--armor", "--export", "proof")
        pool = self.root / "pool"
        pool.mkdir(parents=True)
        self._index(self._package(pool))
        return Repository(
            name="proof",
            url=self.url,
            suites=(SUITE,),
            components=("main",),
            key=key,
        )

    def remove(self) -> None:
        """Leave nothing of it, nor the agent that gpg has started."""
        shutil.rmtree(self.root, ignore_errors=True)
        subprocess.run(
            ["gpgconf", "--homedir", str(self._gpg_home), "--kill", "all"], check=False
        )

    def _package(self, pool: Path) -> Path:
        """Return Debian's package with another version and time."""
        name = f"{PACKAGE}_*.deb"
        # What the devcloud's Debian was made of.
        kept = [*settings.HOME.glob(f"media-cache/{RELEASE}/base/{name}")]
        if not kept:
            _run("apt-get", "-q", "download", PACKAGE, where=self._scratch)
        old = next(iter(kept or self._scratch.glob(name)))
        tree = self._scratch / "tree"
        _run("dpkg-deb", "--raw-extract", str(old), str(tree))
        control = tree / "DEBIAN" / "control"
        text = control.read_text(encoding="utf-8")
        control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {VERSION}", text))
        for path in (tree, *tree.rglob("*")):
            os.utime(path, (self.made_at, self.made_at), follow_symlinks=False)
        made = pool / f"{PACKAGE}_{VERSION}_all.deb"
        _run("dpkg-deb", "--root-owner-group", "--build", str(tree), str(made))
        return made

    def _index(self, package: Path) -> None:
        """Write what apt looks for: packages, their digests, and a signature."""
        said = _run("dpkg-deb", "--field", str(package)).strip()
        data = package.read_bytes()
        lines = (
            said,
            f"Filename: {package.relative_to(self.root)}",
            f"Size: {len(data)}",
            f"SHA256: {hashlib.sha256(data).hexdigest()}",
        )
        packages = ("\n".join(lines) + "\n").encode()
        suite = self.root / "dists" / SUITE
        listed = []
        for name, content in (
            ("Packages", packages),
            ("Packages.gz", gzip.compress(packages)),
        ):
            path = suite / "main" / "binary-amd64" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            listed.append(f" {digest} {len(content)} {path.relative_to(suite)}")
        date = datetime.fromtimestamp(self.made_at, timezone.utc)
        release = (
            f"Origin: {SUITE}\nSuite: {SUITE}\nCodename: {SUITE}\n"
            f"Date: {date:%a, %d %b %Y %H:%M:%S} UTC\nArchitectures: amd64\n"
            "Components: main\nSHA256:\n" + "\n".join(listed) + "\n"
        )
        plain = self._scratch / "Release"
        plain.write_text(release, encoding="utf-8")
        signed = ("--output", str(suite / "InRelease"), "--clear-sign", str(plain))
        self._gpg("--digest-algo", "SHA512", *signed)

    def _gpg(self, *words: str) -> str:
        return _run("gpg", "-q", "--batch", "--homedir", str(self._gpg_home), *words)


def _run(*command: str, where: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=where)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout
