"""Pages: what is in them, and that no word of others' is anything but text."""

from __future__ import annotations

import dataclasses
import re
import shlex
from html.parser import HTMLParser
from typing import Any

import testtools

from osc_imagebuild.model.checks import Check
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.family import Old
from osc_imagebuild.model.manifest import PhaseScreen
from osc_imagebuild.model.names import Status
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Snapshot, Volume
from osc_imagebuild.model.spec import (
    Declared,
    Media,
    Networking,
    Parent,
    RootDevice,
    Rotation,
)
from osc_imagebuild.reports import page
from osc_imagebuild.reports.page import Entry
from osc_imagebuild.reports.report import Comparison, Picture, Report, call
from osc_imagebuild.v1 import options, wording
from osc_imagebuild.v1.create import CreateImageBuild
from osc_imagebuild.v1.wording import command_line, create_command
from tests.unit import pictures
from tests.unit.model import test_png
from tests.unit.reports import sample

TAGS = frozenset(
    "html head meta title style body main header div span h1 h2 h3 nav a section p dl dt dd "
    "code ol li ul strong b i table thead tbody tr th td figure img figcaption footer".split()
)
ATTRIBUTES = frozenset(
    "lang charset http-equiv content name class id href style alt src "
    "width height".split()
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; {}base-uri 'none'; form-action 'none'"


class Reader(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All words, with single blanks."""
        return " ".join(" ".join(self.words).split())


class PageTestCase(testtools.TestCase):
    """Reads pages."""

    def read(self, text: str, policy: str = "") -> Reader:
        """Read a page, which is whole and has nothing that a page must not have."""
        reader = Reader(text)
        self.assertEqual([], reader.open)
        for tag, attributes in reader.tags:
            self.assertIn(tag, TAGS)
            self.assertLessEqual(set(attributes), ATTRIBUTES, tag)
            for name in ("href", "src"):
                value = attributes.get(name, "#")
                self.assertRegex(value, r"^(#|data:image/png;base64,|imagebuild-)")
            if style := attributes.get("style"):
                self.assertRegex(style, r"^[a-z-]+:[a-z0-9 .%-]+(;[a-z-]+:[0-9.%]+)?$")
        [meta] = [a for t, a in reader.tags if "http-equiv" in a]
        self.assertEqual(POLICY.format(policy), meta["content"])
        self.assertNotIn("@import", text)
        self.assertNotIn("url(", text)
        return reader

    def shown(self, report: Report, policy: str = "") -> Reader:
        """Read the page of a report."""
        return self.read(report.html(command_line, create_command), policy)


class Made:
    """Stands for the library: it tells what it would make."""

    @staticmethod
    def create(request: Request) -> Request:
        return request


class ReportTest(PageTestCase):
    """The page of a build."""

    def test_good(self) -> None:
        """Origin, result, steps, tests, console, differences, provenance, command."""
        text = self.shown(sample.good()).text
        for words in (
            "complete debian-13 for x86_64 begun 2026-11-25 09:46:40 UTC 22 min 03 s",
            "Installed from http://ftp.debian.org/debian",
            "Servers need 10 GiB disk, 512 MiB RAM",
            "install 18 min 44 s 18 min 00 s",
            "passed boot a server of the result was up 85 s after it was asked for",
            "failed hardening score=84.6 passed=191 failed=9 accounts_password_pam_minlen",
            "15 of 15 lines",
            "partitioning (30 %) 5 Starting up the partitioner",
            f"from my-debian (2026-11-18T10:25:44Z) ({sample.OLD_IMAGE})",
            "Package: 5",
            "nginx not there 1.26.3-3+deb13u1",
            "template c5e3a1907d42b68f",
            "openstack image build create \\ --os debian-13 \\ --source http",
            "--replace my-debian",
        ):
            self.assertIn(words, text)
        self.assertNotIn("Why it failed", text)

    def test_failed(self) -> None:
        """The reason and its evidence come first."""
        text = self.shown(sample.failed()).text
        self.assertLess(text.index("Why it failed"), text.index("Built from"))
        self.assertIn(
            "the mirror does not have what the installer asks for The line that shows it "
            "Please check the specified mirror or try a different one.",
            text,
        )
        self.assertIn(f"image build retry {sample.BUILD} --from install", text)
        self.assertIn("harvest not reached", text)
        self.assertIn("There is none.", text)

    def test_hostile(self) -> None:
        """Every word of it shows, and does nothing."""
        report = sample.hostile()
        reader = self.shown(report)
        text = reader.text
        self.assertGreater(text.count("<script>alert(1)</script><img src=x"), 300)
        self.assertIn(page.visible(sample.HOSTILE), text)
        self.assertEqual([], re.findall("[\x00-\x09\x0b-\x1f\u200b\u202e]", text))
        self.assertIn(r"\u202egnp.exe\u200b", text)
        self.assertIn("{{ 7*7 }}{% raw %}", text)
        self.assertLess(len(report.html()), 1 << 20)

    def test_hostile_command(self) -> None:
        """The command that repeats it is one for a shell, too."""
        words = create_command(sample.hostile().request)
        self.assertIn(" '<script>alert(1)</script>", words)
        self.assertEqual(sample.HOSTILE[:120], shlex.split(words)[-1])

    def test_command_is_whole(self) -> None:
        """Whatever the record knows is an option of create, and means the same."""
        known = sample.asked()
        whole = dataclasses.replace(
            known,
            installer=dataclasses.replace(known.installer, arch="aarch64"),
            hardware=dataclasses.replace(
                known.hardware,
                root=RootDevice.VOLUME,
                firmware="uefi",
                properties={"os_secure_boot": "required", "hw_tpm_version": "2.0"},
                availability_zone="z",
                volume_type="fast",
            ),
            network=Networking(
                networks=("n1", "n2"), ports=("p1",), security_groups=("g",)
            ),
            result=dataclasses.replace(
                known.result,
                family="family",
                rotation=Rotation(replace=True, old=Old.KEEP, keep=7),
                visibility="shared",
                tags=("t",),
                members=("m",),
                copies=(Copy("two", "R"),),
                stores=("s",),
                metadata="scs",
                declared=Declared(disk_gib=20, ram_mib=1024),
                protected=True,
            ),
            verify=dataclasses.replace(known.verify, enabled=False),
        )
        layer = dataclasses.replace(
            known, media=Media(parent=Parent(image_id="i-1", name="base"))
        )
        volume = dataclasses.replace(
            known, result=dataclasses.replace(known.result, output="volume")
        )
        parser = CreateImageBuild(None, None).get_parser("create")
        dashed = dataclasses.replace(
            known, result=dataclasses.replace(known.result, name="-h", tags=("--x y",))
        )
        for spec in (known, whole, layer, volume, dashed):
            report = sample.report(sample.record(spec=spec), "")
            words = shlex.split(create_command(report.request))
            given = options.fields(parser.parse_args(words[4:]))
            self.assertEqual(report.request, Request(**given))
            names = {"Builder": Made, "Request": Request}
            names |= {"Copy": Copy}
            self.assertEqual(report.request, eval(call(report.request), names))
        request = sample.report(sample.record(spec=whole), "").request
        for field in dataclasses.fields(Request):
            default = getattr(Request, field.name, None)
            is_told = getattr(request, field.name) not in (default, {}, None)
            known_by_record = field.name in wording._CREATE or field.name == "name"
            self.assertLessEqual(is_told, known_by_record, field.name)

    def test_other_states(self) -> None:
        """A build that is at work, was cancelled, or whose result is of another kind."""
        build = sample.record("building", "install", doing="it copies", percent="40")
        text = self.shown(sample.report(build, "")).text
        self.assertIn("Under way step install it copies (40 %)", text)
        self.assertIn("if their directory is named", text)
        build = sample.record("cancelled", "harvest")
        text = self.shown(sample.report(build, "x")).text
        self.assertIn("It was cancelled in step harvest Nothing was noted.", text)
        for item in (Volume("v", "v", "in-use"), Snapshot("s", "s", "in-use")):
            text = self.shown(sample.report(sample.record(), "x", result=item)).text
            self.assertIn("Status in-use", text)
        build = dataclasses.replace(build, status=Status.COMPLETE, result_id="gone")
        text = self.shown(sample.report(build, "x")).text
        self.assertIn("it is not there", text)

    def test_differences(self) -> None:
        """Too many, none, or not known."""
        report = sample.good()
        assert report.comparison is not None
        before, one = report.comparison.predecessor, report.comparison.differences[1]
        for comparison, words in (
            (Comparison(before, (one,) * (page.MOST_DIFFERENCES + 5)), "And 5 more."),
            (Comparison(before), "None."),
            (Comparison(before, untold="<b>no</b>"), "They are not known: <b>no</b>"),
        ):
            found = dataclasses.replace(report, comparison=comparison)
            self.assertIn(words, self.shown(found).text)

    def test_pictures(self) -> None:
        """They are in the page, which may show nothing else."""
        shown = [Picture("install", pictures.grey(n, 2)) for n in (3, 4)]
        bad = [Picture("install", data) for data in test_png.BAD.values()]
        bad.append(Picture("install", bytes(5 << 20)))
        report = dataclasses.replace(sample.failed(), pictures=(*bad, *shown))
        reader = self.shown(report, "img-src data:; ")
        images = [attributes for tag, attributes in reader.tags if tag == "img"]
        self.assertEqual(["3", "4"], [image["width"] for image in images])

    def test_screenshots(self) -> None:
        """Below the step in which they were taken; what is none is left out."""
        shots = (
            PhaseScreen("verify", "", sample.BEGUN + 1230, pictures.grey(6)),
            PhaseScreen(
                "install", "partitioning", sample.BEGUN + 130, pictures.grey(5)
            ),
            PhaseScreen("install", sample.HOSTILE, 0.0, pictures.grey(4)),
            PhaseScreen("install", "late", 1e12, pictures.grey(7)),
            *(PhaseScreen("x", "", 0.0, data) for data in (b"", b"<svg/>")),
        )
        report = dataclasses.replace(sample.good(), screenshots=shots)
        reader = self.shown(report, "img-src data:; ")
        images = [attributes for tag, attributes in reader.tags if tag == "img"]
        self.assertEqual(["4", "5", "6", "7"], [image["width"] for image in images])
        self.assertEqual(
            "The screen of the server install: partitioning", images[1]["alt"]
        )
        self.assertIn("partitioning after 2 min 10 s", reader.text)
        self.assertIn("boot test after 20 min 30 s", reader.text)
        places = [reader.text.index(w) for w in ("partitioning after", "power-off")]
        self.assertEqual(sorted(places), places)
        films = page._films(report)
        steps = [report.timeline[place].step for place in films]
        self.assertEqual(["image-stub", "install", "verify", "complete"], steps)
        none = dataclasses.replace(report, timeline=())
        self.shown(none)

    def test_tests(self) -> None:
        """Any check, whatever its words are."""
        for check, detail, count in (
            (Check("a", True, "ok=3 changed=1"), "ok=3 changed=1", 0),
            (Check("b", False, "exit 1: no such file"), "exit 1: no such file", 0),
            (Check("c", False, ": a_b c_d"), ": a_b c_d", 0),
            (Check("d", False, "x: a_b c_d"), "x", 2),
            (Check("e", False, "x: " + "a_b " * 999), "x", page.MOST_WORDS),
        ):
            found = page._test(check)
            self.assertEqual((detail, count), (found.detail, len(found.names)))
            self.assertEqual(getattr(check, "output", ""), found.output)

    def test_boot_test(self) -> None:
        """It passed, failed, was left out, or did not come to it."""
        for build, found in (
            (sample.record(), [True]),
            (sample.record("failed", "verify", reason="it is silent"), [False]),
            (sample.record("failed", "install"), []),
            (sample.record("building", "verify"), []),
        ):
            report = sample.report(build, "")
            tests = [t.passed for t in report.tests if t.name == "boot"]
            self.assertEqual(found, tests)
        spec = sample.asked()
        verify = dataclasses.replace(spec.verify, enabled=False)
        build = sample.record(spec=dataclasses.replace(spec, verify=verify))
        [boot, *_] = sample.report(build, "").tests
        self.assertIn("left out", boot.detail)


class IndexTest(PageTestCase):
    """The page that leads to others."""

    def test_rows(self) -> None:
        """Each template, and its page where there is one."""
        entries = [
            Entry("a.yaml", "a", "complete", False, "", "i-1", "imagebuild-1.html"),
            Entry(sample.HOSTILE, sample.HOSTILE, "failed", True, sample.HOSTILE),
        ]
        reader = self.read(page.index(entries, sample.BEGUN))
        self.assertIn("1 failed 2 templates", reader.text)
        links = [a["href"] for tag, a in reader.tags if tag == "a"]
        self.assertEqual(["imagebuild-1.html"], links)
        self.assertIn("none failed", self.read(page.index([], 0.0)).text)


class WordsTest(testtools.TestCase):
    """Small parts."""

    def test_visible(self) -> None:
        """What nobody sees is written out; all else stays as it is."""
        rows: tuple[tuple[Any, Any], ...] = (
            ("a\nb\tc", "a\nb\tc"),
            ("\u00e4\u4e2d\U0001f600\u00a0", "\u00e4\u4e2d\U0001f600\u00a0"),
            (
                "\x00\x1b\x7f\u202e\u2028\ufeff\ue000",
                r"\x00\x1b\x7f\u202e\u2028\ufeff\ue000",
            ),
            ("\udcff", r"\udcff"),
            (7, 7),
        )
        for value, wanted in rows:
            self.assertEqual(wanted, page.visible(value))
        self.assertEqual(4004, len(page.visible("x" * 9999)))

    def test_command(self) -> None:
        """A shell takes it as it is shown."""
        long = "openstack image build create x --a " + "y" * 60 + " --b z"
        for text in (long, "create x --a b", f"{long} --name 'a --b'"):
            shown = page.command(text)
            self.assertEqual(shlex.split(text), shlex.split(shown.replace("\\\n", "")))
        self.assertEqual(3, len(page.command(long).splitlines()))

    def test_span(self) -> None:
        """As short as it can be."""
        for seconds, text in (
            (None, ""),
            (0.4, "0 s"),
            (59.6, "1 min 00 s"),
            (3599.0, "59 min 59 s"),
            (3723.0, "1 h 02 min"),
        ):
            self.assertEqual(text, page.span(seconds))
