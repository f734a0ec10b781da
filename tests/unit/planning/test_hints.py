"""Hints for Nova's scheduler, from the request to Nova."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.model.request import Hints
from osc_imagebuild.planning import request_checks
from tests.unit.base import CloudTestCase

A, B = "6f1ed002-ab59-4c42-8ea0-00000000000a", "6f1ed002-ab59-4c42-8ea0-00000000000b"


class HintsTest(CloudTestCase):
    """Nova's scheduler takes several servers for different_host and same_host."""

    def hints(self, hints: Hints) -> dict[str, Any]:
        """Return what Nova is given of a build's hints."""
        self.started(hints=hints)
        (server,) = self.cloud.nova.servers.values()
        return server.hints

    def test_several(self) -> None:
        """All reach Nova as a list, also from another client after the first died."""
        hints: Hints = {"different_host": (A, B), "group": "g"}
        self.assertEqual({"different_host": [A, B], "group": "g"}, self.hints(hints))
        build = self.builder().list().builds[0]
        self.assertEqual(hints, build.spec.hardware.hints)
        self.assert_complete(self.resumed(build.id))

    def test_one(self) -> None:
        """One is a text, as it always was, however it was given."""
        hints: Hints = {"same_host": (A,), "group": "g"}
        self.assertEqual({"same_host": A, "group": "g"}, self.hints(hints))

    def test_too_many(self) -> None:
        """What Nova takes once is refused twice."""
        for key in ("group", "query", "target_cell", "build_near_host_ip", "cidr"):
            found = request_checks.validate_request(
                self.request(hints={key: ("a", "b")})
            )
            self.assertEqual([f"Nova takes the hint {key} once, not 2 times"], found)
        hints = {"different_cell": ("a", "b"), "of_a_site": ("a", "b")}
        self.assertEqual([], request_checks.validate_request(self.request(hints=hints)))
