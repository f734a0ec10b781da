"""A real Gnocchi for one test: its API, on a database server of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import fixtures
import requests

from devcloud import settings

# Gnocchi names none of what its indexer needs as its own requirement.
PACKAGES = (
    *("gnocchi>=4.7,<4.8", "PyMySQL", "oslo.db", "alembic", "SQLAlchemy-Utils"),
    *("SQLAlchemy>=2.0,<2.1", "setuptools<81"),
)
LIMIT_S = 120
_SERVE = """\
import sys
from wsgiref.simple_server import make_server
from gnocchi import service
from gnocchi.rest import app
conf = service.prepare_service(["--config-file", sys.argv[1]], log_to_std=True)
make_server("127.0.0.1", int(sys.argv[2]), app.load_app(conf)).serve_forever()
"""


class GnocchiServer(fixtures.Fixture):
    """``url`` answers to HTTP basic authentication as admin with any password."""

    def _setUp(self) -> None:
        self.home = Path(self.useFixture(fixtures.TempDir()).path)
        python = _installed()
        self._start_database()
        configuration = self._configure()
        self._run(str(python.with_name("gnocchi-upgrade")), *configuration)
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        (self.home / "serve.py").write_text(_SERVE)
        self._spawn(str(python), "serve.py", configuration[1], str(port))
        _until(lambda: requests.get(f"{self.url}/", timeout=5).ok)

    def post(self, path: str, body: Any) -> Any:
        """Make something."""
        answer = requests.post(
            f"{self.url}/v1/{path}", json=body, auth=("admin", ""), timeout=30
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        """Read something."""
        answer = requests.get(f"{self.url}/v1/{path}", auth=("admin", ""), timeout=60)
        answer.raise_for_status()
        return answer.json()

    def _start_database(self) -> None:
        data = f"--datadir={self.home}/db"
        self._run(
            *("mariadb-install-db", "--no-defaults", "--user=root", data),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
        )
        self._spawn(
            *("mariadbd", "--no-defaults", "--user=root", data, "--skip-networking"),
            f"--socket={self.home}/s",
        )
        create = "CREATE DATABASE IF NOT EXISTS gnocchi CHARACTER SET utf8mb3"
        client = ("mariadb", "--no-defaults", "-uroot", f"-S{self.home}/s")
        _until(lambda: not subprocess.call([*client, "-e", create], stderr=-3))

    def _configure(self) -> tuple[str, str]:
        path = self.home / "gnocchi.conf"
        path.write_text(
            f"[DEFAULT]\ncoordination_url = file://{self.home}/locks\n"
            "[api]\nauth_mode = basic\n"
            f"[storage]\ndriver = file\nfile_basepath = {self.home}/data\n"
            "[indexer]\nurl = mysql+pymysql://root@localhost/gnocchi"
            f"?unix_socket={self.home}/s\n"
        )
        return "--config-file", str(path)

    def _run(self, *words: str) -> None:
        subprocess.run(
            words, cwd=self.home, check=True, capture_output=True, timeout=LIMIT_S
        )

    def _spawn(self, *words: str) -> None:
        with (self.home / "log").open("ab") as log:
            process = subprocess.Popen(
                words, cwd=self.home, stdin=-3, stdout=log, stderr=log
            )
        self.addCleanup(process.wait, 30)
        self.addCleanup(process.terminate)


def _installed() -> Path:
    """Return the Python that has Gnocchi, installed where it stays."""
    home = settings.HOME / "gnocchi"
    python = home / "bin" / "python"
    if not (home / "stamp").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", *PACKAGES],
            check=True,
            timeout=600,
            stdout=sys.stderr,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )
        (home / "stamp").touch()
    return python


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until(ready: Any) -> None:
    """Wait for a server to answer.

    :raises: TimeoutError
    """
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        try:
            if ready():
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    raise TimeoutError("no answer")
