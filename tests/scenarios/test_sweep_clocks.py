"""Steps of the wall clock and suspends, in every sleep of a build."""

from __future__ import annotations

from osc_imagebuild import outputs
from tests.scenarios.test_clocks import ClockTestCase


class EverySleepTest(ClockTestCase):
    """Each trouble in each sleep, for each output."""

    def test_every_sleep(self) -> None:
        """They all complete."""
        for kind in outputs.names():
            self.sweep({"output": kind}, 1)
