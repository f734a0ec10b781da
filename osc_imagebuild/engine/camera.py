"""Take pictures of the screens of a build's servers while it waits anyway.

No build fails by one that cannot be had, and none waits for one: it is taken in time that
would be slept, and what does not answer is let alone.
"""

from __future__ import annotations

import contextlib

from osc_imagebuild.cloud import picture_files, remote_console, rfb
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import ImageBuildError
from osc_imagebuild.model.manifest import PhaseScreen
from osc_imagebuild.model.readings import Picture
from osc_imagebuild.model.resources import Server
from osc_imagebuild.monitors.album import Album
from osc_imagebuild.monitors.console.scan import Scan
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.text import read_console

# A console that is well answers in a tenth of that.
LIMIT_S = 5.0
# With less, there is no picture.
LEAST_S = 1.0


def take(
    api: Api,
    album: Album,
    role: str,
    server: Server,
    seen: tuple[Signs, str],
    spare_s: float,
    *,
    ends: bool = False,
) -> None:
    """Put a picture of a server into the album, if one is due and time is left.

    ``seen`` are the signs of its console, and what that says; ``ends`` is whether its
    phase is over.
    """
    if server.status != "ACTIVE" or server.is_off or spare_s < LEAST_S:
        return
    if not rfb.is_installed():
        return
    phase, now = _phase(*seen), api.now()
    if not album.is_due(server.id, phase, now, ends=ends):
        return
    try:
        limit_s = min(LIMIT_S, spare_s)
        picture = remote_console.picture_within(api, server.id, limit_s)
        album.add(
            server.id, PhaseScreen(role, phase, now, picture_files.small(picture))
        )
    except remote_console.NoScreenError:
        album.is_closed = True
    except (ImageBuildError, OSError, ValueError):
        album.in_vain(server.id, phase, now)


def keep(
    album: Album,
    role: str,
    server: Server,
    seen: tuple[Signs, str],
    taken: tuple[Picture, float],
) -> None:
    """Put a picture into the album that a monitor has asked for, and its time."""
    picture, now = taken
    with contextlib.suppress(ImageBuildError, OSError, ValueError):
        small = picture_files.small(picture)
        album.add(server.id, PhaseScreen(role, _phase(*seen), now, small))


def _phase(signs: Signs, text: str) -> str:
    """How far a console says that its guest is, in the words of the catalogue."""
    step = Scan(signs, read_console(text)).step
    return step[0] if step else ""
