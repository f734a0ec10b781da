"""The fake cloud's half of the contract needs no cloud: it is tried here too."""

from __future__ import annotations

from tests.contract.test_images import FakeImagesTest
from tests.contract.test_servers import FakeServersTest

__all__ = ["FakeImagesTest", "FakeServersTest"]
