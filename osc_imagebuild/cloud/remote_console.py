"""Look at a server's screen and press its keys, as far as the user may."""

from __future__ import annotations

from collections.abc import Callable

from osc_imagebuild.cloud import rfb, servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, ScreenError
from osc_imagebuild.model.readings import Picture

# More often than the five seconds that a boot loader waits.
PRESS_EVERY_S = 1.5


def picture(api: Api, server_id: str) -> Picture:
    """Return what is on the server's screen.

    :raises: ScreenError where there is no VNC console or it does not answer,
        CloudError
    """
    url = servers.screen_url(api, server_id)
    if url is None:
        raise ScreenError(
            "this cloud offers no VNC console for the server, or not to you"
        )
    return rfb.capture(url, verify=_trusted(api))


def press(api: Api, server_id: str, until: float, heartbeat: Callable[[], None]) -> str:
    """Press the space bar until then; return why it could not be, '' if it was.

    ``heartbeat`` is called now and then, and may stop it.
    """
    if not rfb.is_installed():
        return f"websocket-client is missing: pip install '{rfb.EXTRA}'"
    pressed, trouble = False, "there was no time for it"

    def more() -> bool:
        nonlocal pressed
        pressed = True
        return pause()

    def pause() -> bool:
        heartbeat()
        api.clock.sleep(PRESS_EVERY_S)
        return api.now() < until

    verify = _trusted(api)
    while True:
        try:
            url = servers.screen_url(api, server_id)
            if url is None:
                return "this cloud offers no VNC console for the server, or not to you"
            rfb.press(url, rfb.SPACE, more, verify=verify)
        except (CloudError, ScreenError) as error:
            trouble = str(error)
        if not pause():
            return "" if pressed else trouble


def _trusted(api: Api) -> bool | str:
    """By which CAs the client's session trusts servers; True is the machine's own."""
    verify = api.connection.session.verify
    return True if verify is None else verify
