"""A proxy as the only way out, an HTTPS repository with an own CA, and nothing left of either.

Debian 13 in a directory, by mmdebstrap, with a network of its own in which there is
nothing but the proxy; the scripts of an installation and of a layer run in it as they
are. Then every file is searched. Needs root and a mirror of Debian; half a minute a
script once the system is there.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from osc_imagebuild.model.request import Request
from tests.outside import PACKAGE, Outside
from tests.unit import answer_files
from tests.unit.wanted import CATALOG, layered, rendered

MIRROR = "http://deb.debian.org/debian"
LIMIT_S = 900
# Source: unshare(2), CLONE_NEWNET.
_NEW_NETWORK = 0x40000000
# In files of the system: a proxy with its login, a repository's, a CA.
_KEPT = 3
# What waits for a client, or would turn off or change the machine that this runs on.
_STUBS = ("sleep", "poweroff", "fstrim", "journalctl", "systemctl")


def main() -> int:
    """Run it; return 0 where it holds."""
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        system = here / "trixie.tar"
        subprocess.run(
            [
                *("mmdebstrap", "--quiet", "--variant=apt"),
                *("--include=ca-certificates", "trixie", str(system), MIRROR),
            ],
            check=True,
            timeout=LIMIT_S,
        )
        _leave_the_network()
        (here / "outside").mkdir()
        around = Outside(here / "outside", "127.0.0.1")
        try:
            return max(
                _changed(around, system, here / f"{way}-{keep}", way, keep=keep)
                for way in ("install", "layer")
                for keep in (False, True)
            )
        finally:
            around.close()


def _leave_the_network() -> None:
    """Have nothing but the loopback from here on, which all threads made later share."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=LIMIT_S)


def _changed(around: Outside, system: Path, root: Path, way: str, *, keep: bool) -> int:
    """Change a system by a script, and search it; return 0 where all is as it must be."""
    root.mkdir()
    subprocess.run(["tar", "xf", str(system), "-C", str(root)], check=True)
    _write_before(root, around, way)
    before = _files(root)
    script = _script(way, around, keep=keep)
    (root / "root/script").write_text(script, encoding="utf-8")
    around.asked.clear()
    done = subprocess.run(
        ["chroot", str(root), "sh", "/root/script", "inside"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        stdin=subprocess.DEVNULL,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    (root / "root/script").unlink(missing_ok=True)
    console = (root / "dev/console").read_text(encoding="utf-8", errors="replace")
    found = _found(root, around.traces())
    status = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    wrong = {
        "it failed": bool(done.returncode),
        "the package is missing": f"Package: {PACKAGE}\n" not in status,
        "the repository was not asked": not around.asked,
        "traces were left": bool(found) and not keep,
        "what was to stay is gone": keep and len(found) < _KEPT,
        "files were lost": bool(_lost(before, _files(root))),
    }
    said = [what for what, holds in wrong.items() if holds]
    print(f"{way}, keep {keep}: {'; '.join(said) or 'as it must be'}")
    for trace, files in found.items():
        print(f"  {trace!r:.40} in {', '.join(files)}")
    if said:
        print(
            console[-3000:], done.stderr[-2000:], _lost(before, _files(root)), sep="\n"
        )
    shutil.rmtree(root)
    return int(bool(said))


def _write_before(root: Path, around: Outside, way: str) -> None:
    """Leave what debian-installer leaves, and take away what must not run here."""
    console = root / "dev/console"
    console.unlink(missing_ok=True)
    console.touch()
    if way == "install":
        proxy = around.proxy().login_url
        conf = root / "etc/apt/apt.conf"
        conf.write_text(f'Acquire::http::Proxy "{proxy}";\n', encoding="utf-8")
    for name in _STUBS:
        stub = root / "usr/sbin" / name
        stub.write_text("#!/bin/sh\n", encoding="utf-8")
        stub.chmod(0o755)
    # Nothing but the repository that is to be added: there is no other way out.
    for file in (root / "etc/apt").glob("sources.list*"):
        if file.is_file():
            file.unlink()


def _script(way: str, around: Outside, *, keep: bool) -> str:
    wanted: dict[str, Any] = {
        "proxy": around.proxy(keep=keep),
        "ca_certificates": (around.certificate(keep=keep),),
        "repositories": (around.repository(keep=keep),),
        "packages": (PACKAGE,),
        "commands": ("test -s $SSL_CERT_FILE",),
    }
    if way == "layer":
        return layered("debian-13", **wanted)
    entry = CATALOG.entry("debian-13")
    answer = rendered(entry, Request(name="x", os=entry.name, **wanted)).answer
    return answer_files.script_of(entry.family, entry.name, answer)


def _files(root: Path) -> set[str]:
    """All files of the trust store and of apt's settings."""
    return {
        str(path.relative_to(root))
        for top in ("etc/ssl", "etc/apt", "usr/share/ca-certificates")
        for path in (root / top).rglob("*")
    }


def _lost(before: set[str], after: set[str]) -> list[str]:
    return sorted(before - after - {"etc/apt/apt.conf"})


def _found(root: Path, traces: tuple[bytes, ...]) -> dict[bytes, list[str]]:
    """The files that hold one of the traces, or are named so, by trace."""
    found: dict[bytes, list[str]] = {}
    for top, directories, files in os.walk(root):
        directories[:] = [d for d in directories if Path(top, d) != root / "proc"]
        for name in files:
            path = Path(top, name)
            if path.is_symlink() or not path.is_file():
                continue
            data = path.read_bytes()
            for trace in traces:
                if trace in data:
                    place = str(path.relative_to(root))
                    found.setdefault(trace, []).append(place)
    return found


if __name__ == "__main__":
    sys.exit(main())
