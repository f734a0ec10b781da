"""Whose spec it is: signatures, and the key that they are made with."""

from __future__ import annotations

import os
from pathlib import Path

import fixtures
import testtools

from osc_imagebuild.builds import authorship

BUILD, SPEC = "6f1ed002-ab59-4c42-8ea0-111111111111", '{"installer": {}}'


class AuthorshipTest(testtools.TestCase):
    """One user, on one machine."""

    def setUp(self) -> None:
        """Have a home without a key."""
        super().setUp()
        self.home = Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable("XDG_STATE_HOME", str(self.home)))
        self.forget()

    def forget(self) -> None:
        """Begin a process."""
        authorship._key.cache_clear()
        self.addCleanup(authorship._key.cache_clear)

    def test_own(self) -> None:
        """In this process and in a later one, of just this build and this spec."""
        signature = authorship.sign(BUILD, SPEC)
        self.forget()
        for build, spec, text, own in (
            (BUILD, SPEC, signature, True),
            (BUILD.replace("6f", "7f"), SPEC, signature, False),
            (BUILD, SPEC + " ", signature, False),
            (BUILD, SPEC, signature.upper(), False),
            (BUILD, SPEC, "", False),
            (BUILD, SPEC, "é\ud800", False),
        ):
            self.assertEqual(own, authorship.is_own(build, spec, text), text)

    def test_others(self) -> None:
        """Another user, or another machine, has another key."""
        signature = authorship.sign(BUILD, SPEC)
        other = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable("XDG_STATE_HOME", other))
        self.forget()
        self.assertFalse(authorship.is_own(BUILD, SPEC, signature))

    def test_mode(self) -> None:
        """Its owner's alone, whatever the umask is, and nothing else is left."""
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        authorship.sign(BUILD, SPEC)
        file = authorship.path()
        self.assertEqual(0o600, file.stat().st_mode & 0o777)
        self.assertEqual([file], list(file.parent.iterdir()))

    def test_keys_that_will_not_do(self) -> None:
        """Read by others, a link, too short, no place for one: one of this process."""
        file = authorship.path()
        file.parent.mkdir(parents=True)
        foreign = self.home / "foreign"
        foreign.write_bytes(bytes(32))
        foreign.chmod(0o600)
        for mode, data in ((0o644, bytes(32)), (0o600, b"short"), (0, b""), (1, b"")):
            if mode == 0:
                file.symlink_to(foreign)
            elif mode == 1:
                file.mkdir()
            else:
                file.write_bytes(data)
                file.chmod(mode)
            self.forget()
            signature = authorship.sign(BUILD, SPEC)
            self.assertTrue(authorship.is_own(BUILD, SPEC, signature))
            self.forget()
            self.assertFalse(authorship.is_own(BUILD, SPEC, signature))
            file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()
