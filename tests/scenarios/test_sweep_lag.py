"""Builds where lists lag, and where answers are lost as well."""

from __future__ import annotations

from collections.abc import Iterator

from osc_imagebuild import boot, outputs
from osc_imagebuild.errors import InstallError
from osc_imagebuild.model.names import RECORD_TAG
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import KILLED_LATE, LOST, Fault, Hook, Killed, on_mutation
from tests.fakes.guests import GuestPlan
from tests.fakes.lag import KINDS
from tests.fakes.wire import Call
from tests.scenarios import test_lag

LAG_S = 8.0
LAGS = (0.5, 8.0, 60.0)
WAYS = tuple({"output": kind} for kind in outputs.names())
CREATIONS = (
    *("create image", "create server", "createImage", "create volume"),
    *("create snapshot", "os-volume_upload_image"),
)


class ListsThatLagTest(test_lag.LagTestCase):
    """Every kind of list, alone and all together."""

    def test_each_kind(self) -> None:
        """Nothing is made twice where no answer is lost, and nothing is left."""
        for way in (
            *WAYS,
            *({"boot_method": n} for n in boot.names() if n not in boot.of_parents()),
        ):
            for lag in LAGS:
                for kinds in (*((kind,) for kind in KINDS), KINDS):
                    self.cloud = FakeCloud()
                    self.cloud.lag.set(lag, *kinds)
                    where = f"{way} {lag} s {kinds}"
                    with self.one_of_many(where):
                        self.build(where, **way)
                        self.assert_made_once(where)

    def assert_made_once(self, where: str) -> None:
        """Each name was created once."""
        for kind in ("image", "server", "volume", "snapshot"):
            names = self.cloud.created(f"create {kind}")
            self.assertEqual(len(set(names)), len(names), f"{where}: {names}")


class ByIdTest(ListsThatLagTest):
    """What is asked for by its ID is behind as well, as it is at a replica."""

    def test_each_kind(self) -> None:
        """Builds complete, and nothing is made twice or left."""
        for way in WAYS:
            for kinds in (("servers",), KINDS[1:]):
                self.cloud = FakeCloud()
                self.cloud.lag.set(LAG_S, *kinds)
                self.cloud.lag.by_id = True
                where = f"{way} {kinds}"
                with self.one_of_many(where):
                    self.build(where, **way)
                    self.assert_made_once(where)


class VerbsTest(test_lag.LagTestCase):
    """Each other command, for a build that nobody drives, or whose client died."""

    def each(self) -> Iterator[tuple[dict[str, str], str]]:
        """Yield each output with a cloud of its own, and what its client died at."""
        for way in WAYS:
            for kind in ("", "create server"):
                self.cloud = FakeCloud()
                self.cloud.lag.set(LAG_S)
                yield way, kind

    def begun(self, way: dict[str, str], kind: str) -> str:
        """Begin a build, whose client dies at its creation of a kind, if any."""
        if not kind:
            return self.started(**way).id
        self.cloud.hooks.append(_dies_after(kind))
        self.assertRaises(Killed, self.started, **way)
        self.cloud.hooks.clear()
        return next(i.id for i in self.images() if RECORD_TAG in i.tags)

    def test_resume(self) -> None:
        """It completes."""
        for way, kind in self.each():
            with self.one_of_many(f"{way} {kind}"):
                build_id = self.begun(way, kind)
                self.assert_complete(self.resumed(build_id))

    def test_cancel(self) -> None:
        """Nothing but the record is left."""
        for way, kind in self.each():
            with self.one_of_many(f"{way} {kind}"):
                build_id = self.begun(way, kind)
                self.builder("second").cancel(build_id)
                self.cloud.world.advance(30)
                self.assert_empty(build_id)

    def test_delete(self) -> None:
        """Nothing is left."""
        for way, kind in self.each():
            with self.one_of_many(f"{way} {kind}"):
                build_id = self.begun(way, kind)
                self.builder("second").delete(build_id)
                self.cloud.world.advance(30)
                self.assert_empty()

    def test_delete_with_image(self) -> None:
        """Nor of what was published a moment ago."""
        for way in WAYS:
            self.cloud = FakeCloud()
            self.cloud.lag.set(LAG_S)
            with self.one_of_many(str(way)):
                build = self.builder().create(self.request(**way))
                self.builder("second").delete(build.id, with_image=True)
                self.cloud.world.advance(30)
                self.assert_empty()

    def test_retry(self) -> None:
        """A build that failed a moment ago completes, from each point."""
        for way in WAYS:
            for plan in ({"install_fails": "FAILED: x"}, {"result_boots": False}):
                self.cloud = FakeCloud()
                self.cloud.lag.set(LAG_S)
                with self.one_of_many(f"{way} {plan}"):
                    self.cloud.nova.plan = GuestPlan(**plan)
                    request = self.request(**way)
                    error = self.assertRaises(
                        InstallError, self.builder().create, request
                    )
                    self.cloud.nova.plan = GuestPlan()
                    builder = self.builder("second")
                    self.assert_complete(builder.retry(error.build_id))


def _dies_after(kind: str) -> Hook:
    """The client dies as soon as it made something of a kind, but for its record."""

    def hook(call: Call) -> Fault | None:
        is_record = call.kind == kind and RECORD_TAG in call.json.get("tags", ())
        return KILLED_LATE if call.kind == kind and not is_record else None

    return hook


class LostAnswersTest(test_lag.LagTestCase):
    """And the answer to each request is lost, in turn."""

    def test_each_mutation(self) -> None:
        """All of these builds complete, by themselves."""
        for way in WAYS:
            for lag in LAGS:
                for number, kind in self.numbered(way):
                    self.cloud = FakeCloud()
                    self.cloud.lag.set(lag)
                    self.cloud.hooks.append(on_mutation(number, LOST))
                    where = f"{way} {lag} s, {number} {kind}"
                    with self.one_of_many(where):
                        self.build(where, **way)
                        paths = self.deletions()
                        self.assertEqual(len(set(paths)), len(paths), str(paths))

    def numbered(self, way: dict[str, str]) -> list[tuple[int, str]]:
        """Number and kind of each creation of a build."""
        self.cloud = FakeCloud()
        self.builder().create(self.request(**way))
        calls = [(call.number, call.kind) for call in self.cloud.mutations]
        return [(n, kind) for n, kind in calls if kind in (*CREATIONS, "volume action")]


class OnceGoneAnywhereTest(test_lag.OnceGoneTest):
    """In all steps that deal with the result."""

    def test_publish(self) -> None:
        """And those around it."""
        self.sweep("harvest", "clean", "note-result", "verify-server", "cleanup")
