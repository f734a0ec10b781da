"""Remove resources that a build made unnoticed, before it is called complete.

The answer to a creation may be lost, or its client die, and no list show for a while
what was made. It is looked for once the lists cannot be behind any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from osc_imagebuild.builds.teardown import teardown
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.engine.memory import LAG_S
from osc_imagebuild.errors import Verb

PAUSE_S = 20.0


def remove(
    api: Api,
    build_id: str,
    keep: Collection[str],
    unsure_at: float,
    heartbeat: Callable[[], None],
) -> None:
    """Remove all that carries the build's tag but ``keep``, `LAG_S` after ``unsure_at``.

    :raises: CloudError, and what ``heartbeat`` raises
    """
    while (rest := unsure_at + LAG_S - api.now()) > 0:
        heartbeat()
        api.clock.sleep(min(rest, PAUSE_S))
    teardown(api, build_id, keep=keep, heartbeat=heartbeat, verb=Verb.RESUME)
