"""A Debian repository by HTTPS with a CA of its own, and the proxy that leads to it.

Both ask for a name and a password. The repository's host has a name that only the proxy
can resolve, so what has a package of it came through the proxy.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import select
import shutil
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler
from http.server import ThreadingHTTPServer as Server
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from osc_imagebuild.model.access import CaCertificate, Proxy
from osc_imagebuild.model.request import Repository

HOST = "mirror.imagebuild.test"
PACKAGE = "imagebuild-outside"
USER, PASSWORD = "reader", "0pen-sesame'$%"
PROXY_USER, PROXY_PASSWORD = "passer", "by:the/way@#"
LIMIT_S = 60
_RELEASE = """\
Origin: outside
Suite: stable
Codename: stable
Architectures: amd64 all
Components: main
Date: {date}
SHA256:
 {sha256} {size} main/binary-amd64/Packages
"""


def _run(*words: str, text: str = "") -> str:
    done = subprocess.run(
        words, input=text, capture_output=True, text=True, timeout=LIMIT_S
    )
    if done.returncode:
        raise RuntimeError(f"{words[0]}: {done.stderr[-500:]}")
    return done.stdout


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Outside:
    """Servers on ``address``, with their files in ``directory``; `close` ends them.

    ``asked`` are the paths that the repository was asked for, ``passed`` what the proxy
    was, both with a login that was right.
    """

    def __init__(self, directory: Path, address: str) -> None:
        self.directory, self.address = directory, address
        self.asked: list[str] = []
        self.passed: list[str] = []
        self._make_certificates()
        self.key = self._make_repository(directory / "site")
        self._mirror = self._serve(self._mirror_handler(), tls=True)
        self._proxy = self._serve(self._proxy_handler())

    def close(self) -> None:
        """End both servers."""
        for server in (self._mirror, self._proxy):
            server.shutdown()
            server.server_close()

    def proxy(self, **fields: Any) -> Proxy:
        """The proxy as a request has it."""
        port = self._proxy.server_address[1]
        return Proxy(
            **{
                "url": f"http://{self.address}:{port}",
                "username": PROXY_USER,
                "password": PROXY_PASSWORD,
                **fields,
            }
        )

    def certificate(self, **fields: Any) -> CaCertificate:
        """The CA as a request has it."""
        pem = (self.directory / "ca.pem").read_text(encoding="utf-8")
        return CaCertificate(pem=pem, **fields)

    def repository(self, **fields: Any) -> Repository:
        """The repository as a request has it."""
        return Repository(
            **{
                "name": "outside",
                "url": f"https://{HOST}/site",
                "suites": ("stable",),
                "key": self.key,
                "username": USER,
                "password": PASSWORD,
                **fields,
            }
        )

    def traces(self) -> tuple[bytes, ...]:
        """What no file of a result may hold."""
        proxy = self.proxy()
        line = self.certificate().pem.splitlines()[3]
        texts = (
            *(proxy.plain_url, PROXY_PASSWORD, proxy.login_url.rpartition("@")[0]),
            *(PASSWORD, line, base64.b64encode(PASSWORD.encode()).decode()),
        )
        return tuple(text.encode() for text in texts)

    def _make_certificates(self) -> None:
        here = self.directory
        new = "openssl req -newkey rsa:2048 -nodes -subj".split()
        _run(
            *(*new, "/CN=outside", "-x509", "-days", "30"),
            *("-keyout", f"{here}/ca.key", "-out", f"{here}/ca.pem"),
        )
        _run(
            *(*new, f"/CN={HOST}"),
            *("-keyout", f"{here}/server.key", "-out", f"{here}/server.csr"),
        )
        names = here / "names"
        names.write_text(f"subjectAltName=DNS:{HOST}\n", encoding="utf-8")
        _run(
            *("openssl", "x509", "-req", "-days", "30", "-in", f"{here}/server.csr"),
            *("-CA", f"{here}/ca.pem", "-CAkey", f"{here}/ca.key", "-CAcreateserial"),
            *("-extfile", str(names), "-out", f"{here}/server.pem"),
        )

    def _make_repository(self, site: Path) -> str:
        """Make a signed suite of one package; return the public key."""
        tree = self.directory / "package"
        (tree / "DEBIAN").mkdir(parents=True)
        control = (
            f"Package: {PACKAGE}\nVersion: 1\nArchitecture: all\n"
            "Maintainer: outside <outside@example.org>\nDescription: was outside\n"
        )
        (tree / "DEBIAN/control").write_text(control, encoding="utf-8")
        (site / "pool").mkdir(parents=True)
        file = site / "pool" / f"{PACKAGE}_1_all.deb"
        _run("dpkg-deb", "--root-owner-group", "-b", str(tree), str(file))
        data = file.read_bytes()
        index = (
            f"{control}Filename: pool/{file.name}\nSize: {len(data)}\n"
            f"SHA256: {hashlib.sha256(data).hexdigest()}\n"
        )
        suite = site / "dists/stable"
        (suite / "main/binary-amd64").mkdir(parents=True)
        (suite / "main/binary-amd64/Packages").write_text(index, encoding="utf-8")
        release = _RELEASE.format(
            date=_run("date", "-u", "-R").strip().replace("+0000", "UTC"),
            sha256=hashlib.sha256(index.encode()).hexdigest(),
            size=len(index),
        )
        home = self.directory / "gnupg"
        home.mkdir(mode=0o700)
        gpg = ("gpg", "--homedir", str(home), "--batch", "--passphrase", "")
        try:
            _run(*gpg, "--quick-gen-key", "outside", "ed25519", "sign", "never")
            signed = _run(*gpg, "--clearsign", text=release)
            (suite / "InRelease").write_text(signed, encoding="utf-8")
            return _run(*gpg, "--armor", "--export")
        finally:
            _run("gpgconf", "--homedir", str(home), "--kill", "all")
            shutil.rmtree(home, ignore_errors=True)

    def _serve(
        self, handler: type[BaseHTTPRequestHandler], *, tls: bool = False
    ) -> Server:
        server = Server((self.address, 0), handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(
                self.directory / "server.pem", self.directory / "server.key"
            )
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def _mirror_handler(self) -> type[BaseHTTPRequestHandler]:
        outside = self

        class Mirror(SimpleHTTPRequestHandler):
            """Serves the repository to who logs in."""

            protocol_version = "HTTP/1.1"

            def __init__(self, *args: Any) -> None:
                super().__init__(*args, directory=os.fspath(outside.directory))

            def do_GET(self) -> None:
                """Answer, or ask for a login."""
                allowed = self.headers.get("Authorization") == _basic(USER, PASSWORD)
                if allowed and self.path.startswith("/site/"):
                    outside.asked.append(self.path)
                    super().do_GET()
                    return
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="outside"')
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Be silent."""

        return Mirror

    def _proxy_handler(self) -> type[BaseHTTPRequestHandler]:
        outside = self

        class Forward(BaseHTTPRequestHandler):
            """Leads to the repository, and to any server by HTTP."""

            protocol_version = "HTTP/1.1"

            def is_refused(self) -> bool:
                """Ask for a login where there is none."""
                login = _basic(PROXY_USER, PROXY_PASSWORD)
                if self.headers.get("Proxy-Authorization") == login:
                    outside.passed.append(self.path)
                    return False
                self.send_response(407)
                self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return True

            def do_CONNECT(self) -> None:
                """Join the client with the repository, whatever port it names."""
                if self.is_refused():
                    return
                if self.path.partition(":")[0] != HOST:
                    self.send_error(403)
                    return
                place = outside._mirror.server_address
                with socket.create_connection((str(place[0]), int(place[1]))) as there:
                    self.send_response(200)
                    self.end_headers()
                    _join(self.connection, there)
                self.close_connection = True

            def do_GET(self) -> None:
                """Fetch what is asked for."""
                if self.is_refused():
                    return
                url = urlsplit(self.path)
                there = http.client.HTTPConnection(
                    url.hostname or "", url.port or 80, timeout=LIMIT_S
                )
                kept = ("range", "if-range", "if-modified-since", "user-agent")
                headers = {k: v for k, v in self.headers.items() if k.lower() in kept}
                there.request(
                    "GET", url._replace(scheme="", netloc="").geturl(), headers=headers
                )
                answer = there.getresponse()
                data = answer.read()
                self.send_response(answer.status)
                for key, value in answer.getheaders():
                    if key.lower() in (
                        "content-type",
                        "last-modified",
                        "content-range",
                    ):
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                """Be silent."""

        return Forward


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass on what either says until one of them ends."""
    ends = {one: other, other: one}
    while True:
        ready, _, _ = select.select(list(ends), [], [], LIMIT_S)
        if not ready:
            return
        for end in ready:
            data = end.recv(1 << 16)
            if not data:
                return
            ends[end].sendall(data)
