"""What `resume --all` costs where many builds are under way.

    python -m bench.fleet [builds]

On the fake cloud of the tests, which counts calls as a real one would get
them: the number does not depend on how fast a cloud is.
"""

from __future__ import annotations

import sys
from unittest import mock

import requests

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds import fleet, lease
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.media import content
from osc_imagebuild.model.request import Request
from tests.e2e.base import CATALOG
from tests.fakes.cloud import FakeCloud
from tests.fakes.wire import Adapter

GOAL = 0.1
MINUTES = 180


def main() -> int:
    """Print the figure; 0 where the goal was met."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    cloud = FakeCloud()
    cloud.nova.limits = dict.fromkeys(cloud.nova.limits, -1)
    # Installers at work all the time: the usual state of a large fleet. They say
    # nothing, so that all monitors are asked.
    cloud.nova.plan.install_s = 24 * 3600.0
    with (
        mock.patch.multiple(
            requests.Session, get_adapter=lambda *_, **__: Adapter(cloud.serve)
        ),
        mock.patch.multiple(
            content,
            missing_parts=lambda *_: [],
            stub_disk=lambda script: script.encode(),
        ),
        mock.patch.object(lease, "_life", lambda: ""),
    ):
        builder = _builder(cloud, "starter")
        for number in range(count):
            request = Request(
                name=f"image-{number}", os="mini", timeout_min=1440, stall_min=1440
            )
            builder.create(request, wait=False)
        calls, ticks = watch(cloud, count)
    each = calls / ticks / count
    met = "" if each <= GOAL else "  MISSED"
    print(f"{count} builds, {ticks} ticks in {MINUTES} min, {calls} calls")
    print(f"API calls a build and tick {each:.3f}, goal {GOAL}{met}")
    return each > GOAL


def watch(cloud: FakeCloud, count: int) -> tuple[int, int]:
    """Tick for three hours as another client; return calls and ticks."""
    builder = _builder(cloud, "cron")
    cloud.world.advance(lease.LIFE_S + 1)
    driven = builder.fleet()
    before, ticks = builder.api.calls.total(), int(MINUTES * 60 / fleet.TICK_S)
    for _ in range(ticks):
        driven.tick()
        builder.api.clock.sleep(fleet.TICK_S)
    waiting = len(driven.outcome.waiting)
    if waiting != count:
        raise SystemExit(f"{waiting} of {count} builds are under way: no figure")
    return builder.api.calls.total() - before, ticks


def _builder(cloud: FakeCloud, client: str) -> Builder:
    return Builder(
        cloud.connect(client), catalog=Catalog([CATALOG]), clock=cloud.clock()
    )


if __name__ == "__main__":
    sys.exit(main())
