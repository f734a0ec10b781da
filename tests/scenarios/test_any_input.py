"""Hostile input: parsers and decisions take anything, and never break."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osc_imagebuild import boot
from osc_imagebuild.builds import record
from osc_imagebuild.engine import recipe
from osc_imagebuild.errors import ImageBuildError, RecordError, Verb
from osc_imagebuild.model import actions
from osc_imagebuild.model import spec_json as specs
from osc_imagebuild.model.actions import Act, Again, Fail, Wait
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.resources import Image, Server
from osc_imagebuild.monitors.console import clean, report
from tests.unit.samples import BUILD_ID, spec

FEW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=300)

ROLES = ("stub", "root", "kernel", "ramdisk", "result", "install", "verify", "other")
MARKS = (
    *("started", "installed", "stopping", "harvested", "verified", "complete", "x"),
    *("attempt-install-1", "attempt-verify-1", "attempt-verify-2", "rebooted"),
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)
words = st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3)
times = st.floats(0, 1e7)
good_fields = dataclasses.asdict(spec())


def ids(prefix: str) -> st.SearchStrategy[str]:
    """IDs that tell what they belong to."""
    return st.integers(0, 99).map(lambda n: f"{prefix}{n}")


image_facts = st.builds(
    Image,
    id=ids("image-"),
    name=st.text(max_size=9),
    status=st.sampled_from(("queued", "saving", "active", "killed", "importing", "")),
    hidden=st.booleans(),
    tags=st.frozensets(st.text(max_size=5), max_size=2),
    properties=words,
    created_at=times,
    updated_at=times,
)
server_facts = st.builds(
    Server,
    id=ids("server-"),
    name=st.text(max_size=9),
    status=st.sampled_from(("BUILD", "ACTIVE", "SHUTOFF", "ERROR", "RESCUE", "x")),
    power_state=st.integers(0, 7),
    task_state=st.sampled_from((None, "deleting", "image_snapshot", "powering-off")),
    fault=st.text(max_size=9),
    created_at=times,
)
attempt_data = st.fixed_dictionaries(
    {"server_id": ids("server-"), "then": st.sampled_from(("server", "reboot", "x"))}
)
mark_facts = st.builds(
    Mark,
    at=times,
    data=st.fixed_dictionaries({"image_id": ids("image-")}) | attempt_data | words,
)
arbitrary_facts = st.builds(
    Facts,
    now=times,
    images=st.dictionaries(st.sampled_from(ROLES), image_facts),
    servers=st.dictionaries(st.sampled_from(ROLES), server_facts, max_size=3),
    consoles=st.dictionaries(st.sampled_from(ROLES), st.text(), max_size=2),
    reports=st.dictionaries(st.sampled_from(ROLES), words, max_size=2),
    marks=st.dictionaries(st.sampled_from(MARKS), mark_facts),
)


def touched(action: actions.Action) -> set[str]:
    """The IDs of resources that an action changes or destroys."""
    found = {
        getattr(action, name)
        for name in ("image_id", "server_id")
        if hasattr(action, name)
    }
    image = getattr(action, "image", None)
    return found | ({image.id} if isinstance(image, Image) else set())


class DecisionTest(testtools.TestCase):
    """Decisions over whatever may be seen."""

    @MANY
    @given(arbitrary_facts, st.sampled_from(boot.names()), st.booleans())
    def test_current_and_decide(self, seen: Facts, method: str, verify: bool) -> None:
        """A decision, always, on nothing but what was seen of this build."""
        wanted = spec(boot_method=method, verify=verify)
        known = {i.id for i in seen.images.values()}
        known |= {s.id for s in seen.servers.values()}
        known.add(wanted.media.parent.image_id)
        step = recipe.current(recipe.of(wanted), wanted, seen)
        if step is None:
            self.assertIn("complete", seen.marks)
            return
        try:
            decision = step.decide(wanted, seen)
        except ImageBuildError:
            return
        self.assertIsInstance(decision, (Act, Again, Wait, Fail))
        if isinstance(decision, Act):
            self.assertLessEqual(touched(decision.action), known)


class SpecTest(testtools.TestCase):
    """The spec in the record."""

    def parse(self, text: str) -> None:
        """Read it, or say that it is damaged."""
        try:
            found = specs.from_json(text)
        except RecordError:
            return
        self.assertEqual(found, specs.from_json(specs.to_json(found)))

    @FEW
    @given(st.text())
    def test_text(self, text: str) -> None:
        """Any text."""
        self.parse(text)

    @FEW
    @given(anything)
    def test_json(self, value: Any) -> None:
        """Any JSON."""
        self.parse(json.dumps(value))

    @MANY
    @given(st.sampled_from(sorted(good_fields)), anything)
    def test_one_field(self, key: str, value: Any) -> None:
        """A good spec with any one field damaged."""
        self.parse(json.dumps({**good_fields, key: value}))

    def test_round_trip(self) -> None:
        """What was written is read."""
        self.assertEqual(spec(), specs.from_json(specs.to_json(spec())))


class RecordTest(testtools.TestCase):
    """The record."""

    FIELDS = ("marks", "steps", "console_tail", "spec", "schema", "percent", "status")

    def image(self, **fields: str) -> Image:
        """Return the image of a record."""
        known = {"schema": "2", "status": "building", "spec": specs.to_json(spec())}
        properties = {f"imagebuild_{k}": v for k, v in (known | fields).items()}
        return Image(BUILD_ID, "record", "queued", properties=properties)

    @MANY
    @given(st.sampled_from(FIELDS), st.text() | anything.map(json.dumps))
    def test_one_field(self, name: str, text: str) -> None:
        """A good record with any one field damaged."""
        image = self.image(**{name: text})
        try:
            found = record.parse(image)
        except RecordError as error:
            [step] = error.next_steps
            self.assertIn(step.verb, (Verb.DELETE, Verb.RESUME, Verb.SHOW))
            self.assertEqual((BUILD_ID, BUILD_ID), (step.target, error.build_id))
            return
        self.assertEqual(BUILD_ID, found.id)
        for mark in found.marks.values():
            self.assertTrue(0 <= mark.at < 1e11, mark.at)

    @FEW
    @given(st.text() | st.binary().map(str))
    def test_texts(self, packed: str) -> None:
        """User data, packed by whoever."""
        try:
            self.assertIsInstance(record.unpack(packed), dict)
        except RecordError:
            return

    @FEW
    @given(words)
    def test_pack(self, texts: dict[str, str]) -> None:
        """What was packed is unpacked."""
        self.assertEqual(texts, record.unpack(record.pack(texts)))


class MonitorTest(testtools.TestCase):
    """What a guest says."""

    @FEW
    @given(st.text() | anything.map(json.dumps))
    def test_report(self, text: str) -> None:
        """A report is flat text, or it is none."""
        for found in (
            report.parse(text, BUILD_ID),
            report.on_console(f"{report.SENTINEL} {text}", BUILD_ID),
        ):
            for key, value in (found or {}).items():
                self.assertIsInstance(key + value, str)

    @FEW
    @given(words)
    def test_report_of_this_build(self, said: dict[str, str]) -> None:
        """With the build's ID it is believed, with another it is not."""
        for build, heard in ((BUILD_ID, True), ("other", False)):
            text = json.dumps({**said, "build": build})
            self.assertEqual(heard, report.parse(text, BUILD_ID) is not None)

    @MANY
    @given(st.text(st.characters(codec="utf-8", max_codepoint=0x2FF), max_size=80))
    def test_clean(self, text: str) -> None:
        """Nothing that a terminal would obey comes through."""
        cleaned = clean.clean(f"\x1b[31m{text}\x1b]0;x\x07")
        wrong = [
            c for c in cleaned if (c < " " and c not in "\n\t") or "~" < c < "\xa0"
        ]
        self.assertEqual([], wrong)
        self.assertLessEqual(len(clean.tail(text, 3).splitlines()), 3)
