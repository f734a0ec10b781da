"""A made-up system in a directory, in which the scripts of answer files run.

Their paths are put below the directory; programs that would change this machine, or
that it does not have, are replaced by ones that write down how they were called.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

# What these scripts call that must not run here, or is not here.
_PROGRAMS = """apt-get locale-gen usermod useradd groupadd getent systemctl setfiles
chown fstrim python3 dpkg-query rpm sleep sync stty fallocate mkswap mount sudo pw
sysrc pkg cap_mkdb freebsd-version nc b64decode subscription-manager bsdinstall
dhclient ifconfig poweroff dnf zypper journalctl freebsd-update grubby
update-ca-certificates update-ca-trust certctl chattr""".split()
# What a playbook, or hardening, leaves for the script that started it.
_PYTHON = """case $1 in
    */run.py) for name in recap score failed; do : > ${1%run.py}$name; done ;;
esac"""
_PLACES = (
    "sys|etc|var|root|home|srv|boot|tmp|run|dev|usr|lib|firstboot|entropy|swapfile"
)
_PATH = re.compile(rf"(?<![\w./*}}])/({_PLACES}|target)(?![\w-])")


class Target:
    """One system; ``root`` is its directory."""

    def __init__(self, directory: str) -> None:
        self.root = Path(directory, "root")
        self._programs = Path(directory, "bin")
        self._calls = Path(directory, "calls")
        self._programs.mkdir()
        for name in _PROGRAMS:
            self.program(name, "cat > /dev/null < /dev/null")
        self.program("python3", _PYTHON)
        places = "etc/default etc/ssh etc/cloud/cloud.cfg.d var/log var/tmp tmp root"
        for place in [*places.split(), "dev", "lib/modules", "run", "boot"]:
            (self.root / place).mkdir(parents=True)
        (self.root / "dev/null").symlink_to("/dev/null")
        self.write("/etc/os-release", "ID=made-up\nPRETTY_NAME=Made-up\n")

    def program(self, name: str, script: str) -> None:
        """Have a program that notes its call and then does this."""
        path = self._programs / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self._calls}\n{script}\n')
        path.chmod(0o755)

    def write(self, path: str, text: str) -> Path:
        """Have a file, and its directories."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return place

    def read(self, path: str) -> str:
        """What is in a file."""
        return (self.root / path.lstrip("/")).read_text(encoding="utf-8")

    def exists(self, path: str) -> bool:
        """Whether there is such a file, a link to nothing included."""
        place = self.root / path.lstrip("/")
        return place.is_symlink() or place.exists()

    def link(self, path: str) -> str:
        """Where a symbolic link leads, as the system itself would see it."""
        return str((self.root / path.lstrip("/")).readlink()).removeprefix(
            str(self.root)
        )

    def calls(self) -> list[str]:
        """How the replaced programs were called, in order."""
        return self._calls.read_text().splitlines() if self._calls.exists() else []

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the system's, by sh."""
        text = _PATH.sub(rf"{self.root}/\1", script)
        text = re.sub(r"(?m)^PATH=.*$", "PATH=$MADE_UP_PATH", text)
        path = f"{self._programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        return subprocess.run(
            ["sh"],
            input=text,
            capture_output=True,
            text=True,
            cwd=self.root,
            env={**os.environ, "PATH": path, "MADE_UP_PATH": path},
            timeout=60,
        )
