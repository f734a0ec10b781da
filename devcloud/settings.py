"""Where things are: one place for paths, addresses, ports and credentials.

The credentials protect nothing: every service listens on this machine's own
addresses and the cloud is thrown away after use.
"""

from __future__ import annotations

import os
from pathlib import Path


def _home() -> Path:
    """The one state directory, shared by every checkout of this user."""
    chosen = os.environ.get("DEVCLOUD_HOME")
    if chosen:
        return Path(chosen).resolve()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "osc-imagebuild" / "devcloud"


HOME = _home()
VENV = HOME / "venv"
ETC = HOME / "etc"
LOG = HOME / "log"
RUN = HOME / "run"
STATE = HOME / "state"
MEDIA = HOME / "media"  # what the installer media server offers

GATEWAY = "10.99.0.1"  # this machine, as guests see it
MEDIA_PORT = 8099
PROXY_PORT = 3142  # apt-cacher-ng
MEDIA_URL = f"http://{GATEWAY}:{MEDIA_PORT}"
PROXY_URL = f"http://{GATEWAY}:{PROXY_PORT}"
