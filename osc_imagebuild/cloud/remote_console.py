"""Look at a server's screen and press its keys, as far as the user may."""

from __future__ import annotations

from collections.abc import Callable

from osc_imagebuild.cloud import rfb, servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, ScreenError
from osc_imagebuild.model.readings import Picture

# More often than the five seconds that a boot loader waits.
PRESS_EVERY_S = 1.5


class NoScreenError(ScreenError):
    """There is no VNC console, and there will be none."""


def picture(api: Api, server_id: str) -> Picture:
    """Return what is on the server's screen.

    :raises: NoScreenError where there is no VNC console, ScreenError where it does not
        answer, CloudError
    """
    return rfb.capture(_url(api, server_id), verify=_trusted(api))


def picture_within(api: Api, server_id: str, limit_s: float) -> Picture:
    """Return what is on the server's screen, if it is to be had that soon.

    :raises: as `picture`
    """
    url = _url(api, server_id)
    return rfb.capture(url, verify=_trusted(api), limit_s=limit_s)


def _url(api: Api, server_id: str) -> str:
    url = servers.screen_url(api, server_id)
    if url is None:
        raise NoScreenError(
            "this cloud offers no VNC console for the server, or not to you"
        )
    return url


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
