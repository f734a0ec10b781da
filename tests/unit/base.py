"""What tests on the fake cloud share."""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import fixtures
import requests
import testtools
import yaml
from requests.adapters import BaseAdapter

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds import authorship, lease
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import rfb
from osc_imagebuild.cloud.access_rules import AccessRule, rules
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.engine.events import Event
from osc_imagebuild.errors import RecordError, ScreenError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.media import content
from osc_imagebuild.model import manifest_json, signatures
from osc_imagebuild.model.manifest import MANIFEST_OF, MANIFEST_TAG
from osc_imagebuild.model.readings import Picture
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import inputs
from osc_imagebuild.signing.keys import SigningKey
from tests import paths, signing
from tests.fakes import barbican
from tests.fakes.access_rules import matching
from tests.fakes.cinder import FakeSnapshot, FakeVolume
from tests.fakes.cloud import FakeCloud
from tests.fakes.image import FakeImage
from tests.fakes.machines import Disk
from tests.fakes.mirror import IN_ISO
from tests.fakes.wire import Adapter, Call

CATALOG = paths.MINI_CATALOG
ENTRIES = Catalog([CATALOG])
# The same, with its answers in the installer's own CD.
ENTRIES.add(
    "mini-remaster",
    {
        **yaml.safe_load((CATALOG / "mini.yaml").read_text(encoding="utf-8")),
        "arches": {"x86_64": {"iso": "remaster.iso"}},
        "answer_cd": {"file": "etc/answer.sh", "remaster": True},
        "boot_methods": ["cdrom"],
    },
)
# And with a CD that asks for a key, and without drivers of its own.
ENTRIES.add(
    "mini-asks",
    {
        **yaml.safe_load((CATALOG / "mini.yaml").read_text(encoding="utf-8")),
        "boot_methods": ["cdrom"],
        "press_key": ["uefi"],
        "boot_properties": {"hw_disk_bus": "sata"},
        "properties": {"os_distro": "mini", "hw_disk_bus": "sata"},
        "driver_properties": {"hw_disk_bus": "virtio"},
    },
)
# And one whose images are given contents of any size.
ENTRIES.add(
    "mini-contents",
    {
        **yaml.safe_load((CATALOG / "mini.yaml").read_text(encoding="utf-8")),
        "layer": {"template": "mini-layer.sh.j2", "takes": ["commands", "contents"]},
    },
)
# And one whose test server runs tests, and whose disk has two boot loaders.
TESTED = {
    **yaml.safe_load((CATALOG / "mini.yaml").read_text(encoding="utf-8")),
    "verify": {
        "user_data": "cloud-init-boot.sh.j2",
        "sign": "IMAGEBUILD-BOOTED {{ build_id }}",
        "timeout_min": 10,
        "firmware": ["bios", "uefi"],
    },
}
ENTRIES.add("mini-tests", TESTED)
NAME = "golden"
# Of an image that is there before anything is built.
PARENT = "parent"


def _no_sleep(seconds: float) -> None:
    raise AssertionError(f"somebody really sleeps, for {seconds} s")


def _no_screen(real: Callable[..., Picture], url: str, **options: Any) -> Picture:
    if "novnc.fake" in url:
        raise ScreenError("there is nobody behind that address")
    return real(url, **options)


def _stub_disk(script: str, disk_format: str = "qcow2") -> bytes:
    return b"STUB" + script.encode()


class CloudTestCase(testtools.TestCase):
    """A test with a fake cloud of its own, and no other network or waiting."""

    def setUp(self) -> None:
        """Take away the network, sleep, and the need for iPXE on this machine."""
        super().setUp()
        random.seed(0)  # how long pauses are decides what comes when
        self.cloud = FakeCloud()
        self.events: list[Event] = []
        # Of each client that `builder` returns.
        self.signing_key: SigningKey | None = None
        self.wrong: list[str] = []
        self.useFixture(fixtures.FakeLogger(level=logging.WARNING))
        self.patch(
            requests.Session, "get_adapter", lambda *a, **kw: self._adapter(*a, **kw)
        )
        # Proxies are looked for in the whole environment, at each request.
        self.patch(requests.sessions, "get_environ_proxies", lambda *a, **kw: {})
        self.patch(time, "sleep", _no_sleep)
        self.patch(content, "stub_disk", _stub_disk)
        self.patch(inputs, "ROUNDS", 1)  # they are slow on purpose
        self.patch(content, "missing_parts", lambda *machine: [])
        self.patch(rfb, "capture", functools.partial(_no_screen, rfb.capture))
        # Clients of a test share a process: without this, each would know
        # that the others are alive, or dead.
        self.patch(lease, "_life", lambda: "")
        # No file of whoever runs the tests.
        self.patch(authorship, "_key", lambda: b"a key of tests")

    def tearDown(self) -> None:
        """Fail with all that `one_of_many` found."""
        problems, self.wrong = self.wrong, []
        problems += _unruled(self.cloud)
        super().tearDown()
        if problems:
            self.fail(f"{len(problems)} cases fail:\n" + "\n".join(problems))

    @contextmanager
    def one_of_many(self, where: str) -> Iterator[None]:
        """Note what is wrong with one case, and go on with the next one."""
        try:
            yield
        except Exception as error:
            text = " ".join(str(error).split())
            self.wrong.append(f"  {where}: {type(error).__name__}: {text:.400}")

    def _adapter(self, session: requests.Session, url: str) -> BaseAdapter:
        """That of `FakeCloud.connect` knows its client; others go there too."""
        mounted = session.adapters.get("http://")
        return mounted if isinstance(mounted, Adapter) else Adapter(self.cloud.serve)

    def cloud_after(
        self, kind: str, work: Callable[[Any], object], wanted: object
    ) -> FakeCloud:
        """Return the cloud as a client leaves it that dies after its first call of a kind."""
        forks: list[FakeCloud] = []

        def observe(when: str, call: Call) -> None:
            if (when, call.kind) == ("after", kind):
                forks.append(self.cloud.fork())

        self.cloud.observers.append(observe)
        work(wanted)
        return forks[0]

    def builder(self, client: str = "first", *, skew: float = 0.0) -> Builder:
        """Return the library as a new client has it."""
        return Builder(
            self.cloud.connect(client),
            catalog=ENTRIES,
            clock=self.cloud.clock(skew),
            listener=self.events.append,
            signing_key=self.signing_key,
        )

    def request(self, **fields: Any) -> Request:
        """Return a request that works."""
        return Request(**({"name": NAME, "os": "mini"} | fields))

    def started(self, **fields: Any) -> Record:
        """Return a build whose installer runs, and that nobody drives."""
        return self.builder().create(self.request(**fields), wait=False)

    def resumed(self, build_id: str, client: str = "second") -> Record:
        """Resume a build as a stubborn user would, waiting for a lease to end."""
        builder = self.builder(client)
        for _ in range(10):
            try:
                return builder.resume(build_id)
            except RecordError as error:
                if "driven by" not in str(error):
                    raise
                self.cloud.world.sleep(60)
        raise AssertionError("the lease of a dead client never ends")

    def add_parent(self, **fields: Any) -> FakeImage:
        """Have an image in the cloud that builds may change."""
        known: dict[str, Any] = {
            "name": PARENT,
            "status": "active",
            "visibility": "private",
            "disk_format": "qcow2",
            "container_format": "bare",
            "data": b"INSTALLED parent",
            "size": 16,
            "min_disk": 1,
            "properties": {"imagebuild_os": "mini", "hw_disk_bus": "scsi"},
        }
        return self.cloud.glance.add("demo", **{**known, **fields})

    def images(
        self, *, shared: bool = False, manifests: bool = False
    ) -> list[FakeImage]:
        """Return all images, those with shared content or manifests only where asked."""
        return [
            image
            for image in self.cloud.glance.images.values()
            if image.name != PARENT
            and (shared or not _is_shared(image))
            and (manifests or MANIFEST_TAG not in image.tags)
        ]

    def assert_empty(self, *kept: str) -> None:
        """Nothing is in the cloud but ``kept`` IDs, what is known of them, shared content."""
        self.cloud.tick()
        names = [
            image.name
            for image in self.images(manifests=True)
            if image.id not in kept and not _is_of(image, kept)
        ]
        cinder = self.cloud.cinder
        names += [v.name for v in cinder.volumes.values() if v.id not in kept]
        names += [s.name for s in cinder.snapshots.values() if s.id not in kept]
        self.assertEqual([], names)
        self.assertEqual({}, self.cloud.nova.servers)
        ports = [p for p in self.cloud.neutron.ports if "compute" in p["device_owner"]]
        self.assertEqual([], ports)

    def assert_complete(self, build: Record) -> None:
        """It ended well: one clean result, the record, and nothing else."""
        self.assertEqual("complete", build.status)
        self.assert_empty(build.id, *build.made)
        self.assertEqual(build.made[0], build.result_id)
        result = self._result(build)
        self.assertEqual(b"INSTALLED " + build.id.encode(), result.data)
        found = dict(result.properties)
        self.assertRegex(found.pop("imagebuild_built_at"), r"^20\d\d-.*Z$")
        # On the volume of a snapshot, what an image of it would say is of the volume.
        if build.spec.result.family:  # which an earlier version did not know
            self.assertIn(found.pop("imagebuild_result_id"), build.made)
        self.assertRegex(found.pop("imagebuild_duration_s"), r"^\d+$")
        if build.spec.result.certificate_id:
            found = self._unsigned(build, found, result.data)
        guest = {"imagebuild_kernel": "6.12.0", "imagebuild_release": "mini 1"}
        self.assertEqual({**build.spec.result.properties, **guest}, found)
        self._assert_manifest(build)
        self._assert_shared_whole()

    def _unsigned(
        self, build: Record, said: dict[str, str], data: bytes
    ) -> dict[str, str]:
        """Return properties without the signature, which is that of the data."""
        assert self.signing_key is not None
        cert = build.spec.result.certificate_id
        self.assertEqual(cert, said[signatures.CERTIFICATE_ID])
        signing.verify_image(said, data, self.signing_key.public.pem)
        return signatures.without(said)

    def _assert_manifest(self, build: Record) -> None:
        """What is known of the result is kept once, where the guest could say it."""
        listed = [i for i in self.images(manifests=True) if _is_of(i, build.made[:1])]
        inspected = build.marks.get("inspected")
        is_known = inspected is not None and "trouble" not in inspected.data
        self.assertEqual(is_known, len(listed) == 1, str(inspected))
        for image in listed:
            manifest = manifest_json.from_json(image.data.decode())
            self.assertEqual(build.id, manifest.build_id)
            self.assertEqual("busybox", manifest.packages[0].name)
            self.assertTrue(image.hidden)

    def _result(self, build: Record) -> Disk | FakeImage:
        """What the build made, checked as far as its kind goes."""
        cinder, spec = self.cloud.cinder, build.spec
        if spec.result.output == "image":
            image = self.cloud.glance.images[build.result_id]
            self.assertEqual((NAME, "active", False), _face(image))
            self.assertEqual(spec.result.visibility, image.visibility)
            self.assertEqual(list(spec.result.tags), image.tags)
            least = spec.result.declared
            ram_mib = max(spec.result.min_ram_mib, least.ram_mib)
            disk_gib = max(spec.hardware.disk_gib, least.disk_gib)
            self.assertEqual((ram_mib, disk_gib), (image.min_ram, image.min_disk))
            self.assertEqual(spec.result.protected, image.protected)
            return image
        wanted = dict.fromkeys(spec.result.tags, "true")
        wanted["imagebuild_build_id"] = build.id
        items: list[FakeVolume | FakeSnapshot] = [
            *cinder.volumes.values(),
            *cinder.snapshots.values(),
        ]
        for item in items:
            metadata = dict(item.metadata)
            if item.id == build.result_id:
                self.assertEqual(item.id, metadata.pop("imagebuild_result_id"))
                for key in ("family", "kind", "built_at", "inputs"):
                    self.assertIn(
                        metadata.pop(f"imagebuild_{key}"), item.properties.values()
                    )
            self.assertEqual((NAME, "available"), (item.name, item.status))
            self.assertEqual(wanted, metadata)
        found = next(item for item in items if item.id == build.result_id)
        self.assertEqual(str(spec.result.min_ram_mib), found.properties["min_ram"])
        properties = {k: v for k, v in found.properties.items() if k != "min_ram"}
        return Disk(found.data, properties)

    def _assert_shared_whole(self) -> None:
        shared = [i for i in self.images(shared=True) if _is_shared(i)]
        self.assertEqual(len({i.name for i in shared}), len(shared))
        for image in shared:
            self.assertEqual("active", image.status)
            whole = (*self.cloud.mirror.files.values(), *IN_ISO.values())
            self.assertTrue(image.data in whole, image.name)


@functools.cache
def access_rules() -> list[AccessRule]:
    """Return the access rules for a fake cloud."""
    cloud = FakeCloud()
    cloud.keystone.services["key-manager"] = barbican.URL
    return rules(Api(cloud.connect()))


def _unruled(cloud: FakeCloud) -> list[str]:
    """Return the calls of a test that no access rule allows, as it fails for them."""
    calls = {(c.service, c.method, c.path): c for c in cloud.log if c.project}
    return [
        f"  no access rule for {call.service} {call.method} {call.path}"
        for call in calls.values()
        if not matching(access_rules(), call)
    ]


def _is_of(image: FakeImage, results: Collection[str]) -> bool:
    """Whether an image keeps what is known of one of these results, and no build has it."""
    of = image.properties.get(MANIFEST_OF) in results
    return of and image.tags == [MANIFEST_TAG] and image.status == "active"


def _is_shared(image: FakeImage) -> bool:
    return any(tag.startswith("imagebuild-content-") for tag in image.tags)


def _face(image: FakeImage) -> tuple[str | None, str, bool]:
    return image.name, image.status, image.hidden
