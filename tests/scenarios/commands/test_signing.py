"""Options for keys: files, passwords, and what is told without them."""

from __future__ import annotations

import os
from pathlib import Path

import fixtures

from osc_imagebuild.v1 import signing as options
from tests import signing
from tests.fakes import barbican
from tests.fakes.barbican import Secret
from tests.signing import CERTIFICATE
from tests.unit.base import NAME
from tests.unit.shell import Ran, ShellTestCase

TEMPLATE = f"""\
version: 1
os: mini
output: {{name: golden, sign: {{certificate_id: {CERTIFICATE}}}}}
"""


class SigningOptionsTest(ShellTestCase):
    """What users type, and crontabs."""

    def setUp(self) -> None:
        """Have keys, and a cloud with the certificate of one."""
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable(options.PASSWORD))
        self.cloud.keystone.services["key-manager"] = barbican.URL
        self.cloud.barbican.secrets[CERTIFICATE] = Secret(signing.certificate())
        self.write("key.pem", signing.pem())
        self.write("locked.pem", signing.pem("P-384", "s3cret"))
        Path("web.yaml").write_text(TEMPLATE)
        self.signing_key = signing.key()

    def write(self, name: str, data: bytes, mode: int = 0o600) -> None:
        """Write a file."""
        Path(name).write_bytes(data)
        os.chmod(name, mode)

    def signed(self, *words: str) -> Ran:
        """Type a create of an image that is signed."""
        return self.create("--sign-cert-id", CERTIFICATE, *words)

    def assert_signed(self) -> None:
        """The only build is complete, with a signature of the key."""
        [build] = self.builder().list().builds
        self.assert_complete(build)

    def test_create(self) -> None:
        """By options, with an encrypted key."""
        self.useFixture(fixtures.EnvironmentVariable(options.PASSWORD, "s3cret"))
        ran = self.signed("--sign-key-path", "locked.pem")
        self.assertEqual((0, ""), (ran.code, ran.err.partition("rror")[2]), ran.err)
        self.assert_signed()

    def test_apply(self) -> None:
        """By a template, which no key is in."""
        ran = self.build("apply", "web.yaml", "-f", "json")
        self.assertEqual(1, ran.code)
        self.assertIn("give --sign-key-path", ran.out + ran.err)
        self.assertEqual([], self.images())
        ran = self.build("apply", "web.yaml", "--sign-key-path", "key.pem")
        self.assertEqual(0, ran.code, ran.err)
        self.assertEqual(0, self.build("outdated", "web.yaml").code)
        [build] = self.builder().list().builds
        image = self.cloud.glance.images[build.result_id]
        signing.verify_image(image.properties, image.data, signing.key().public.pem)

    def test_resume(self) -> None:
        """The error is the command that goes on."""
        ran = self.signed("--sign-key-path", "key.pem", "--no-wait")
        self.assertEqual(0, ran.code, ran.err)
        ran = self.build("resume", NAME)
        self.assertEqual(1, ran.code)
        [build] = self.builder().list().builds
        way = f"openstack image build resume {build.id} --sign-key-path <key>"
        self.assertIn(way, ran.err)
        self.assertIn("this client has no key", ran.err)
        again = self.build("resume", "--all", "--sign-key-path", "key.pem", "--no-wait")
        self.assertEqual(0, again.code, again.err)
        self.assert_signed()

    def test_refused(self) -> None:
        """Before anything is made."""
        os.mkdir("directory")
        self.write("huge.pem", b"-----BEGIN " + b"x" * 40_000)
        self.write("dsa.pem", signing.pem("DSA"))
        for words, wanted in (
            (("--sign-key-path", "no.pem"), "cannot read no.pem: No such file"),
            (("--sign-key-path", "directory"), "cannot read directory: Is a directory"),
            (("--sign-key-path", "huge.pem"), "it has more than 32 KiB"),
            (("--sign-key-path", "dsa.pem"), "the key in dsa.pem is of DSA"),
            (("--sign-key-path", "web.yaml"), "web.yaml is no key in PEM"),
            (
                ("--sign-key-path", "locked.pem"),
                "there is no terminal to ask for its password: set OSC_IMAGEBUILD_SIGN",
            ),
            ((), "give --sign-key-path"),
        ):
            ran = self.signed(*words)
            self.assertEqual(1, ran.code)
            self.assertIn(wanted, ran.err)
        ran = self.create("--sign-key-path", "key.pem")
        self.assertIn("give --sign-cert-id too", ran.err)
        self.assertEqual([], self.images())

    def test_for_everybody(self) -> None:
        """A key that everybody can read is told, as passwords are."""
        self.write("open.pem", signing.pem(), 0o644)
        ran = self.signed("--sign-key-path", "open.pem", "--dry-run")
        self.assertIn("warning: open.pem can be read by every user", ran.err)
        self.assertEqual(0, ran.code, ran.err)
