"""A server's screen, as far as the user's rights and the network allow."""

from __future__ import annotations

from osc_imagebuild import rfb
from osc_imagebuild.cloud import servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.monitors.readings import Picture


def picture(api: Api, server_id: str) -> Picture:
    """Return what is on the server's screen.

    :raises: rfb.ScreenError where there is no VNC console or it does not answer,
        CloudError
    """
    url = servers.screen_url(api, server_id)
    if url is None:
        raise rfb.ScreenError(
            "this cloud offers no VNC console for the server, or not to you"
        )
    return rfb.capture(url, verify=bool(api.connection.session.verify))
