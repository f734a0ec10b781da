"""No secret leaves this process, and none is kept."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fixtures

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds import record_store
from osc_imagebuild.guests.catalog import Catalog
from tests.unit.base import CATALOG, NAME
from tests.unit.shell import ShellTestCase

PRODUCT_KEY = "W269N-WFGWX-YVC9B-4J6C9-T83GX"
SSH_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJ2vQ0f"
WORD = "hunter2"
SECRET = "correct horse battery staple ✓"


def _texts(value: Any) -> Iterator[str]:
    """All texts of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


class SecretTest(ShellTestCase):
    """A root password, from its file to the guest."""

    def setUp(self) -> None:
        """Have a password in a file."""
        super().setUp()
        logging.disable(logging.NOTSET)
        self.log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        self.file = Path(self.useFixture(fixtures.TempDir()).path) / "password"
        self.file.write_text(f"{SECRET}\n", encoding="utf-8")
        self.file.chmod(0o600)

    def secretive(self, *words: str) -> tuple[str, str]:
        """Create a Debian with the password; return stdout and stderr."""
        ran = self.build(
            *("create", "--os", "debian-13", "--no-wait", "--flavor", "m1.small"),
            *("--root-password-file", str(self.file), *words, NAME),
        )
        self.assertEqual(0, ran.code, ran.err)
        return ran.out, ran.err

    def test_password_is_nowhere(self) -> None:
        """Not in requests, the record, user data, the logs or the output."""
        shown = self.secretive("--source", "http://mirror.fake/debian")
        sent = [call.body for call in self.cloud.log]
        self.assertFalse(any(SECRET.encode() in body for body in sent))
        builder = Builder(self.cloud.connect(), catalog=Catalog())
        texts = record_store.texts(builder.api, builder.list().builds[0].id)
        user_data = [s.user_data for s in self.cloud.nova.servers.values()]
        self.assertIn("$6$", user_data[0])
        for text in (*texts.values(), *user_data, *shown, self.log.output):
            self.assertNotIn(SECRET, text)
            self.assertNotIn(SECRET.split()[0], text)

    def test_templates(self) -> None:
        """A secret that a template names is as secret."""
        self.useFixture(fixtures.EnvironmentVariable("ROOT_PASSWORD", SECRET))
        template = self.file.parent / "t.yaml"
        source = "version: 1\nanswers:\n  root_password: "
        for text in ("{env: ROOT_PASSWORD}", "{file: password}"):
            template.write_text(source + text)
            ran = self.build("template", "render", str(template), "-f", "json")
            self.assertIn("$6$", ran.json["answer_file"])
            sent = [call.body for call in self.cloud.log]
            for shown in (*map(str, sent), ran.out, ran.err, self.log.output):
                self.assertNotIn(SECRET.split()[0], shown)
            self.assertNotIn("chmod", ran.err + self.log.output)
        os.chmod(self.file, 0o644)
        self.build("template", "render", str(template))
        self.assertIn(f"chmod 600 {self.file}", self.log.output)

    def test_logins(self) -> None:
        """Those for a proxy and a repository are shown to nobody, and sent to guests alone."""
        self.useFixture(fixtures.EnvironmentVariable("LOGIN", WORD))
        template = self.file.parent / "t.yaml"
        login = "username: me, password: {env: LOGIN}"
        template.write_text(
            "version: 1\nos: debian-13\nsource: http://mirror.fake/debian\n"
            f"build: {{proxy: {{url: 'http://p.fake:1', {login}}}, flavor: m1.small}}\n"
            "customise:\n  repositories:\n"
            f"    - {{name: r, url: 'https://r.fake', suites: [s], {login}}}\n"
        )
        words = ("create", "--template", str(template), NAME)
        told = ""
        for ran in (
            self.build("template", "render", str(template), "-f", "json"),
            self.build(*words, "--dry-run", "-f", "json"),
        ):
            self.assertIn("http://me:HIDDEN@p.fake:1", ran.json["answer_file"])
            told += ran.out + ran.err
        ran = self.openstack("--debug", "image", "build", *words, "--no-wait")
        self.assertEqual(0, ran.code, ran.err[-2000:])
        [server] = self.cloud.nova.servers.values()
        self.assertIn(f"http://me:{WORD}@p.fake:1", server.user_data)
        for text in (told, ran.out, ran.err, self.log.output):
            self.assertNotIn(WORD, text)
        builder = Builder(self.cloud.connect(), catalog=Catalog())
        [build] = builder.list().builds
        self.assertNotIn(WORD, str(build.spec))
        self.build("cancel", NAME)
        for image in self.cloud.glance.images.values():
            self.assertNotIn(WORD, str(vars(image)))

    def test_playbooks(self) -> None:
        """A variable of a play is sent to the guest, and shown to nobody."""
        self.useFixture(fixtures.EnvironmentVariable("PLAY", SECRET))
        play = self.file.parent / "play"
        play.mkdir()
        (play / "site.yml").write_text("- hosts: all\n")
        template = self.file.parent / "t.yaml"
        template.write_text(
            "version: 1\nos: debian-13\nsource: http://mirror.fake/debian\n"
            "build: {flavor: m1.small}\ncustomise:\n  ansible:\n"
            "    playbook: play/site.yml\n    vars: {a: [b, {env: PLAY}]}\n"
        )
        packed = base64.b64encode(json.dumps({"a": ["b", SECRET]}).encode()).decode()
        create = ("create", "--template", str(template), "--no-wait", NAME)
        for words in (
            ("template", "render", str(template), "-f", "json"),
            (*create, "--dry-run", "-f", "json"),
            create,
        ):
            ran = self.build(*words)
            self.assertEqual(0, ran.code, ran.err)
            for shown in (ran.out, ran.err, self.log.output):
                self.assertNotIn(SECRET, shown)
                self.assertNotIn(packed[:60], shown)
        [server] = self.cloud.nova.servers.values()
        self.assertIn(packed[:60], server.user_data)
        for call in self.cloud.log:
            self.assertNotIn(SECRET.encode(), call.body)

    def test_debug(self) -> None:
        """It tells which requests are sent, but not what is in them."""
        answer = self.file.parent / "answer.sh"
        template = CATALOG / "mini.sh.j2"
        answer.write_text(f"{template.read_text()}\n# {PRODUCT_KEY}\n")
        (self.file.parent / "key.pub").write_text(f"ssh-ed25519 {SSH_KEY} me\n")
        told = ""
        for words in (
            ("--os=mini", f"--answer-file={answer}", "--no-wait", "first"),
            (
                *("--os=debian-13", "--source=http://mirror.fake/debian", "--no-wait"),
                *("--flavor=m1.small", f"--root-password-file={self.file}"),
                *(f"--ssh-public-key={self.file.parent / 'key.pub'}", "second"),
            ),
        ):
            ran = self.openstack("--debug", "image", "build", "create", *words)
            self.assertEqual(0, ran.code, ran.err[-2000:])
            told += ran.err
        for verb in ("list", "show first", "cancel second"):
            ran = self.openstack("--debug", "image", "build", *verb.split())
            self.assertEqual(0, ran.code, ran.err)
            told += ran.err
        told += self.log.output
        self.assertRegex(told, r"image PATCH /images/[0-9a-f-]+: 200")
        sent = {
            value
            for call in self.cloud.log
            if call.body.startswith((b"{", b"["))
            for value in _texts(call.json)
            if len(value) > 60
        }
        self.assertIn("compute POST /servers: 202", told)
        self.assertGreater(len(sent), 2)
        for secret in (*sent, PRODUCT_KEY, SSH_KEY, "$6$"):
            self.assertNotIn(secret, told)

    def test_dry_run_tells_no_password(self) -> None:
        """Nor does the plan that is shown."""
        out, _ = self.secretive("--source", "http://mirror.fake/debian", "--dry-run")
        self.assertIn("$6$", out)
        self.assertNotIn(SECRET, out)

    def test_request_hides_it(self) -> None:
        """Not even a traceback with the request would show it."""
        self.assertNotIn(SECRET, repr(self.request(root_password=SECRET)))

    def test_empty_file(self) -> None:
        """No password at all is not what was asked for."""
        self.file.write_text("\n")
        ran = self.create("--root-password-file", str(self.file))
        self.assertEqual(1, ran.code)
        self.assertIn(f"{self.file} is empty", ran.err)

    def test_file_for_all(self) -> None:
        """A file that everybody can read is warned of, not refused."""
        os.chmod(self.file, 0o644)
        _, err = self.secretive("--source", "http://mirror.fake/debian", "--dry-run")
        self.assertIn(f"chmod 600 {self.file}", err)
