"""What `resume --all` costs where many builds are under way.

    python -m bench.fleet [builds]

On the fake cloud of the tests, which counts calls as a real one would get
them: the number does not depend on how fast a cloud is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from unittest import mock

import requests

from osc_imagebuild import fleet, lease, media
from osc_imagebuild.builder import Builder
from osc_imagebuild.catalog import Catalog
from osc_imagebuild.model import Request
from osc_imagebuild.record import Record
from osc_imagebuild.tests.e2e.base import CATALOG
from osc_imagebuild.tests.fakes.cloud import FakeCloud
from osc_imagebuild.tests.fakes.wire import Adapter

GOAL = 0.1
MINUTES = 60


def main() -> int:
    """Print the figure; 0 where the goal was met."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    cloud = FakeCloud()
    cloud.nova.limits = dict.fromkeys(cloud.nova.limits, -1)
    # Installers at work all the time: the usual state of a large fleet.
    cloud.nova.plan.install_s = 24 * 3600.0
    with mock.patch.multiple(
        requests.Session, get_adapter=lambda *_, **__: Adapter(cloud.serve)
    ), mock.patch.multiple(
        media, missing_parts=lambda: [], stub_disk=lambda script: script.encode()
    ), mock.patch.object(lease, "_life", lambda: ""):
        builder = _builder(cloud, "starter")
        for number in range(count):
            builder.create(Request(name=f"image-{number}", os="mini"), wait=False)
        calls, ticks = watch(cloud, count)
    each = calls / ticks / count
    met = "" if each <= GOAL else "  MISSED"
    print(f"{count} builds, {ticks} ticks in {MINUTES} min, {calls} calls")
    print(f"API calls a build and tick {each:.3f}, goal {GOAL}{met}")
    return each > GOAL
