"""What becomes of a cloud, its status and its tests where media cannot be made."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import testtools

from devcloud import media, render, services, settings, stage, status, up
from devcloud.errors import DevcloudError
from devcloud.media import outcome, parts
from devcloud.media.debian import build as debian
from tests.e2e.base import EndToEndTest

REASON = "the mirror did not give base-installer"


def fail(work: parts.Work, *rest: Path) -> None:
    """What makes no part."""
    raise DevcloudError(REASON)


def make(work: parts.Work, out: Path) -> None:
    """What makes any part."""
    (out / "file").write_text("content")


class MediaTest(testtools.TestCase):
    """A state directory whose parts are made, or not, in no time."""

    def setUp(self) -> None:
        """Have no media yet."""
        super().setUp()
        self.fresh()
        self.patch(media.Media, "key", lambda _, part: f"key of {part}")

    def fresh(self) -> None:
        """Take an empty state directory."""
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = Path(scratch.name)
        self.said: list[str] = []
        self.patch(settings, "HOME", self.home)

    def patch(self, place: object, name: str, value: object) -> None:
        """Have another value there during this test."""
        patch = mock.patch.object(place, name, value)
        patch.start()
        self.addCleanup(patch.stop)

    def build(self, **makers: Callable[..., None]) -> list[str]:
        """Build with these makers; the others succeed."""
        for name, module in (
            ("mini", media.mini),
            ("base", media.base),
            ("debian", debian),
        ):
            self.patch(module, "make", makers.get(name, make))
        return media.build(self.home, self.said.append)


class TestBuild(MediaTest):
    """Each part is made if it can be."""

    def test_which_parts_fail(self) -> None:
        """A part fails with what it needs, and with nothing else."""
        for broken, failed in (
            ((), []),
            (("mini",), ["mini"]),
            (("debian",), ["debian"]),
            (("base",), ["base", "debian"]),
            (("mini", "base"), ["mini", "base", "debian"]),
        ):
            with self.subTest(broken):
                self.fresh()
                self.assertEqual(failed, self.build(**dict.fromkeys(broken, fail)))
                for part in outcome.NAMES:
                    reason = outcome.missing(part)
                    self.assertEqual(part in failed, REASON in reason, reason)
                    self.assertEqual(part in failed, bool(reason))

    def test_old_part_stays(self) -> None:
        """What cannot be made anew is served as it was, and that is said."""
        self.build()
        self.patch(media.Media, "key", lambda _, part: "another")
        self.assertEqual(["debian"], self.build(debian=fail))
        self.assertIn("the one from before stays", self.said[-1])
        self.assertEqual("", outcome.missing("debian"))
        word, rest = outcome.line("debian")
        self.assertEqual("old", word)
        self.assertIn(REASON, rest)
        self.assertEqual([], self.build())
        self.assertEqual("made", outcome.line("debian")[0])

    def test_nothing_known(self) -> None:
        """Not made yet; and notes that cannot be read are none."""
        self.assertIn("no debian yet: run `make devcloud`", outcome.missing("debian"))
        self.assertEqual(("missing", ""), outcome.line("debian"))
        (self.home / "media-cache").mkdir()
        for text in ("", "[]", '{"debian": 1}', '{"debian": {"x": 1}}'):
            (self.home / "media-cache/outcomes.json").write_text(text)
            self.assertEqual({}, outcome.read(self.home))

    def test_part_of_an_older_version(self) -> None:
        """It is there, whoever made it."""
        (self.home / "media/debian").mkdir(parents=True)
        (self.home / "media/debian" / parts.STAMP).write_text("{}")
        self.assertEqual("", outcome.missing("debian"))
        self.assertEqual("made", outcome.line("debian")[0])


class TestCheck(MediaTest):
    """Whether Debian's media can be made, before anything else is."""

    def check(self, gather: Callable[..., None]) -> str:
        """Check with this outcome of the downloads."""
        self.patch(debian, "gather", gather)
        return media.check(self.home, self.said.append)

    def test_it_can(self) -> None:
        """Nothing is noted, as nothing is made yet."""
        self.assertEqual("", self.check(lambda work: None))
        self.assertEqual({}, outcome.read(self.home))

    def test_it_cannot(self) -> None:
        """Said, noted, and told to who asks."""
        self.assertEqual(REASON, self.check(fail))
        self.assertEqual([f"media: debian cannot be made: {REASON}"], self.said)
        self.assertIn(REASON, outcome.missing("debian"))

    def test_it_is_slow(self) -> None:
        """Nobody knows yet, so nothing is stopped for it."""
        self.patch(media, "CHECK_S", 0)
        self.assertEqual("", self.check(fail))
        self.assertIn("not known after 0 s", self.said[-1])
        self.assertEqual({}, outcome.read(self.home))

    def test_it_is_there(self) -> None:
        """The network is left alone where the media are current."""
        self.build()
        self.assertEqual("", self.check(fail))
        self.patch(media.Media, "key", lambda _, part: "another")
        self.assertEqual("", self.check(fail))
        self.assertIn("the one from before stays", self.said[-1])


class TestUp(MediaTest):
    """`up` and `status` tell, and end well."""

    def test_up(self) -> None:
        """The last line names the part and why it is missing."""
        for name in ("directories", "copies"):
            self.patch(render, name, lambda: None)
        self.patch(debian, "gather", fail)
        for module, maker in ((media.mini, make), (media.base, make), (debian, fail)):
            self.patch(module, "make", maker)
        wanted = ("media check", "installer media")
        stages = up.Up.stages

        def some(this: up.Up) -> list[stage.Stage]:
            idle = stage.Stage("storage", lambda: None)
            return [idle, *(s for s in stages(this) if s.name in wanted)]

        self.patch(up.Up, "stages", some)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            up.up()
        lines = out.getvalue().splitlines()
        self.assertIn("the cloud is up after", lines[-2])
        self.assertRegex(
            lines[-1], f"^but its installer media: debian missing, .*{REASON}$"
        )
        self.assertNotIn("FAILED", out.getvalue())

    def test_check_waits_for_nothing(self) -> None:
        """It is among the first stages, and the build comes after it."""
        stages = {s.name: s.after for s in up.Up(stage.Screen()).stages()}
        self.assertEqual((), stages["media check"])
        self.assertIn("media check", stages["installer media"])

    def test_status(self) -> None:
        """A line a part: the word, and why; services alone decide how it ends."""
        self.build(debian=fail)
        self.patch(services, "ALL", [])
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status.status()
        mini, tree = out.getvalue().splitlines()
        self.assertRegex(mini, r"^media for guests: mini +made +20\d\d-")
        self.assertRegex(
            tree, rf"^media for guests: debian +missing +20\d\d-.* {REASON}$"
        )

    def test_env(self) -> None:
        """The catalogue of the tree as made comes last, so that its notes hold."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status.env()
        [line] = [x for x in out.getvalue().splitlines() if "CATALOG" in x]
        self.assertTrue(line.endswith(f":{settings.MEDIA}/debian/catalog"), line)


class TestTests(MediaTest):
    """Tests of what is missing fail by name."""

    def test_reason(self) -> None:
        """With the reason; only on this cloud, and only where the part is missing."""
        self.build(debian=fail)

        class Example(EndToEndTest):
            def test_x(self) -> None:
                """Nothing."""

        for config, part, told in (
            (settings.CLOUDS, "debian", True),
            (settings.CLOUDS, "mini", False),
            ("/elsewhere/clouds.yaml", "debian", False),
        ):
            found = ""
            with mock.patch.dict(os.environ, {"OS_CLIENT_CONFIG_FILE": str(config)}):
                try:
                    Example("test_x").need_media(part)
                except AssertionError as error:
                    found = str(error)
            self.assertEqual(told, REASON in found, f"{config} {part} {found}")

    def test_record_is_plain(self) -> None:
        """Others read it too."""
        self.build(debian=fail)
        known = json.loads((self.home / "media-cache/outcomes.json").read_text())
        self.assertEqual({"mini", "base", "debian"}, set(known))
        self.assertEqual(REASON, known["debian"]["why"])
