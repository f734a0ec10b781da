"""Builds where lists lag, and where answers are lost as well."""

from __future__ import annotations

from osc_imagebuild import boot, outputs
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import LOST, on_mutation
from tests.fakes.lag import KINDS
from tests.scenarios import test_lag

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
        for way in (*WAYS, *({"boot_method": name} for name in boot.names())):
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
