"""Records that somebody else in the project wrote, to harm who works with them."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fixtures

from osc_imagebuild.builds import authorship, record, record_store
from osc_imagebuild.builds.record import Record
from osc_imagebuild.engine import recipe
from osc_imagebuild.errors import ImageBuildError, RecordError, SpecError
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import RECORD_TAG, build_tag
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Iso, Spec
from tests import paths
from tests.fakes.guests import MINI_ISO
from tests.unit.base import CloudTestCase
from tests.unit.samples import spec as sample

SECRET = b"auth: {password: hunter2}\n" * 3000
ISO = "http://mirror.fake/isos/mini.iso"
KEY = "osc_imagebuild.builds.authorship._key"
# Of these, so many are written and read at each run.
FORGED = 10_000


class ForgeryTestCase(CloudTestCase):
    """A project with a member who forges records."""

    def planned(self, **fields: Any) -> Spec:
        """Return an honest spec."""
        return self.builder().plan(self.request(**fields)).spec

    def forge(self, spec: Spec, **properties: str) -> str:
        """Write a record as another member can; return its ID."""
        build_id = str(uuid.uuid4())
        api = self.builder("other").api
        with fixtures.MonkeyPatch(KEY, lambda: b"another's key"):
            record_store.create(api, build_id, spec, {"answer": "x", "verify": "y"})
        image = self.cloud.glance.images[build_id]
        image.properties.update(
            {f"imagebuild_{name}": text for name, text in properties.items()}
        )
        return build_id

    def uploads(self) -> list[bytes]:
        """Return what went into Glance."""
        return [c.body for c in self.cloud.mutations if c.kind == "upload image"]


class LocalFileTest(ForgeryTestCase):
    """Files of the machine that a build is resumed on."""

    def setUp(self) -> None:
        """Have a secret, and an ISO."""
        super().setUp()
        home = Path(self.useFixture(fixtures.TempDir()).path)
        self.secret, self.iso = home / "clouds.yaml", home / "mini.iso"
        self.secret.write_bytes(SECRET)
        self.iso.write_bytes(MINI_ISO + bytes(5000))

    def specs(self, path: Path) -> Iterator[Spec]:
        """Yield specs that name a file, in each place that may."""
        local = Iso(url=str(path), size_gib=1, as_cd=True, key="k" * 64)
        plain = self.planned(boot_method="cdrom", source=ISO)
        yield _with(plain, iso=local)
        drivers = self.planned(
            os="mini-asks",
            firmware="uefi",
            source=ISO,
            driver_iso="http://mirror.fake/drivers.iso",
        )
        yield _with(drivers, drivers=local)
        remaster = self.planned(
            os="mini-remaster", source="http://mirror.fake/isos/remaster.iso"
        )
        yield _with(remaster, iso=local)
        kernel = self.planned(
            boot_method="kernel", source="http://mirror.fake/isos/installer.iso"
        )
        yield _with(
            kernel,
            iso=dataclasses.replace(kernel.media.iso, url=str(path), imported=False),
        )

    def test_refused(self) -> None:
        """Not a byte of it leaves, and the build waits for whoever has the file."""
        for number, spec in enumerate(self.specs(self.secret)):
            with self.one_of_many(str(number)):
                build_id = self.forge(spec)
                error = self.assertRaises(SpecError, self.builder().resume, build_id)
                self.assertIn(f"--allow-local {self.secret}", str(error))
                self.assertEqual("building", self.builder().find(build_id).status)
                outcome = self.builder().resume_all(once=True)
                self.assertIn("--allow-local", outcome.failed[build_id])
                self.builder().delete(build_id)
        self.assertFalse([body for body in self.uploads() if b"hunter2" in body])

    def begun_by(self, key: bytes) -> Record:
        """Return a build from the local ISO that died as it was to be uploaded."""
        request = self.request(boot_method="cdrom", source=str(self.iso))
        with fixtures.MonkeyPatch(KEY, lambda: key):
            self.cloud.hooks.append(_stop_at("upload image"))
            self.assertRaises(KeyboardInterrupt, self.builder().create, request)
            self.cloud.hooks.clear()
        return self.builder().list().builds[0]

    def test_named_again(self) -> None:
        """It is taken where the user names it, though another machine began the build."""
        build = self.begun_by(b"another machine")
        self.assertFalse(build.is_own)
        builder = self.builder()
        self.assertRaises(SpecError, builder.resume, build.id)
        builder.allow_files([str(self.iso)])
        self.assert_complete(builder.resume(build.id))

    def test_named_again_but_another(self) -> None:
        """Nothing but an ISO, and that very one."""
        spec, builder = next(self.specs(self.iso)), self.builder()
        for path, digest, word in (
            (self.secret, hashlib.sha512(SECRET).hexdigest(), "is no ISO"),
            (self.iso, "", "has no digest to compare it with"),
            (self.iso, "0" * 128, "has changed since the build was planned"),
        ):
            builder.allow_files([str(path)])
            iso = dataclasses.replace(
                spec.media.iso, url=str(path), sha512=digest, key=""
            )
            build_id = self.forge(_with(spec, iso=iso))
            error = self.assertRaises(SpecError, builder.resume, build_id)
            self.assertIn(word, str(error))
        self.assertFalse([body for body in self.uploads() if b"hunter2" in body])

    def test_own(self) -> None:
        """Who began a build goes on with it, though it is another process."""
        key = authorship._key()
        build = self.begun_by(key)
        self.assertTrue(build.is_own)
        self.assert_complete(self.builder("second").resume(build.id))

    def test_changed_spec(self) -> None:
        """A signature is good for the spec that it was made for alone."""
        started = self.started(boot_method="cdrom", source=ISO)
        properties = self.cloud.glance.images[started.id].properties
        parts = json.loads(properties["imagebuild_spec"])
        parts["media"]["drivers"]["url"] = str(self.secret)
        properties["imagebuild_spec"] = json.dumps(parts)
        self.assertFalse(self.builder().find(started.id).is_own)


class AddressTest(ForgeryTestCase):
    """Web servers that only the client reaches."""

    def test_refused(self) -> None:
        """The loop back, metadata, the intranet: in each place, however it is written."""
        plain = self.planned(boot_method="cdrom", source=ISO)
        kernel = self.planned(boot_method="kernel")
        for host in (
            "127.0.0.1",
            "localhost",
            "2130706433",
            "127.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
            "10.1.2.3",
            "192.168.1.1:8080",
            "[fd00:ec2::254]",
        ):
            url = f"http://{host}/x.iso"
            iso = Iso(url=url, size_gib=1, as_cd=True, sha256="0" * 64)
            media = dataclasses.replace(
                kernel.media, kernel_url=f"http://{host}/linux", kernel_sha256="1" * 64
            )
            for forged in (
                _with(plain, iso=iso),
                dataclasses.replace(kernel, media=media),
            ):
                with self.one_of_many(host):
                    build_id = self.forge(forged)
                    error = self.assertRaises(
                        SpecError, self.builder().resume, build_id
                    )
                    self.assertIn("is not fetched", str(error))
                    self.builder().delete(build_id)


class MarkTest(ForgeryTestCase):
    """Resources that a record names."""

    def test_foreign_result(self) -> None:
        """Of another project, of this one: nothing of it is changed, by an admin either."""
        spec = self.planned()
        for owner in ("demo", "other"):
            golden = self.cloud.glance.add(
                owner, name="theirs", visibility="public", properties={"os": "x"}
            )
            before = copy.deepcopy(vars(golden))
            marks = json.dumps(
                {"harvested": {"at": 1.0, "data": {"image_id": golden.id}}}
            )
            build_id = self.forge(spec, marks=marks, result_id=golden.id)
            with self.one_of_many(owner):
                for go in (self.builder().resume, self.builder().retry):
                    self.assertRaises(ImageBuildError, go, build_id)
                self.builder().delete(build_id, with_image=True)
                self.assertEqual(before, vars(self.cloud.glance.images[golden.id]))


class ManyTest(ForgeryTestCase):
    """Forgeries by the thousand."""

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
        began, chance = time.process_time(), random.Random(14)
        unreadable = 0
        for number in range(FORGED):
            image = _forged(chance)
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

    def _decide(self, build: Record) -> None:
        facts = Facts(1e6, marks=build.marks)
        try:
            steps = recipe.of(build.spec)
            step = recipe.current(steps, build.spec, facts)
            if step is not None:
                step.decide(build.spec, facts)
        except ImageBuildError:
            return


def _with(spec: Spec, iso: Iso | None = None, drivers: Iso | None = None) -> Spec:
    media = dataclasses.replace(
        spec.media, iso=iso or spec.media.iso, drivers=drivers or spec.media.drivers
    )
    return dataclasses.replace(spec, media=media)


def _stop_at(kind: str) -> Callable[[Any], None]:
    def stop(call: Any) -> None:
        if call.kind == kind:
            raise KeyboardInterrupt

    return stop


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


def _bases() -> list[dict[str, str]]:
    saved = [json.loads(p.read_text()) for p in (paths.DATA / "records").glob("*.json")]
    texts = [
        {k: v for k, v in data.items() if k[:10] == "imagebuild"} for data in saved
    ]
    newest = {
        "imagebuild_schema": "2",
        "imagebuild_status": "building",
        "imagebuild_spec": json.dumps(dataclasses.asdict(sample())),
        "imagebuild_marks": '{"started": {"at": 1.0, "data": {"server_id": ""}}}',
        "imagebuild_steps": '[["install", 1.0]]',
    }
    return [*texts, newest]


BASES = _bases()


def _forged(chance: random.Random) -> Image:
    """Return the image of an honest record with one or two things changed in it."""
    properties = dict(chance.choice(BASES))
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
    tags = frozenset({RECORD_TAG, build_tag("x")})
    return Image(
        str(uuid.UUID(int=chance.getrandbits(128))),
        "r",
        "queued",
        tags=tags,
        properties=properties,
    )


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
