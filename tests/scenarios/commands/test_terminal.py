"""Whatever others write, a terminal gets no character that it obeys."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fixtures
import testtools
import yaml

from osc_imagebuild.guests import catalog
from osc_imagebuild.v1 import columns
from osc_imagebuild.v1.door import Door, without_queries
from tests.fakes.faults import Fault
from tests.fakes.image import FakeImage
from tests.fakes.wire import Reply
from tests.unit.base import CATALOG, NAME
from tests.unit.shell import Ran, ShellTestCase

# Sets the title, clears the screen, turns the writing round, and more.
NASTY = (
    "\x1b]0;owned\x07\x1b[2J\x9b31m\x9d0;x\x9c\u202eevil\u202c\u2066x\u2069\u200e\u061c"
    "\u200b\ufeff\u2028\u2029\x00\x08\x7f\r\x85\ud800\U000e0041\u3164end"
)
# Where a service or a file cannot have all of it.
STORABLE = "".join(c for c in NASTY if not 0xD800 <= ord(c) < 0xE000)
ALLOWED = "\n\t"


def wrong(text: str) -> set[str]:
    """Characters of ``text`` that a terminal would obey, or not show."""
    return {
        c
        for c in text
        if c not in ALLOWED
        and (not (c.isprintable() or c in "\xa0\u3000") or c in "\u3164\ufe0f\u034f")
    }


def forged(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Copies of a JSON value with one text of it, or one key, made nasty."""
    if isinstance(value, str):
        yield "/".join(map(str, path)), value + NASTY
    elif isinstance(value, dict):
        for key, inner in value.items():
            for name, other in forged(inner, (*path, key)):
                yield name, {**value, key: other}
        yield "/".join(map(str, (*path, "new"))), {**value, NASTY: NASTY}
    elif isinstance(value, list):
        yield "/".join(map(str, (*path, "new"))), [*value, NASTY]


class HarmlessTest(testtools.TestCase):
    """The function that all of it passes."""

    def test_plain(self) -> None:
        """Each is written out, what people write with is left."""
        for text, wanted in (
            ("", ""),
            ("a b~", "a b~"),
            ("ü☃\xa0中e\u0301\U0001f600", "ü☃\xa0中e\u0301\U0001f600"),
            ("a\n\tb", "a\n\tb"),
            ("\x1b[2J", "\\x1b[2J"),
            ("\x9b\x00\x7f", "\\x9b\\x00\\x7f"),
            ("\u202e\u2066\u200e\u061c", "\\u202e\\u2066\\u200e\\u061c"),
            ("\u200b\ufeff\u2028", "\\u200b\\ufeff\\u2028"),
            ("\ud800\udcff", "\\ud800\\udcff"),
            ("\u3164\ufe0f\U000e0101", "\\u3164\\ufe0f\\U000e0101"),
            ("a\rb", "a\\rb"),
        ):
            self.assertEqual(wanted, columns.plain(text))
        self.assertEqual("a\\nb\\tc", columns.line("a\nb\tc"))
        self.assertEqual("a\nb", str(columns.Lines("a\r\nb")))
        self.assertEqual(set(), wrong(columns.plain(NASTY)))

    def test_every_character(self) -> None:
        """None of Unicode's passes that is a control, a format or half of a pair."""
        every = "".join(map(chr, (*range(1 << 16), *range(0xE0000, 0xE0200))))
        self.assertEqual(set(), wrong(columns.plain(every)))

    def test_door(self) -> None:
        """What it writes out is JSON still, and it never fails for an encoding."""
        for encoding in ("ascii", "cp1252", "utf-8", "utf-16"):
            raw = io.BytesIO()
            door = Door.of(io.TextIOWrapper(raw, encoding=encoding))
            self.assertIs(door, Door.of(door))
            door.write(json.dumps({"a": NASTY}, ensure_ascii=False) + "\n")
            door.flush()
            text = raw.getvalue().decode(encoding)
            self.assertEqual(set(), wrong(text))
            self.assertEqual({"a": NASTY}, json.loads(text))
            door.write("☃\U0001f600")
            door.flush()
            shown = raw.getvalue().decode(encoding)
            self.assertTrue(shown.endswith(("☃\U0001f600", "\\u2603\\U0001f600")))

    def test_reader_went_away(self) -> None:
        """Then it writes to nowhere; a disk that is full is an error still."""
        read, write = os.pipe()
        stream = os.fdopen(write, "w")
        self.addCleanup(stream.close)
        door = Door.of(stream)
        os.close(read)
        door.writelines(["lost", " as well"])
        self.assertFalse(door.is_closed)
        door.flush()
        self.assertTrue(door.is_closed)
        door.write("more")
        door.flush()
        full = open("/dev/full", "w")  # noqa: SIM115
        self.addCleanup(os.close, os.dup(full.fileno()))
        door = Door.of(full)
        door.write("x")
        self.assertRaises(OSError, door.flush)
        os.dup2(stream.fileno(), full.fileno())
        full.close()

    def test_addresses_in_logs(self) -> None:
        """Queries open doors, and are not in what is logged of requests."""
        record = logging.makeLogRecord(
            {
                "msg": '%s://%s "%s %s HTTP/1.1" %s',
                "args": ("https", "h:443", "GET", "/x.iso?X-Amz-Signature=s3cr", 200),
            }
        )
        self.assertTrue(without_queries(record))
        self.assertEqual('https://h:443 "GET /x.iso HTTP/1.1" 200', record.getMessage())


class TerminalTestCase(ShellTestCase):
    """Looks at all that commands print."""

    def assert_harmless(self, ran: Ran, where: str) -> None:
        """Neither stream has what a terminal obeys, and JSON is JSON."""
        bad = wrong(ran.out) | wrong(ran.err)
        self.assertEqual(set(), bad, f"{where}: {ran.out!r:.300} {ran.err!r:.600}")
        self.assertNotIn("Traceback", ran.err)

    def looks(self, where: str, *words: str) -> Ran:
        """Type a command twice, for a table and for JSON; return the latter."""
        self.assert_harmless(self.build(*words), f"{where}: {words} as table")
        ran = self.build(*words, "-f", "json")
        self.assert_harmless(ran, f"{where}: {words} as json")
        if ran.out:
            json.loads(ran.out)
        return ran


class RecordTest(TerminalTestCase):
    """What members of the project write."""

    def image(self, **fields: Any) -> FakeImage:
        """Return the record of a build that has all fields, and is driven."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        build = self.started(**fields)
        self.build("resume", build.id)
        return self.cloud.glance.images[build.id]

    def forgeries(self, image: FakeImage) -> Iterator[tuple[str, dict[str, str]]]:
        """Properties of records of which one text is nasty."""
        whole = dict(image.properties)
        for name, value in whole.items():
            yield name, {**whole, name: value + NASTY}
            try:
                data = json.loads(value)
            except ValueError:
                continue
            for where, other in forged(data):
                yield f"{name}/{where}", {**whole, name: json.dumps(other)}

    def test_each_field(self) -> None:
        """Each record of a project has another one; some cannot be read."""
        image = self.image(properties={"a": "b"}, tags=("t",))
        images = {}
        for number, (_, properties) in enumerate(self.forgeries(image)):
            copy_id = f"00000000-0000-4000-8000-{number:012}"
            copy = dataclasses.replace(image, id=copy_id, properties=properties)
            images[copy_id] = copy
        self.assertGreater(len(images), 80)
        self.cloud.glance.images |= images
        self.looks("all", "list", "--long")
        self.assert_harmless(self.build("list", "-f", "value"), "all")
        self.assert_harmless(self.build("delete", *images), "all")
        self.looks("all", "resume", "--all", "--no-wait")

    def test_all_fields_in_all_commands(self) -> None:
        """What can be shown is nasty, and every command has its turn."""
        for status in ("building", "failed", "complete", "cancelled"):
            image = self.image()
            spec = json.loads(image.properties["imagebuild_spec"])
            # Other names in it, and what is no text, make the record unreadable.
            name = NASTY.replace("\0", "").replace("\ud800", "")
            spec["result"]["name"] = spec["media"]["source"] = name
            spec["hardware"]["flavor_name"] = name
            texts = {n: NASTY for n in ("step", "doing", "reason", "evidence")}
            image.properties |= {f"imagebuild_{k}": v for k, v in texts.items()}
            image.properties |= {
                "imagebuild_status": status,
                "imagebuild_spec": json.dumps(spec),
                "imagebuild_console_tail": json.dumps(NASTY),
                "imagebuild_tool_version": NASTY,
            }
            shown = self.looks(status, "show", image.id).json
            self.assertEqual((name, NASTY), (shown["name"], shown["reason"]))
            self.looks(status, "list", "--long")
            for words in (
                *(("log", image.id), ("log", "--follow", image.id)),
                *(("screenshot", image.id), ("list", "-f", "value", "--long")),
                *(("show", image.id, "-f", "shell"), ("list", "-f", "csv", "--long")),
                ("list", "-f", "yaml", "--long"),
            ):
                if status != "building" or "--follow" not in words:
                    self.assert_harmless(self.build(*words), f"{status}: {words}")
            for verb in ("retry", "resume"):
                self.looks(status, verb, image.id)
            for verb in ("cancel", "delete"):
                self.assert_harmless(self.build(verb, image.id), f"{status}: {verb}")

    def test_lines(self) -> None:
        """Nobody adds a line to a list, or a field to a build."""
        image = self.image()
        spec = json.loads(image.properties["imagebuild_spec"])
        spec["result"]["name"] = f"a\nforged {image.id}"
        image.properties["imagebuild_spec"] = json.dumps(spec)
        for words in (("list", "-f", "value"), ("list", "-f", "csv"), ("list",)):
            ran = self.build(*words)
            self.assertRegex(ran.out, r"a\\+nforged")
            self.assertNotIn("\nforged", ran.out)

    def test_owner_and_orphans(self) -> None:
        """Who drives a build, and names of what is left."""
        build = self.started()
        glance = self.cloud.glance
        lease = dataclasses.replace(
            glance.images[build.id],
            # A forger can know the ID that a lease of that number has.
            id=str(uuid.uuid5(uuid.UUID(build.id), "lease-7")),
            name=f"imagebuild-{build.id}-lease-7",
            tags=[f"imagebuild-{build.id}", "imagebuild-part"],
            properties={"imagebuild_owner": NASTY, "imagebuild_token": NASTY},
        )
        glance.images[lease.id] = lease
        self.assertIn(NASTY, self.looks("owner", "show", build.id).json["driven_by"])
        self.looks("owner", "resume", build.id)
        del glance.images[build.id]
        lease.name = f"imagebuild-{build.id}-{NASTY}"
        self.looks("orphans", "list", "--orphans")
        self.assert_harmless(self.build("delete", "--orphans"), "orphans")
        self.assert_harmless(self.build("delete", "--orphans", "--yes"), "orphans")


class OthersTest(TerminalTestCase):
    """What services, guests, mirrors and authors of files write."""

    def test_refusals(self) -> None:
        """Error messages of all services, as JSON, as HTML and as reasons."""
        build = self.started()
        for status in (400, 404, 500):
            for body in (
                json.dumps({"error": {"message": STORABLE, "code": status}}).encode(),
                f"<html>{STORABLE}</html>".encode(),
            ):
                headers = {"x-openstack-request-id": "req\x1b[2J\x9b"}
                for service in ("image", "compute", "network", "volume", "identity"):
                    fault = Fault("nasty", Reply(status, body, headers))
                    hook = lambda call, f=fault, s=service: (  # noqa: E731
                        f if call.service == s else None
                    )
                    where = f"{service} {status}"
                    with self.one_of_many(where):
                        self.cloud.hooks[:] = [hook]
                        self.assert_harmless(self.build("show", build.id), where)
                        if status == 400 and b"html" in body:
                            self.assert_harmless(self.create("--no-wait"), where)

    def test_debug(self) -> None:
        """Tracebacks, and what is logged beside them."""
        logging.disable(logging.NOTSET)
        body = f"<html>{STORABLE}</html>".encode()
        fault = Fault("nasty", Reply(400, body, {"X": "\x1b[2J"}))
        self.cloud.hooks.append(lambda call: fault if call.service == "image" else None)
        ran = self.openstack("--debug", "image", "build", "list")
        self.assertEqual(1, ran.code)
        self.assertEqual(set(), wrong(ran.err))
        self.assertIn("\\x1b]0;owned", ran.err)
        self.assertIn("Traceback", ran.err)

    def test_guests(self) -> None:
        """A console, while it is written, when the build failed, and as evidence."""
        self.cloud.nova.plan.install_fails = f"FAILED: no disk {STORABLE}"
        ran = self.create("--log-dir", "logs")
        self.assert_harmless(ran, "create")
        self.assertIn("no disk", ran.err)
        build = self.builder().list().builds[0]
        self.looks("failed", "show", build.id)
        for words in (("log",), ("log", "--lines=2"), ("log", "--log-dir=logs")):
            self.assert_harmless(self.build(*words, build.id), str(words))
        [path] = Path("logs").glob("*-install.log")
        self.assertIn("\x1b]0;owned", path.read_text())
        self.looks("saved", "diagnose", str(path))
        shutil.copy(path, "other")
        self.looks("saved", "diagnose", str(path), "other")

    def test_raw(self) -> None:
        """As it was, but for a terminal."""
        self.cloud.nova.plan.install_fails = f"FAILED: {STORABLE}"
        self.create("--keep-on-failure")
        raw = self.build("log", NAME, "--raw")
        self.assertIn("\x1b]0;owned", raw.out)
        self.patch(Door, "isatty", lambda self: True)
        self.assert_harmless(self.build("log", NAME, "--raw"), "on a terminal")
        Path("console").write_bytes(b"\xff\xfe\x00 kernel panic \x1b[2J\x9b\n")
        self.looks("bytes", "diagnose", "console")

    def test_faults_of_servers(self) -> None:
        """Nova says why a server is in error."""
        self.cloud.nova.plan.install_fails = "x"
        build = self.started()
        [server] = self.cloud.nova.servers.values()
        server.status, server.fault = "ERROR", STORABLE
        ran = self.build("resume", build.id)
        self.assertEqual(1, ran.code)
        self.assert_harmless(ran, "fault")
        self.looks("fault", "show", build.id)

    def test_names_of_the_cloud(self) -> None:
        """Networks, flavors and groups, in choices and in mistakes."""
        for network in self.cloud.neutron.networks:
            network["name"] = STORABLE
        for flavor in self.cloud.nova.flavors:
            flavor["name"] += STORABLE
        self.looks("names", "create", "--os=mini", "--dry-run", NAME)
        self.looks("names", "create", "--os=mini", "--flavor=x", "--network=y", NAME)

    def test_mirrors(self) -> None:
        """What a web server answers, and where it sends one."""
        for answer in (
            Reply(404, STORABLE.encode()),
            Reply(302, b"", {"Location": "http://\x1b[2J\u202e/"}),
            Reply(200, STORABLE.encode(), {"Content-Length": "\x9b7"}),
            Reply(500, STORABLE.encode()),
        ):
            self.patch(self.cloud.mirror, "serve", lambda *a, r=answer, **kw: r)
            for source in ("http://m.fake/tree", "http://m.fake/x.iso"):
                where = f"{answer.status} {source}"
                with self.one_of_many(where):
                    words = ("create", "--os=mini", f"--source={source}", "--dry-run")
                    self.looks(where, *words, NAME)

    def test_templates(self) -> None:
        """Each of their fields, and their mistakes."""
        base: dict[str, Any] = {
            "version": 1,
            "name": NAME,
            "system": {"os": "mini"},
            "answers": {"packages": ["tree"], "locale": "C"},
        }
        for where, data in forged(base):
            with self.one_of_many(where):
                text = json.dumps(data)
                for raw in (
                    text,
                    yaml.safe_dump(data),
                    text.replace("\\u202e", "\u202e"),
                ):
                    Path("t.yaml").write_text(raw, encoding="utf-8")
                    words = ("template", "validate", "t.yaml")
                    self.assert_harmless(self.build(*words), where)
                    self.looks(where, "template", "render", "t.yaml")

    def test_catalogues(self) -> None:
        """Each text of an entry."""
        home = Path(self.useFixture(fixtures.TempDir()).path) / "catalogue"
        shutil.copytree(CATALOG, home)
        self.useFixture(fixtures.EnvironmentVariable(catalog.ENVIRONMENT, str(home)))
        path = home / "mini.yaml"
        for where, data in forged(yaml.safe_load(path.read_text())):
            with self.one_of_many(where):
                path.write_text(json.dumps(data), encoding="utf-8")
                self.looks(where, "os", "list")
                self.looks(where, "os", "show", "mini")
