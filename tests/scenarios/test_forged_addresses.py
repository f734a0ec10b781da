"""Records of somebody else's that name what only this machine reaches."""

from __future__ import annotations

from typing import Any

import fixtures

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds import lease, record_store
from osc_imagebuild.engine.act import Actor
from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import web_policy
from osc_imagebuild.model.actions import ImportImage
from osc_imagebuild.model.boot_sources import BootImage, IsoContent
from tests.unit import samples
from tests.unit.base import ENTRIES, CloudTestCase

KEY = "osc_imagebuild.builds.authorship._key"
METADATA = "http://169.254.169.254/latest"
INTRANET = "http://10.1.2.3/mirror"
# By boot method, with answers put into the ISO, and with drivers.
WAYS: tuple[dict[str, Any], ...] = (
    {"boot_method": "kernel", "source": "{}"},
    {"boot_method": "kernel", "source": "{}/installer.iso"},
    {"boot_method": "cdrom", "source": "{}/mini.iso"},
    {"os": "mini-remaster", "source": "{}/remaster.iso"},
    {"os": "mini-asks", "driver_iso": "{}/drivers.iso"},
)


class ForgedTest(CloudTestCase):
    """Whoever resumes fetches nothing from there."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable(web_policy.VARIABLE))
        self.cloud.glance.imports_fail = True  # so that the client has to

    def written(self, way: dict[str, Any], place: str) -> str:
        """The ID of a record that nobody drives yet."""
        fields = {k: v.format(place) for k, v in way.items()}
        plan = self.builder().plan(self.request(**fields))
        api = self.builder().api
        with fixtures.MonkeyPatch(KEY, lambda: b"another's"):
            made = record_store.create(api, plan.build_id, plan.spec, plan.texts)
        self.cloud.mirror.fetched.clear()
        return made.id

    def test_resume(self) -> None:
        """Attack: the client fetches its own loop back, metadata, and the intranet."""
        for place, ways in (
            (METADATA, WAYS),
            (INTRANET, WAYS[:1]),
            ("http://127.0.0.1:8000", WAYS[2:3]),
            ("http://localhost", WAYS[1:2]),
        ):
            for way in ways:
                build_id = self.written(way, place)
                error = self.assertRaises(SpecError, self.builder().resume, build_id)
                self.assertIn("nobody named it in this command", str(error))
                self.assertIn(f"export {web_policy.VARIABLE}=", str(error))
                self.assertEqual([], self.asked(place), f"{place} {way}")
                self.assertEqual([], lease.leases(self.builder().api, build_id))
                self.builder().delete(build_id)
        self.assert_empty()

    def asked(self, place: str) -> list[str]:
        """What the client asked there; Glance sends one GET for all of an ISO."""
        asked = [line for line in self.cloud.mirror.fetched if place in line]
        by_glance = [line for line in asked if line.startswith("GET ")][:1]
        isos = [
            line for line in by_glance if line.endswith(("mini.iso", "drivers.iso"))
        ]
        return [line for line in asked if line not in isos or asked.count(line) > 1]

    def test_resume_all(self) -> None:
        """Attack: the same; the others' builds go on."""
        forged = self.written(WAYS[0], METADATA)
        build = self.started()
        outcome = self.builder("second").resume_all()
        self.assertEqual({forged}, set(outcome.failed))
        self.assert_complete_but(build.id, forged)

    def assert_complete_but(self, build_id: str, forged: str) -> None:
        """One ended well, and nothing was asked for the other one."""
        statuses = {b.id: b.status for b in self.builder().list().builds}
        self.assertEqual("complete", statuses[build_id])
        self.assertNotEqual("complete", statuses[forged])
        self.assertEqual([], [u for u in self.cloud.mirror.fetched if METADATA in u])

    def test_imports(self) -> None:
        """Attack: Glance, or the client in its place, is to fetch what is no web page."""
        actor = Actor(self.builder().api, "b", samples.spec(), {})
        for url in ("file:///etc/passwd", "/etc/passwd", "ftp://x/y", "rbd://a/b/c/d"):
            image = BootImage("iso", "iso", "bare", IsoContent(url))
            error = self.assertRaises(SpecError, actor.act, ImportImage(image, "i"))
            self.assertIn("it is no http(s) URL", str(error))
        self.assertEqual([], self.cloud.mutations)

    def test_typed_or_allowed(self) -> None:
        """An intranet's mirror serves who names it, and who allows it."""
        for way in WAYS[::2][:2]:
            fields = {k: v.format(INTRANET) for k, v in way.items()}
            build = self.builder().create(self.request(**fields))
            self.assertEqual("complete", build.status)
            self.builder().delete(build.id, with_image=True)
            build_id = self.written(way, INTRANET)
            self.assertRaises(SpecError, self.builder().resume, build_id)
            builder = Builder(
                self.cloud.connect("second"),
                catalog=ENTRIES,
                clock=self.cloud.clock(),
                allowed_networks=["10.0.0.0/8"],
            )
            self.assertEqual("complete", builder.resume(build_id).status)
            self.builder().delete(build_id, with_image=True)

    def test_by_the_environment(self) -> None:
        """The same, and what is no network is said to be none."""
        name = web_policy.VARIABLE
        self.useFixture(fixtures.EnvironmentVariable(name, "10.1.2.3, 127.0.0.1"))
        build_id = self.written(WAYS[0], INTRANET)
        self.assertEqual("complete", self.builder().resume(build_id).status)
        again = self.written(WAYS[0], INTRANET)
        self.useFixture(fixtures.EnvironmentVariable(name, "everything"))
        builder, request = self.builder(), self.request()
        for ask in (lambda: builder.plan(request), lambda: builder.resume(again)):
            error = self.assertRaises(SpecError, ask)
            self.assertIn(f"{name} has 'everything', which is no network", str(error))
        builder.delete(again)
