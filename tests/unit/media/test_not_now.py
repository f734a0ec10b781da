"""Web servers that may answer another time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import testtools

from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.media import http
from osc_imagebuild.media.answer import Answer
from osc_imagebuild.media.backoff import retry_answered
from tests.fakes.clock import FakeClock, World


def answer(status: int, **headers: str) -> Answer:
    """Return an answer as far as it is looked at here."""
    return cast(Answer, SimpleNamespace(status=status, headers=headers))


class NotNowTest(testtools.TestCase):
    """Which answers are worth another try, and when."""

    def test_statuses(self) -> None:
        """Too many requests are no refusal; the wait that is asked for is kept."""
        for status, kind in (
            (408, TransientError),
            (425, TransientError),
            (429, TransientError),
            (500, TransientError),
            (503, TransientError),
            (301, SpecError),
            (403, SpecError),
            (404, SpecError),
        ):
            error = self.assertRaises(
                kind, http.require_ok, "http://m/x", answer(status)
            )
            self.assertIn("http://m/x", str(error))
        told: Any = self.assertRaises(
            TransientError,
            http.require_ok,
            "http://m/x",
            answer(429, **{"Retry-After": "7"}),
        )
        self.assertEqual((429, 7.0), (told.status, told.retry_after))

    def test_retried(self) -> None:
        """What was answered is tried again; a server that is silent may be far away."""
        for status, tries in ((429, 4), (503, 4), (0, 1)):
            world = World()
            met: list[int] = []

            def fail(met: list[int] = met, status: int = status) -> None:
                met.append(status)
                raise TransientError(
                    "no", service="mirror", status=status, retry_after=5
                )

            clock = FakeClock(world)
            self.assertRaises(TransientError, retry_answered, clock, fail)
            self.assertEqual(tries, len(met))
        met = []

        def once() -> str:
            met.append(1)
            if len(met) == 1:
                raise TransientError("no", service="mirror", status=503)
            return "there"

        self.assertEqual("there", retry_answered(FakeClock(World()), once))
