"""Pictures of the screens of a build's servers, kept beside its result."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import rfb
from osc_imagebuild.engine import camera, watch
from osc_imagebuild.errors import InstallError, ScreenError
from osc_imagebuild.model.manifest import PhaseScreen
from osc_imagebuild.model.readings import Picture
from osc_imagebuild.reports import page
from tests.fakes import faults
from tests.fakes.faults import Fault, Killed, answered
from tests.fakes.wire import Call
from tests.unit.base import NAME, CloudTestCase
from tests.unit.shell import ShellTestCase

CONSOLES = "/remote-consoles"
SCREEN = Picture(720, 400, bytes(720 * 400 * 3))


class ScreensTestCase(CloudTestCase):
    """A cloud whose servers have screens."""

    def setUp(self) -> None:
        """Have screens; each picture is of another brightness."""
        super().setUp()
        self.shots: list[float] = []
        self.have_screens()
        # The monitor of the screen asks only where a test says so.
        self.patch(watch, "DOUBT_S", math.inf)
        self.patch(rfb, "capture", self.capture)

    def have_screens(self) -> None:
        """Have them in this cloud."""
        self.cloud.nova.screens = True
        self.cloud.nova.plan.install_s = 110.0

    def capture(self, url: str, *, verify: object, limit_s: float = 60.0) -> Picture:
        """What is on the screen."""
        self.shots.append(self.cloud.world.now)
        shade = len(self.shots) % 256
        return Picture(64, 48, bytes([shade]) * (64 * 48 * 3))

    def asked(self) -> list[Call]:
        """What was asked of consoles."""
        return [call for call in self.cloud.log if CONSOLES in call.path]

    def kept(self, build: Record) -> list[PhaseScreen]:
        """What is kept beside the result of a build."""
        return list(self.builder().manifest(build.result_id).screenshots)

    def phases(self, build: Record) -> list[tuple[str, str]]:
        """Of which phases that is."""
        return [(shot.role, shot.phase) for shot in self.kept(build)]


class KeepingTest(ScreensTestCase):
    """What is taken, and what is left alone."""

    def test_phases(self) -> None:
        """The last one of each phase, and of the result that is up."""
        build = self.builder().create(self.request())
        self.assertEqual(
            [
                ("install", "installer started"),
                ("install", "making a file system"),
                ("verify", ""),
            ],
            self.phases(build),
        )
        shots = self.kept(build)
        for before, after in itertools.pairwise(shots):
            self.assertLess(before.at, after.at)
        self.assertGreaterEqual(shots[-1].at, build.marks["verified"].at - 1)
        self.assertLess(len(self.asked()), 12)
        with Image.open(io.BytesIO(shots[-1].png)) as image:
            self.assertEqual((64, 48), image.size)
            shade = image.convert("RGB").getpixel((5, 5))
        self.assertEqual((len(self.shots),) * 3, shade)
        report = self.builder().report(build.id)
        self.assertEqual(tuple(shots), report.screenshots)
        films = page._films(report)
        steps = {report.timeline[place].step for place in films}
        self.assertEqual({"install", "verify"}, steps)
        self.assert_complete(build)

    def test_no_screens(self) -> None:
        """A cloud that has none is asked once, whatever else would ask it."""
        self.patch(watch, "DOUBT_S", 60.0)
        self.cloud.nova.screens = False
        self.cloud.nova.plan.install_s = 1200.0
        build = self.builder().create(self.request())
        self.assertEqual([], self.kept(build))
        self.assertEqual(1, len(self.asked()))

    def test_turned_off(self) -> None:
        """Nothing is asked for."""
        build = self.builder().create(self.request(screenshots=False))
        self.assertEqual([], [*self.kept(build), *self.asked()])

    def test_without_the_extra(self) -> None:
        """Nothing is asked for where nothing could be seen."""
        self.patch(rfb, "is_installed", lambda: False)
        build = self.builder().create(self.request())
        self.assertEqual([], [*self.kept(build), *self.asked()])

    def test_turns(self) -> None:
        """Who drives many builds in turns has pictures of all; who looks once, of none."""
        builds = [self.started(name=name) for name in ("a", "b")]
        self.shots.clear()
        self.builder("second").resume_all()
        for build in builds:
            done = self.builder().find(build.id)
            self.assertIn(("verify", ""), self.phases(done))
        self.cloud.world.sleep(86_400)
        self.shots.clear()
        build = self.started(name="c")
        taken = len(self.shots)
        self.builder("third").resume_all(once=True)
        self.assertEqual(taken, len(self.shots))

    def test_monitor(self) -> None:
        """What the monitor of the screen has asked for is not asked for again."""
        self.patch(watch, "DOUBT_S", 60.0)
        self.cloud.nova.plan.install_s = 1800.0
        build = self.builder().create(self.request(stall_min=60, timeout_min=90))
        self.assertEqual(3, len(self.kept(build)))
        self.assertLess(len(self.asked()), 1800 / 110 + 8)

    def test_another_client(self) -> None:
        """It keeps those that it took."""
        build = self.started()
        self.cloud.world.sleep(80)
        done = self.resumed(build.id)
        self.assertEqual(
            [("install", "making a file system"), ("verify", "")], self.phases(done)
        )


class TroubleTest(ScreensTestCase):
    """No build fails by a screen, or is slower by it."""

    def test_no_time_is_lost(self) -> None:
        """It is taken while the build waits anyway."""
        self.builder().create(self.request(screenshots=False))
        wanted = self.cloud.world.now - self.cloud.world.start
        self.cloud = type(self.cloud)()
        self.have_screens()

        def slow(url: str, *, verify: object, limit_s: float) -> Picture:
            self.assertLessEqual(limit_s, camera.LIMIT_S)
            self.cloud.world.sleep(0.8 * limit_s)
            return self.capture(url, verify=verify)

        self.patch(rfb, "capture", slow)
        self.builder().create(self.request())
        taken = self.cloud.world.now - self.cloud.world.start
        self.assertGreater(len(self.shots), 3)
        self.assertLess(taken, wanted + 15)

    def test_capture_fails(self) -> None:
        """Whatever comes of it; each server is tried twice."""
        huge = Picture(7680, 4320, b"")
        for trouble in (
            ScreenError("it broke off"),
            OSError("no route"),
            ValueError("not an address"),
            huge,
        ):
            with self.one_of_many(f"{trouble}"):
                self.cloud = type(self.cloud)()
                self.have_screens()
                self.patch(rfb, "capture", _giving(trouble))
                build = self.builder().create(self.request())
                self.assert_complete(build)
                self.assertEqual([], self.kept(build))
                self.assertLessEqual(len(self.asked()), 4)

    def test_faults(self) -> None:
        """Each fault at each of these calls: the build completes, and says nothing."""
        for fault in (
            *(answered(status) for status in (400, 401, 403, 404, 409, 429, 500, 503)),
            faults.LOST,
            Fault("truncated", truncated=True),
            Fault("timed out", error=faults.TIMED_OUT),
        ):
            with self.one_of_many(fault.name):
                self.cloud = type(self.cloud)()
                self.have_screens()
                self.events.clear()
                self.cloud.hooks.append(_at_consoles(fault))
                self.assert_complete(self.builder().create(self.request()))
                told = [e.text for e in self.events if e.kind == "note"]
                self.assertEqual("", "".join(map(str, told)))

    def test_killed(self) -> None:
        """A client that dies at any picture leaves a build that another one ends."""
        self.builder().create(self.request())
        for number in range(len(self.shots)):
            with self.one_of_many(f"{number}"):
                self.cloud = type(self.cloud)()
                self.have_screens()
                self.shots.clear()
                self.patch(rfb, "capture", self.dying(number))
                self.assertRaises(Killed, self.builder().create, self.request())
                self.patch(rfb, "capture", self.capture)
                [build] = self.builder().list().builds
                done = self.resumed(build.id)
                self.assert_complete(done)
                self.assertIn("busybox", str(self.builder().manifest(done.result_id)))

    def dying(self, number: int) -> Callable[..., Picture]:
        """A client that dies at a picture."""

        def capture(url: str, **options: Any) -> Picture:
            if len(self.shots) == number:
                raise Killed
            return self.capture(url, **options)

        return capture

    def test_failed_build(self) -> None:
        """What was seen is with what shows why."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        error = self.assertRaises(InstallError, self.builder().create, self.request())
        assert error.evidence is not None
        shots = error.evidence.screenshots
        self.assertEqual(["installer started"], [phase for _, phase, *_ in shots])
        self.assertNotIn("PNG", repr(error.evidence))


def _giving(trouble: Exception | Picture) -> Callable[..., Picture]:
    def capture(url: str, **options: Any) -> Picture:
        if isinstance(trouble, Exception):
            raise trouble
        return trouble

    return capture


def _at_consoles(fault: Fault) -> Callable[[Call], Fault | None]:
    return lambda call: fault if CONSOLES in call.path else None


class CommandsTest(ScreensTestCase, ShellTestCase):
    """create, report"""

    def test_files(self) -> None:
        """Those of a failed build are files beside its console, and in its report."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        ran = self.build("create", NAME, "--os", "mini", "--log-dir", "logs")
        self.assertEqual(1, ran.code)
        [build] = self.builder().list().builds
        names = sorted(path.name for path in Path("logs").glob("*.png"))
        self.assertEqual(2, len(names), str(names))
        self.assertRegex(
            names[0],
            rf"^imagebuild-{build.id}-install-\d{{8}}T\d{{6}}Z-installer-started.png$",
        )
        for name in names:
            self.assertIn(f"saved: logs/{name}", ran.err)
        for name, data in (
            (names[0].replace("installer-started", "evil"), b"<svg/>"),
            (names[0].replace("installer-started", "large"), bytes(1 << 20)),
            (names[0].replace("T", "T9"), b""),
            (names[0].replace("-2", "-9999", 1), b""),
        ):
            Path("logs", name).write_bytes(data)
        text = self.report("--log-dir", "logs")
        self.assertEqual(2, text.count("data:image/png;base64,"))
        self.assertIn("installer started <span>after", text)
        self.assertNotIn("data:image", self.report())
        self.assertNotIn("data:image", self.report("--log-dir", "nowhere"))

    def report(self, *words: str) -> str:
        """Write a report."""
        ran = self.build("report", NAME, *words)
        self.assertEqual(0, ran.code, ran.err)
        return Path(ran.out.strip()).read_text(encoding="utf-8")

    def test_options(self) -> None:
        """A picture of each phase, unless it is not wanted."""
        self.build("create", NAME, "--os", "mini", "--no-screenshots")
        self.assertNotIn("data:image", self.report())
        self.assertEqual([], self.asked())
        self.build("delete", NAME, "--with-image")
        ran = self.build("create", NAME, "--os", "mini")
        self.assertEqual(0, ran.code, ran.err)
        self.assertIn("boot test <span>after", self.report())
