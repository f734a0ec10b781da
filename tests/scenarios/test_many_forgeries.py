"""Forged records by the thousand, other ones at each run: none stops another build."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import os
import random
import secrets
import time
import uuid
from collections.abc import Sequence
from typing import Any

from testtools.content import text_content

from osc_imagebuild import boot, outputs
from osc_imagebuild.builds import record
from osc_imagebuild.builds.record import Record
from osc_imagebuild.engine import recipe
from osc_imagebuild.errors import ImageBuildError, RecordError
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import RECORD_TAG, build_tag
from osc_imagebuild.model.resources import Image
from tests import paths
from tests.fakes.cloud import FakeCloud
from tests.fakes.image import FakeImage
from tests.scenarios.test_forged_records import ForgeryTestCase
from tests.unit.base import PARENT
from tests.unit.samples import BUILD_ID
from tests.unit.samples import spec as sample

# Forgeries of an earlier run come again if this is the number that it told.
SEED = "OSC_IMAGEBUILD_TEST_SEED"
# So many are written and read at each run.
FORGED = 10_000
# So many lie beside one honest build, so many times.
BESIDE, BATCHES = 30, 10
# ID and properties of a record.
Base = tuple[str, dict[str, str]]
_PRESENT: list[Base] = []


class ManyTest(ForgeryTestCase):
    """Forgeries by the thousand."""

    def setUp(self) -> None:
        """Tell, should it fail, how to have the same forgeries again."""
        super().setUp()
        seed = int(os.environ.get(SEED) or secrets.randbits(32))
        self.chance = random.Random(seed)
        self.addDetail("seed", text_content(f"{SEED}={seed}"))

    def present(self) -> list[Base]:
        """Return honest records: each boot method and output, begun; each output, complete."""
        if _PRESENT:  # they cost seconds, and each process needs them once
            return _PRESENT
        for boot_method, output in itertools.product(boot.names(), outputs.names()):
            self.cloud = FakeCloud()
            self.add_parent()
            parent = PARENT if boot_method in boot.of_parents() else None
            build = self.started(
                boot_method=boot_method, output=output, from_image=parent
            )
            _PRESENT.append(self._base(build))
        for output in outputs.names():
            self.cloud = FakeCloud()
            build = self.builder().create(self.request(output=output))
            _PRESENT.append(self._base(build))
        self.cloud = FakeCloud()
        return _PRESENT

    def _base(self, build: Record) -> Base:
        return build.id, dict(self.cloud.glance.images[build.id].properties)

    def test_none_stops_another_build(self) -> None:
        """The list, the fleet and a deletion go on beside them."""
        good = self.started()
        ids = [self.forge(self.planned()) for _ in range(len(HOSTILE))]
        for build_id, (name, text) in zip(ids, HOSTILE, strict=True):
            image = self.cloud.glance.images[build_id]
            image.properties[f"imagebuild_{name}"] = text
        listing = self.builder().list()
        self.assertIn(good.id, [build.id for build in listing.builds])
        self.assertEqual(len(ids) + 1, len(listing.builds) + len(listing.unreadable))
        self.assertLess(len(ids) // 2, len(listing.unreadable))
        self.cloud.world.sleep(400)
        outcome = self.builder().resume_all()
        self.assertIn(good.id, outcome.complete)
        for build_id in ids:
            with self.one_of_many(build_id):
                self.builder().delete(build_id)
        self.assertEqual([good.id], [b.id for b in self.builder().list().builds])

    def test_read(self) -> None:
        """Each is read, or said to be unreadable; what is read can be decided on."""
        bases = [*_old(), *self.present()]
        began = time.process_time()
        unreadable = 0
        for number in range(FORGED):
            build_id, properties = _forged(self.chance, bases)
            tags = frozenset({RECORD_TAG, build_tag(build_id)})
            image = Image(build_id, "r", "queued", tags=tags, properties=properties)
            try:
                build = record.parse(image)
            except RecordError as error:
                unreadable += 1
                self.assertIn(image.id, str(error))
                self.assertLess(len(str(error)), 2000)
                continue
            if number % 10 == 0:
                self._decide(build)
        self.assertLess(FORGED // 10, unreadable)
        self.assertLess(time.process_time() - began, 120)

    def test_beside(self) -> None:
        """The honest one goes on and completes, and each of the others can be deleted."""
        bases = [*_old(), *self.present()]
        for number in range(BATCHES):
            self.cloud = FakeCloud()
            self.events.clear()
            with self.one_of_many(f"batch {number}"):
                self.batch(bases)

    def batch(self, bases: Sequence[Base]) -> None:
        """Put forgeries beside a build, list them, drive them and delete them."""
        good = self.started()
        ids = [self.put(*_forged(self.chance, bases)) for _ in range(BESIDE)]
        listing = self.builder().list()
        listed = [*(build.id for build in listing.builds), *listing.unreadable]
        self.assertEqual({good.id, *ids}, set(listed))
        self.assertIn(good.id, [build.id for build in listing.builds])
        self.cloud.world.sleep(400)
        self.events.clear()
        outcome = self.builder().resume_all(once=True)
        self.assertIn(good.id, (*outcome.complete, *outcome.waiting))
        steps = [e.step for e in self.events if e.build_id == good.id]
        self.assertIn("harvest", steps)
        for build_id, reason in outcome.failed.items():
            self.assertNotIn("an error that is no build's", reason, build_id)
        for build_id in ids:
            with self.one_of_many(build_id):
                self.builder().delete(build_id)
        self.assert_complete(self.resumed(good.id))

    def put(self, build_id: str, properties: dict[str, str]) -> str:
        """Put a record into Glance as it is, newer than all others; return its ID."""
        self.cloud.glance.images[build_id] = FakeImage(
            build_id,
            "demo",
            self.cloud.world.now,
            name=f"imagebuild-{build_id}-record",
            visibility="private",
            hidden=True,
            tags=[RECORD_TAG, build_tag(build_id)],
            properties=properties,
            updated=self.cloud.world.now,
        )
        return build_id

    def _decide(self, build: Record) -> None:
        facts = Facts(1e6, marks=build.marks)
        try:
            steps = recipe.of(build.spec)
            step = recipe.current(steps, build.spec, facts)
            if step is not None:
                step.decide(build.spec, facts)
        except ImageBuildError:
            return


_DEEP = "[" * 20_000 + "]" * 20_000
# One property each, and what is in it instead.
HOSTILE: tuple[tuple[str, str], ...] = (
    ("spec", _DEEP),
    ("spec", '{"a":' * 5000),
    ("spec", "9" * 5000),
    ("spec", "{}"),
    ("spec", "null"),
    ("spec", "\ud800"),
    ("marks", _DEEP),
    ("marks", '{"harvested": {"at": 1e999, "data": {}}}'),
    ("marks", '{"harvested": {"at": ' + "9" * 400 + ', "data": {}}}'),
    ("marks", '{"harvested": {"at": NaN, "data": {"image_id": "x"}}}'),
    ("marks", '{"harvested": {"at": 1, "data": {"image_id": "../../v2/images"}}}'),
    ("marks", '{"attempt-install-1": {"at": 1, "data": {"volumes": "a/b"}}}'),
    ("marks", '{"' + "x" * 60_000 + '": {"at": 1, "data": {}}}'),
    ("steps", _DEEP),
    ("steps", "[[1, 2, 3]]"),
    ("steps", '[["\\u001b]0;x\\u0007", 1]]'),
    ("steps", json.dumps([["install", 1]] * 5000)),
    ("status", "sideways"),
    ("schema", "²"),
    ("schema", "9" * 5000),
    ("result_id", "../servers"),
    ("console_tail", _DEEP),
    ("percent", "²"),
    ("lease", "9" * 5000),
    ("lease", "²"),
    ("signals", _DEEP),
    ("signals", '{"install": {"console": ["eNo", 1, 1]}}'),
    ("signals", '{"install": 7}'),
    ("texts", "eNo="),
    ("texts", _DEEP),
    ("reason", "x" * 100_000),
    ("evidence", "\x1b[2J" * 20_000),
)


# --- forging ------------------------------------------------------------------

_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 7, 131_000_000, 10**30, 1e308, float("nan"), "", "²", "\0"),
    *("x" * 70_000, "../../etc/passwd", "/etc/shadow", "file:///etc/passwd"),
    *("http://127.0.0.1/x", "http://169.254.169.254/", "gopher://x", "(a+)+$", "("),
    *("\x1b]0;x\x07", "\u202e", "\ud800", [], {}, [[]], {"a": {"b": []}}, ["x"] * 300),
    *({str(n): "x" for n in range(300)}, "unknown", "ipxe", "volume", "9" * 5000),
)


def _old() -> list[Base]:
    """Return records of schema 1, and a small one of the present schema."""
    saved = [json.loads(p.read_text()) for p in (paths.DATA / "records").glob("*.json")]
    texts = [
        (data["id"], {k: v for k, v in data.items() if k[:10] == "imagebuild"})
        for data in saved
    ]
    newest = {
        "imagebuild_schema": "2",
        "imagebuild_status": "building",
        "imagebuild_spec": json.dumps(dataclasses.asdict(sample())),
        "imagebuild_marks": '{"started": {"at": 1.0, "data": {"server_id": ""}}}',
        "imagebuild_steps": '[["install", 1.0]]',
    }
    return [*texts, (BUILD_ID, newest)]


def _forged(chance: random.Random, bases: Sequence[Base]) -> Base:
    """Return an honest record, under another ID, with one or two things changed in it."""
    old_id, honest = chance.choice(bases)
    build_id = str(uuid.UUID(int=chance.getrandbits(128)))
    properties = {k: v.replace(old_id, build_id) for k, v in honest.items()}
    if chance.random() < 0.5:  # what is over is not driven
        properties["imagebuild_status"] = "building"
    for _ in range(chance.choice((1, 1, 2))):
        name = chance.choice(sorted(properties))
        try:
            parts = json.loads(properties[name])
        except ValueError:
            parts = None
        if isinstance(parts, dict | list) and parts and chance.random() < 0.9:
            _change(parts, chance)
            properties[name] = json.dumps(parts)
        else:
            properties[name] = str(chance.choice(_VALUES))
    return build_id, properties


def _change(parts: Any, chance: random.Random) -> None:
    """Put something else somewhere into a tree of lists and tables."""
    while True:
        keys = list(parts) if isinstance(parts, dict) else list(range(len(parts)))
        key = chance.choice(keys)
        inner = parts[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            parts = inner
            continue
        if chance.random() < 0.1 and isinstance(parts, dict):
            del parts[key]
        else:
            parts[key] = copy.deepcopy(chance.choice(_VALUES))
        return
