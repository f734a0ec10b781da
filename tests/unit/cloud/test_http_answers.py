"""What of a service's answer is believed, by servers on the loop back."""

from __future__ import annotations

import contextlib
import json
import zlib
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import fixtures
import testtools
from keystoneauth1 import session as ksa
from keystoneauth1 import token_endpoint
from keystoneauth1.adapter import Adapter
from keystoneauth1.identity import v3

from osc_imagebuild.cloud import http_answers, servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, TransientError
from tests.fakes import web
from tests.fakes.clock import FakeClock, World
from tests.fakes.web import Handler, Web

LINE = "x" * 1000


class Service(Handler):
    """Answers any method as ``fault`` says, and notes what it was told."""

    def do_GET(self) -> None:
        """Answer."""
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size).decode()
        told = f"{self.headers.get('X-Auth-Token', '')}{body}"
        self.server.asked.append((self.path, told))
        self.server.fault(self, len(self.server.asked))

    do_POST = do_PUT = do_DELETE = do_GET


def serving() -> Web:
    """A service."""
    found = Web(0, lambda at, count: b"")
    found.RequestHandlerClass = Service
    found.fault = lambda handler, number: gives(handler, {})
    return found


def gives(handler: Handler, body: Any, *, begin: bytes = b"") -> bool:
    """Answer with JSON."""
    data = begin or json.dumps(body).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
    return True


class AnswersTestCase(testtools.TestCase):
    """Two hosts: 127.0.0.1 at two ports."""

    def setUp(self) -> None:
        super().setUp()
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            self.useFixture(fixtures.EnvironmentVariable(name))
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.nova = stack.enter_context(web.running(serving()))
        self.other = stack.enter_context(web.running(serving()))
        auth = token_endpoint.Token(self.nova.url, "secret")
        self.api = self.connected(ksa.Session(auth=auth))

    def connected(self, session: ksa.Session) -> Api:
        """What of the SDK is used to reach Nova."""
        compute = Adapter(
            session, service_type="compute", endpoint_override=self.nova.url
        )
        connection: Any = SimpleNamespace(session=session, compute=compute)
        return Api(connection, FakeClock(World()))


class RedirectTest(AnswersTestCase):
    """Services that send their clients away."""

    def test_other_host(self) -> None:
        """Attack: a redirect of a service to another host, who would get the token."""
        for status in (301, 302, 303, 307, 308):
            for to in (
                f"{self.other.url}/servers",
                self.other.url.replace("127.0.0.1", "localhost"),
                self.other.url.replace("http://", "//"),
                f"http://{self.nova.url[7:]}@127.0.0.1:{self.other.server_address[1]}/",
                "http://[::1",
            ):
                self.nova.fault = web.answering(status, Location=to)
                for method in ("GET", "POST", "DELETE"):
                    error = self.assertRaises(
                        CloudError, self.api.call, "compute", method, "/servers?a=b"
                    )
                    self.assertNotIsInstance(error, TransientError)
                    self.assertIn("who shall not have the token", str(error))
        self.assertEqual([], self.other.asked)
        self.assertEqual("secret", self.nova.asked[0][1])

    def test_password(self) -> None:
        """Attack: Keystone sends a login on to another host, with the password."""
        auth = v3.Password(
            f"{self.nova.url}/v3",
            username="me",
            password="hidden",
            user_domain_id="default",
            project_id="p",
        )
        api = self.connected(ksa.Session(auth=auth))
        self.nova.fault = web.answering(
            308, Location=f"{self.other.url}/v3/auth/tokens"
        )
        self.assertRaises(CloudError, api.call, "compute", "GET", "/servers")
        self.assertRaises(CloudError, api.project_id)
        self.assertIsNone(api.token_life())
        self.assertEqual([], self.other.asked)
        self.assertIn("hidden", self.nova.asked[0][1])

    def test_same_host(self) -> None:
        """At home a service may send on; whither it does not say is no answer."""

        def there(handler: Handler, number: int) -> bool:
            if handler.path == "/there":
                return gives(handler, {"a": 1})
            handler.status(302, Location=f"{self.nova.url}/there")
            return True

        self.nova.fault = there
        self.assertEqual({"a": 1}, self.api.get("compute", "/servers"))
        self.nova.fault = web.answering(302)
        self.assertRaises(CloudError, self.api.get, "compute", "/servers")

    def test_once(self) -> None:
        """However many of ours use a session; https may follow http."""
        session = self.api.connection.session
        Api(self.api.connection)
        hooks = session.session.hooks["response"]
        self.assertEqual(1, hooks.count(http_answers._require_same_host))
        for before, after, same in (
            ("http://a/", "https://a/", True),
            ("http://a:80/", "http://a/x", True),
            ("https://a/", "http://a/", False),
            ("http://a/", "http://a:81/", False),
            ("http://a/", "http://A/", True),
            ("http://a/", "ftp://a/", False),
        ):
            parts = [urlsplit(url) for url in (before, after)]
            self.assertEqual(same, http_answers._is_same(*parts), after)


class SizeTest(AnswersTestCase):
    """Answers that are larger than any."""

    def test_bodies(self) -> None:
        """Attack: a body without end, or one that becomes large; little is read."""
        bomb = zlib.compress(bytes(1 << 26))

        def endless(handler: Handler, number: int) -> bool:
            handler.close_connection = True
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                handler.wfile.write(bytes(1 << 16))

        def packed(handler: Handler, number: int) -> bool:
            handler.send_response(200)
            handler.send_header("Content-Encoding", "deflate")
            handler.send_header("Content-Length", str(len(bomb)))
            handler.end_headers()
            handler.wfile.write(bomb)
            return True

        for fault in (endless, packed):
            self.nova.fault = fault
            error = self.assertRaises(
                http_answers.TooLargeError,
                self.api.send,
                "compute",
                "GET",
                "/x",
                limit=1 << 20,
            )
            self.assertIn("larger than 1 MiB (compute, HTTP 200)", str(error))

    def test_whole(self) -> None:
        """What is not too large is as it was sent, packed or not; a refusal too."""
        text = json.dumps({"a": LINE * 300}).encode()

        def answer(handler: Handler, number: int) -> bool:
            data = zlib.compress(text) if number % 2 else text
            handler.send_response(200 if number < 3 else 409)
            if number % 2:
                handler.send_header("Content-Encoding", "deflate")
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
            return True

        self.nova.fault = answer
        for _ in range(2):
            body = self.api.send("compute", "POST", "/x", {})
            self.assertEqual({"a": LINE * 300}, body)
        for _ in range(2):
            error = self.assertRaises(CloudError, self.api.send, "compute", "GET", "/x")
            self.assertIn("xxx", str(error))

    def test_broken_off(self) -> None:
        """Half an answer is worth another try."""

        def cut(handler: Handler, number: int) -> bool:
            handler.close_connection = True
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")
            return True

        self.nova.fault = cut
        self.assertRaises(TransientError, self.api.send, "compute", "GET", "/x")

    def test_no_end(self) -> None:
        """Attack: a body that comes byte by byte, for hours."""
        world = World()
        self.api.clock = FakeClock(world)

        def slow(handler: Handler, number: int) -> bool:
            handler.close_connection = True
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                world.now += 100
                handler.wfile.write(b" " * 4096)

        self.nova.fault = slow
        error = self.assertRaises(TransientError, self.api.send, "compute", "GET", "/x")
        self.assertIn("no end after 300 s", str(error))

    def test_console(self) -> None:
        """Attack: a console of 100 MB; a part of it is asked for, or none taken."""
        asked: list[int] = []

        def console(handler: Handler, number: int) -> bool:
            body = json.loads(self.nova.asked[-1][1].removeprefix("secret"))
            lines = int(body["os-getConsoleOutput"]["length"])
            asked.append(lines)
            return gives(handler, {"output": f"{LINE}\n" * min(lines, 100_000)})

        self.nova.fault = console
        found = servers.console(self.api, "id", servers.WHOLE_CONSOLE)
        self.assertEqual([20_000, 2000], asked)
        self.assertEqual(f"{LINE}\n" * 2000, found)
        self.nova.fault = lambda h, n: gives(h, {"output": LINE * 5000})
        self.assertIsNone(servers.console(self.api, "id"))
        self.assertLess(len(self.nova.asked), 9)
