"""A build that is watched: stall, progress, evidence, log, screenshot."""

from __future__ import annotations

import base64
import dataclasses
import io
import itertools
import json
import zlib
from pathlib import Path
from typing import Any

import testtools

from osc_imagebuild.builds import console_log
from osc_imagebuild.cloud import picture_files, remote_console, rfb, servers
from osc_imagebuild.diagnosis import diagnose_file
from osc_imagebuild.engine.watch import Watch
from osc_imagebuild.errors import InstallError, RecordError, ScreenError, SpecError
from osc_imagebuild.model.readings import Counters, Picture, Signal
from osc_imagebuild.model.resources import Server
from osc_imagebuild.monitors import (
    console_activity,
    diagnostics,
    metrics,
    screen,
    signals,
    signals_json,
)
from osc_imagebuild.monitors.console import sign_files, window
from osc_imagebuild.monitors.console.verdict import RUNNING, GuestView, judge
from tests.fakes.faults import answered, once
from tests.fakes.machines import FakeServer
from tests.unit.base import NAME, CloudTestCase
from tests.unit.shell import ShellTestCase

BLACK = Picture(64, 48, bytes(64 * 48 * 3))


class StallTest(CloudTestCase):
    """A guest that does nothing any more."""

    def failed(self, **fields: Any) -> tuple[str, float]:
        """Build; return why it failed, and after how many minutes."""
        self.cloud.nova.plan.hangs = True
        error = self.assertRaises(
            InstallError, self.builder().create, self.request(**fields)
        )
        return str(error), (self.cloud.world.now - self.cloud.world.start) / 60

    def test_all_flat(self) -> None:
        """It ends after the time given, or the OS's own."""
        for minutes, longest in ((3, 5.0), (None, 12.5)):
            with self.one_of_many(f"{minutes}"):
                self.cloud = type(self.cloud)()
                text, after = self.failed(stall_min=minutes, timeout_min=60)
                self.assertIn("no sign of life", text)
                self.assertIn("--stall-timeout", text)
                self.assertIn("FORMAT 40%", text)
                self.assertLess(after, longest)

    def test_busy_disk(self) -> None:
        """Counters that grow are life; then only the time-out ends it."""

        def counters(server: FakeServer, now: float) -> dict[str, Any]:
            written = int((now - server.created) * 100_000)
            return {"disk_details": [{"read_bytes": None, "write_bytes": written}]}

        self.cloud.nova.counters = counters
        text, after = self.failed(stall_min=3, timeout_min=20)
        self.assertIn("not done within 20 minutes", text)
        self.assertGreater(after, 20)

    def test_no_network(self) -> None:
        """Another server where counters show that nothing came, or nothing went."""
        for nics, made in (
            ([{"rx_octets": 0, "tx_octets": 900}], 2),
            ([{"rx_octets": 900, "tx_octets": 0}], 2),
            ([{"rx_octets": 900, "tx_octets": 900}], 1),
            ([{"rx_octets": None, "tx_octets": 0}], 1),
            ([], 1),
            (None, 1),
        ):
            with self.one_of_many(f"{nics}"):
                self.cloud = type(self.cloud)()
                shown = {"cpu_details": [{"time": 10**9}], "nic_details": nics or []}
                if nics is not None:
                    self.cloud.nova.counters = lambda s, now, shown=shown: shown
                text, _ = self.failed(stall_min=3, timeout_min=60)
                self.assertIn("no sign of life", text)
                self.assertEqual(made == 2, "the guest had no network" in text)
                created = self.cloud.created("create server")
                self.assertEqual(made, len(created))
                [build] = self.builder().list().builds
                self.assertEqual(made - 1, len(build.attempts))

    def test_screen(self) -> None:
        """A picture that changes is life, one that does not is none."""
        self.cloud.nova.screens = True
        shots: list[float] = []

        def picture(api: object, server_id: str) -> Picture:
            shots.append(self.cloud.world.now)
            seed = len(shots).to_bytes(3, "big") if moving else b"\0\0\0"
            return Picture(64, 48, seed * (64 * 48))

        self.patch(remote_console, "picture", picture)
        moving = False
        text, _ = self.failed(stall_min=6, timeout_min=30)
        self.assertIn("(console, screen)", text)
        moving = True
        text, _ = self.failed(stall_min=6, timeout_min=30)
        self.assertIn("not done within 30 minutes", text)

    def test_a_trouble_that_nobody_watched(self) -> None:
        """Between looks that are far apart a guest may have got over it."""
        server = Server("1", "install", "BUILD")
        text = "curl: (7) Failed to connect to mirror\n" * 3
        for gap, lasted in ((60.0, 240.0), (3600.0, 0.0)):
            watch = Watch(self.builder().api, {"install": sign_files.of("debian")})
            for now in (0.0, 60.0, 120.0, 180.0, 180.0 + gap):
                watch.look("install", server, text, now)
            seen = watch.signals["install"]
            self.assertEqual(lasted, signals.since_s(seen, "trouble", now))
            self.assertEqual(now, signals.since_s(seen, "console", now))

    def test_a_screen_that_moves_behind_a_trouble(self) -> None:
        """What was read only once, or cannot be read now, has not stood still."""
        shots = itertools.count(1)

        def picture(api: object, server_id: str) -> Picture:
            if next(shots) % 3 == 0:
                raise ScreenError("the console broke off")
            return Picture(64, 48, next(shots).to_bytes(3, "big") * (64 * 48))

        self.patch(remote_console, "picture", picture)
        self.patch(servers, "diagnostics", lambda api, server_id: None)
        server, known = Server("1", "install", "ACTIVE"), sign_files.of("debian")
        text = "curl: (7) Failed to connect to mirror\n"
        watch = Watch(self.builder().api, {"install": known})
        for now in range(10_000, 10_900, 30):
            watch.look("install", server, text, now)
            seen = watch.signals["install"]
            flat, names = signals.flat_s(seen, now), signals.names(seen)
            look = GuestView(console=text, flat_s=flat, signals=names, stall_s=300)
            found = judge(known, look)
            self.assertEqual(RUNNING, found.state, f"after {now} s")

    def test_calls_of_half_an_hour(self) -> None:
        """At most six a minute, with a guest that says little."""
        self.cloud.nova.plan.install_s = 1800
        self.cloud.nova.screens = True
        self.patch(remote_console, "picture", lambda api, server_id: BLACK)
        builder = self.builder()
        build = builder.create(self.request(verify=False, stall_min=60, timeout_min=60))
        began = build.marks["started"].at
        ended = build.marks["installed"].at
        calls = [c for c in self.cloud.log if began < c.at < ended]
        self.assertLessEqual(len(calls) / ((ended - began) / 60), 6.0)

    def test_what_is_not_offered_is_asked_once(self) -> None:
        """403, no metric service, no screen: none of it matters."""
        self.cloud.nova.plan.install_s = 1800
        self.builder().create(self.request(verify=False, stall_min=60, timeout_min=60))
        for path in ("/diagnostics", "/remote-consoles"):
            asked = [c for c in self.cloud.log if c.path.endswith(path)]
            self.assertEqual(1, len(asked), path)


class MetricsTest(testtools.TestCase):
    """Counters that the metric service keeps."""

    def test_cut_off(self) -> None:
        """Only where both ways are counted, and one was never used."""
        came, went = metrics.NETWORK
        for values, expected in (
            ({came: 0.0, went: 9.0}, True),
            ({came: 9.0, went: 0.0}, True),
            ({came: 9.0, went: 9.0}, False),
            ({came: 0.0}, False),
            ({went: 0.0}, False),
            ({"cpu": 1e9}, False),
        ):
            latest = {(name, "id"): (900.0, value) for name, value in values.items()}
            found = metrics.combine(latest, 1000.0)
            assert found is not None
            self.assertEqual(expected, found.cut_off, str(values))


class KeepingTest(testtools.TestCase):
    """Signals in the record, which may hold anything."""

    NOW = 5000.0

    def signals(self) -> dict[str, Signal]:
        """One of each monitor."""
        values = {
            "power": ("ACTIVE", 1, None),
            "console": console_activity.news("one\ntwo\n"),
            "trouble": "the mirror",
            "diagnostics": Counters(1e9, 2e9, 3.5),
            "metrics": Counters(0.0, 0.0, 2.0, cut_off=True),
            "screen": screen.tiles(BLACK),
        }
        return {name: Signal(v, 4000.0, 4900.0) for name, v in values.items()}

    def test_there_and_back(self) -> None:
        """What one client saw is what the next one knows."""
        text = signals_json.dump({"install": self.signals()})
        self.assertEqual({"install": self.signals()}, signals_json.load(text, self.NOW))
        self.assertLess(len(text), 1000)

    def test_damaged(self) -> None:
        """What cannot be true is left out, and does no harm."""
        bomb = base64.b64encode(zlib.compress(bytes(10**7))).decode()
        for text in (
            *("", "null", "[]", "{", "7", '{"install": 3}', "[" * 100_000),
            '{"install": {"console": ["x", 1, 2]}}',
            '{"install": {"console": ["AAAA", 1, 2], "what": [1, 2, 3]}}',
            '{"install": {"trouble": ["x", 9000, 9000]}}',
            '{"install": {"trouble": ["x", 3, 2]}}',
            '{"install": {"metrics": [[1, 2], 1, 2]}}',
            '{"install": {"metrics": [[1, 2, 3, "x"], 1, 2]}}',
            f'{{"install": {{"metrics": [[1{"0" * 400}, 2, 3], 1, 2]}}}}',
        ):
            found = signals_json.load(text, self.NOW)
            self.assertEqual({}, found.get("install", {}), text[:50])
        text = json.dumps({"install": {"screen": [bomb, 1, 2]}})
        found = signals_json.load(text, self.NOW)
        self.assertLess(len(found["install"]["screen"].value), 10**5)

    def test_too_much(self) -> None:
        """What does not fit into a property is not kept."""
        noise = Signal(
            tuple(zlib.crc32(bytes([n % 251, n // 251])) for n in range(9000)), 1, 2
        )
        self.assertEqual("", signals_json.dump({"install": {"screen": noise}}))


class ProgressTest(CloudTestCase):
    """What is told on the way."""

    def test_it_never_falls(self) -> None:
        """Over all steps, below 100, and the record says the same."""
        build = self.builder().create(self.request())
        told = [e.percent for e in self.events if e.percent is not None]
        self.assertEqual(sorted(told), told)
        self.assertGreater(len(set(told)), 1)
        self.assertLess(told[-1], 100)
        self.assertEqual("100", build.percent)

    def test_time_left(self) -> None:
        """By the builds before of this OS and flavor, and of no other."""
        self.builder().create(self.request(name="first"))
        self.assertEqual({None}, {e.left_s for e in self.events})
        self.events.clear()
        build = self.builder().create(self.request(name="second"))
        left = [e.left_s for e in self.events if e.left_s is not None]
        self.assertGreater(len(left), 3)
        self.assertEqual(sorted(left, reverse=True), left)
        self.assertAlmostEqual(build.spec.installer.expected_s, left[0], delta=30)
        other = self.builder().plan(self.request(name="third", flavor="m1.small"))
        self.assertEqual(0, other.spec.installer.expected_s)


class CommandsTest(ShellTestCase):
    """What users type and see."""

    def test_show_from_elsewhere(self) -> None:
        """Step, what it does, per cent and times, while another client drives."""
        self.create("--no-verify")
        self.build("delete", NAME)
        build = self.started(flavor="m1.tiny")
        self.cloud.world.advance(60)
        shown = self.build("show", build.id, "-f", "json").json
        self.assertEqual("install", shown["step"])
        self.assertGreaterEqual(shown["elapsed_s"], 60)
        self.assertGreater(shown["time_left_s"], 10)
        self.build("resume", build.id)
        shown = self.build("show", build.id, "-f", "json").json
        self.assertEqual((100, None), (shown["progress"], shown["time_left_s"]))

    def test_evidence(self) -> None:
        """The whole console and a picture, where it failed; nothing where not."""
        self.create("--name-is-wrong")
        self.cloud.nova.screens = True
        self.patch(remote_console, "picture", lambda api, server_id: BLACK)
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        ran = self.create()
        self.assertEqual(1, ran.code)
        build = self.builder().list().builds[0]
        log = Path(f"imagebuild-{build.id}-install.log")
        self.assertIn("FAILED: no disk", log.read_text())
        self.assertTrue(log.with_suffix(".png").read_bytes().startswith(b"\x89PNG"))
        self.assertIn(f"saved: {log}", ran.err)
        self.assertEqual({}, self.cloud.nova.servers)

    def test_log_dir_of_nobody(self) -> None:
        """A shell leaves ~name as it is where it knows nobody of that name."""
        ran = self.create("--log-dir", "~nobody-knows/logs", "-f", "json")
        self.assertEqual((0, "complete"), (ran.code, ran.json["status"]), ran.err)
        ran = self.typed("image", "build", "diagnose", "~nobody-knows/x")
        self.assertIn("cannot read ~nobody-knows/x: ", ran.err)

    def test_log_dir_of_no_use(self) -> None:
        """It is refused before anything is written, in the cloud or here."""
        Path("file").touch()
        for directory in ("file", "file/below", "/proc/none"):
            ran = self.create("--log-dir", directory)
            self.assertEqual(1, ran.code, directory)
            self.assertIn(f"cannot write into {directory}: ", ran.err)
            self.assertIn("choose another --log-dir", ran.err)
        self.assert_empty()

    def test_evidence_of_the_result(self) -> None:
        """Where it does not boot, its console is not mixed with the installer's."""
        self.cloud.nova.plan.result_boots = False
        ran = self.create("--log-dir", "logs")
        build = self.builder().list().builds[0]
        begun = Path(f"logs/imagebuild-{build.id}-install.log").read_text()
        log = Path(f"logs/imagebuild-{build.id}-verify.log")
        self.assertIn(f"saved: {log}", ran.err)
        self.assertNotIn(log.read_text(), begun)
        kept = self.build("log", build.id, "--log-dir", "logs", "--raw")
        self.assertEqual(log.read_text().strip(), kept.out.strip())

    def test_log_dir(self) -> None:
        """All of the console, each line once, though several clients wrote it."""
        ran = self.create("--no-wait", "--log-dir", "logs", "-f", "json")
        build_id = ran.json["id"]
        self.assertEqual(0, self.build("resume", build_id, "--log-dir", "logs").code)
        text = Path(f"logs/imagebuild-{build_id}-install.log").read_text()
        lines = [line for line in text.splitlines() if line]
        self.assertEqual(len(lines), len(set(lines)), text)
        self.assertIn("IMAGEBUILD-REPORT", text)
        kept = self.build("log", build_id, "--log-dir", "logs", "--lines", "2")
        self.assertEqual(lines[-2:], kept.out.splitlines())
        self.assertEqual([], list(Path(".").glob("*.log")))

    def test_kept_on_failure(self) -> None:
        """Where to look, and how to go on."""
        self.cloud.nova.screens = True
        self.patch(remote_console, "picture", lambda api, server_id: BLACK)
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        ran = self.create("--keep-on-failure")
        [server] = self.cloud.nova.servers
        for words in (
            f"http://novnc.fake/vnc_auto.html?path=%3Ftoken%3D{server}",
            f"openstack console url show --novnc {server}",
            "openstack image build screenshot",
            "openstack image build delete",
            "openstack image build retry",
        ):
            self.assertIn(words, ran.err)

    def test_screenshot(self) -> None:
        """A PNG file; a clear line where there is no screen, server or library."""
        build = self.started()
        self.cloud.world.advance(20)
        ran = self.build("screenshot", build.id)
        self.assertEqual(1, ran.code)
        self.assertIn("offers no VNC console", ran.err)
        self.cloud.nova.screens = True
        self.patch(rfb, "capture", lambda url, **options: BLACK)
        ran = self.build("screenshot", build.id, "--file", "x.png")
        self.assertEqual((0, "x.png\n"), (ran.code, ran.out), ran.err)
        self.assertTrue(Path("x.png").read_bytes().startswith(b"\x89PNG"))
        self.build("cancel", build.id)
        ran = self.build("screenshot", build.id)
        self.assertIn("has no server any more", ran.err)

    def test_diagnose(self) -> None:
        """Without a cloud; a mistake is told."""
        Path("c.txt").write_text(
            "Kernel panic - not syncing: VFS: Unable to mount root"
        )
        Path("blank.txt").write_text("\r\n \n")
        before = len(self.cloud.log)
        for words in ("", "--os mini", "--os redhat"):
            ran = self.build("diagnose", "c.txt", *words.split(), "-f", "json")
            self.assertEqual(0, ran.code, ran.err)
            self.assertEqual("failed", ran.json["verdict"])
            self.assertIn("ramdisk", ran.json["reason"])
            self.assertIn("Unable to mount root", ran.json["evidence"])
        for words, told in (
            ("nowhere.txt", "cannot read nowhere.txt"),
            ("c.txt --os minni", "did you mean mini"),
            ("blank.txt", "there is nothing in blank.txt: a guest that writes to its"),
        ):
            ran = self.build("diagnose", *words.split())
            self.assertEqual(1, ran.code)
            self.assertIn(told, ran.err)
        self.assertEqual(before, len(self.cloud.log))

    def test_diagnose_says_whose_signs(self) -> None:
        """Those of the OS that was named, or of the one that was guessed."""
        Path("c.txt").write_text("Starting installer, one moment...\nanaconda 41\n")
        Path("d.txt").write_text("[    0.000000] Linux version 6.1\n")
        ran = self.build("diagnose", "c.txt", "-f", "json")
        self.assertEqual(
            "redhat, guessed by: Starting installer, one", ran.json["os"][:43]
        )
        self.assertEqual("os", list(ran.json)[-1])
        ran = self.build("diagnose", "c.txt", "--os", "fedora-44", "-f", "json")
        wanted = ["verdict", "reason", "evidence", "progress", "screen"]
        self.assertEqual(wanted, list(ran.json))
        ran = self.build("diagnose", "d.txt", "-f", "json")
        self.assertIn("unknown: the signs of all families", ran.json["os"])

    def test_diagnose_several(self) -> None:
        """A row each, also for what cannot be read; one kind of output is no list."""
        Path("c.txt").write_text("Kernel panic - not syncing: x")
        Path("d.txt").write_text("Starting installer, one moment...")
        Path("blank.txt").write_text("\n")
        files = ("c.txt", "d.txt")
        ran = self.build("diagnose", *files, "-f", "json")
        self.assertEqual(0, ran.code, ran.err)
        rows = [(row["file"], row["verdict"]) for row in ran.json]
        self.assertEqual([("c.txt", "failed"), ("d.txt", "running")], rows)
        ran = self.build("diagnose", *files, "-c", "verdict", "-f", "value")
        self.assertEqual("failed\nrunning\n", ran.out)
        ran = self.build("diagnose", *files, "blank.txt", "nowhere.txt", "-f", "json")
        self.assertEqual(1, ran.code)
        self.assertEqual(["unread"] * 2, [row["verdict"] for row in ran.json[2:]])
        self.assertIn("cannot read nowhere.txt", ran.json[3]["reason"])
        for words, told in (
            ("--os minni", "did you mean mini"),
            ("-f shell", "shows one console only"),
        ):
            ran = self.build("diagnose", *files, *words.split())
            self.assertEqual(1, ran.code)
            self.assertIn(told, ran.err)

    def test_diagnose_standard_input(self) -> None:
        """Its last part where it is long."""
        found = diagnose_file(
            "-", None, stdin=io.BytesIO(b"Kernel panic - not syncing: x")
        )
        self.assertEqual("failed", found.verdict.state)
        long = b"Kernel panic - not syncing: x\n" + b"at work\n" * 140_000
        found = diagnose_file("-", "debian", stdin=io.BytesIO(long))
        self.assertEqual(("running", ""), (found.verdict.state, found.os))
        error = self.assertRaises(
            SpecError, diagnose_file, "-", None, stdin=io.BytesIO(b"\n")
        )
        self.assertIn("nothing in the standard input", str(error))


class FollowTest(CloudTestCase):
    """image build log --follow, and the window it reads through."""

    def test_to_the_end(self) -> None:
        """Each line once, whatever is looked at when."""
        build = self.started()
        told = ""
        driver = self.builder("driver")
        begun = False
        for text in self.builder().follow(build.id):
            told += text
            if "FORMAT" in told and not begun:
                begun = True
                driver.resume(build.id)
        lines = told.splitlines()
        self.assertEqual(len(set(lines)), len(lines))
        self.assertIn("INSTALLER START 0% modules loaded", lines)

    def test_service_that_stumbles(self) -> None:
        """One answer that fails ends neither a log that is followed nor a log."""
        build = self.started()
        self.cloud.world.advance(20)

        def stumble() -> None:
            wanted = once(lambda call: "getConsole" in str(call.body), answered(503))
            self.cloud.hooks[:] = [wanted]

        stumble()
        self.assertIn("START", next(self.builder().follow(build.id, raw=True)))
        stumble()
        self.assertIn("START", self.builder().log(build.id))

    def test_deleted(self) -> None:
        """It ends with the build."""
        build = self.started()
        following = self.builder().follow(build.id, raw=True)
        self.cloud.world.advance(20)
        self.assertIn("START", next(following))
        self.builder("other").delete(build.id)
        self.assertRaises(RecordError, lambda: list(following))

    def test_windows(self) -> None:
        """Whatever is cut off in front, nothing is lost or doubled."""
        whole = "".join(f"line {n} of what is told\n" for n in range(4000))
        for size, step in ((1000, 37), (1000, 900), (100_000, 5000), (300, 1)):
            told = seen = ""
            for end in range(size, min(len(whole), size + step * 50), step):
                new = whole[max(0, end - size) : end]
                told += window.added(seen, new) if seen else new
                seen = new
            self.assertEqual(whole[: len(told)], told, f"{size} {step}")

    def test_gap(self) -> None:
        """What could not be seen is said to be missing."""
        self.assertEqual("", window.added("a\nb\n", "a\nb\n"))
        self.assertEqual("c\n", window.added("a\nb\n", "a\nb\nc\n"))
        self.assertEqual(f"{window.LOST}x\ny\n", window.added("a\nb\n", "x\ny\n"))
        self.assertEqual("", window.added("a\nb\n", ""))
        self.assertEqual("c\n", window.added("xyz\na\nb\n", "\ufffdz\na\nb\nc\n"))

    def test_raw(self) -> None:
        """Terminal control stays only where it is asked for."""
        text = "a\n\n\x1b[31mb\n"
        self.assertEqual("a\nb\n", console_log.shown(text, None, raw=False))
        self.assertEqual(text, console_log.shown(text, None, raw=True))
        self.assertEqual("\x1b[31mb\n", console_log.shown(text, 1, raw=True))


class Script:
    """A VNC server's side of a conversation, in small pieces."""

    def __init__(self, data: bytes, piece: int = 7) -> None:
        self._data, self._piece = data, piece
        self.sent = b""
        self._pause = False

    def recv(self) -> bytes:
        self._pause = not self._pause
        if self._pause:
            return b""  # as websockify does
        found, self._data = self._data[: self._piece], self._data[self._piece :]
        return found

    def send_binary(self, payload: bytes) -> None:
        self.sent += payload

    def close(self) -> None:
        return


def hello(width: int, height: int) -> bytes:
    """What a server says until it is asked for a picture."""
    size = width.to_bytes(2, "big") + height.to_bytes(2, "big")
    name = b"\0\0\0\x04QEMU"
    return b"RFB 003.008\n\x02\x02\x01\0\0\0\0" + size + bytes(16) + name


def rectangle(x: int, y: int, width: int, height: int, encoding: int = 0) -> bytes:
    """The head of one."""
    numbers = b"".join(n.to_bytes(2, "big") for n in (x, y, width, height))
    return numbers + encoding.to_bytes(4, "big", signed=True)


class ScreenTest(CloudTestCase):
    """The picture, and when it moves."""

    def test_picture(self) -> None:
        """Several rectangles, a bell, and a screen that changes its size."""
        pixels = b"\x01\x02\x03\x00"
        data = hello(4, 2) + b"\x02"
        data += b"\0\0\0\x01" + rectangle(0, 0, 2, 2, -223)
        data += b"\x03\0\0\0\0\0\0\x02hi"
        data += b"\0\0\0\x02" + rectangle(0, 0, 2, 1) + pixels * 2
        data += rectangle(0, 1, 2, 1) + pixels * 2
        for piece in (1, 7, 1000):
            script = Script(data, piece)
            found = rfb.read_picture(script)
            self.assertEqual(Picture(2, 2, b"\x03\x02\x01" * 4), found)
            self.assertTrue(script.sent.startswith(b"RFB 003.008\n\x01\x01"))

    def test_png(self) -> None:
        """A file that others can read."""
        self.assertTrue(picture_files.png(BLACK).startswith(b"\x89PNG\r\n"))

    def test_liars(self) -> None:
        """Whatever a server says, it ends, and in words."""
        for data in (
            b"",
            b"HTTP/1.1 200",
            b"RFB 003.008\n\x01\x02",
            b"RFB 003.008\n\x01\x01\0\0\0\x01",
            hello(0, 0),
            hello(65535, 65535),
            hello(4, 4) + b"\0\0\0\x01" + rectangle(3, 3, 2, 2) + bytes(16),
            hello(4, 4) + b"\0\0\0\x01" + rectangle(0, 0, 4, 4, 7) + bytes(64),
            hello(4, 4) + b"\x09",
            hello(4, 4)[:-8] + b"\xff\xff\xff\xff",
        ):
            error = self.assertRaises(ScreenError, rfb.read_picture, Script(data))
            self.assertIn("console", str(error))

    def test_addresses(self) -> None:
        """The websocket behind noVNC's pages, old and new."""
        for page, wanted in (
            ("http://h:6080/vnc_lite.html?path=%3Ftoken%3Dt", "ws://h:6080/?token=t"),
            ("https://h/vnc_auto.html?token=t", "wss://h/?token=t"),
            ("https://h/x/vnc.html?path=x%2Fws%3Ftoken%3Dt", "wss://h/x/ws?token=t"),
        ):
            self.assertEqual(wanted, rfb.websocket_url(page))

    def test_whom_it_trusts(self) -> None:
        """As the client's --os-cacert and --insecure say."""
        self.assertEqual({}, rfb.trust(True))
        self.assertEqual({"ca_certs": "/etc/ca.pem"}, rfb.trust("/etc/ca.pem"))
        self.assertEqual({"ca_cert_path": "/"}, rfb.trust("/"))
        self.assertEqual(0, rfb.trust(False)["cert_reqs"])

    def test_nobody_answers(self) -> None:
        """A refused connection is told."""
        error = self.assertRaises(
            ScreenError, rfb.capture, "http://127.0.0.1:1/?path=%3Ftoken%3Dx"
        )
        self.assertIn("does not answer", str(error))

    def test_life(self) -> None:
        """A cursor blinks; a picture moves."""
        old = screen.tiles(BLACK)
        self.assertEqual(12, len(old))
        cursor = bytearray(BLACK.rgb)
        cursor[0:24] = b"\xff" * 24
        blinked = dataclasses.replace(BLACK, rgb=bytes(cursor))
        self.assertFalse(screen.alive(old, screen.tiles(blinked), 60))
        white = Picture(64, 48, b"\xff" * len(BLACK.rgb))
        self.assertTrue(screen.alive(old, screen.tiles(white), 60))
        self.assertTrue(screen.alive(old, screen.tiles(Picture(16, 16, bytes(768))), 1))

    def test_counters(self) -> None:
        """Others' broadcasts and an idle CPU are no life."""
        old = Counters(1e9, 1e9, 100.0)
        for new, seconds, wanted in (
            (Counters(1e9, 1e9 + 600_000, 112.0), 600.0, False),
            (Counters(1e9 + 65536, 1e9, 100.0), 600.0, True),
            (Counters(1e9, 1e9 + 2**20, 100.0), 600.0, True),
            (Counters(1e9, 1e9, 161.0), 600.0, True),
            (Counters(), 1.0, True),
        ):
            self.assertEqual(wanted, diagnostics.alive(old, new, seconds), str(new))
        before = dataclasses.replace(old, cut_off=True)
        self.assertTrue(diagnostics.alive(before, old, 600.0))
        self.assertFalse(diagnostics.alive(before, before, 600.0))
        text = '{"cpu_details": [{"time": 2000000000}], "nic_details": []}'
        self.assertEqual(Counters(cpu_s=2.0), diagnostics.parse(json.loads(text)))
        self.assertIsNone(diagnostics.parse({"state": "running"}))
