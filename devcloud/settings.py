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

CATALOG = Path(__file__).with_name("catalog")  # how the product builds here
# ... and what is to be said of the media as they were made, where they were.
MINI_CATALOG = CATALOG / "mini"  # the installer of a minute, of the tests
CATALOGS = (CATALOG, MINI_CATALOG, MEDIA / "debian" / "catalog")
LIB = (
    HOME / "lib"
)  # a copy of this package: daemons outlive the checkout that started them
SHIM = HOME / "shim"
CLOUDS = HOME / "clouds.yaml"
LOCK_FILE = Path(
    os.environ.get("DEVCLOUD_LOCK_FILE")
    or Path(__file__).with_name("requirements.lock.txt")
)

# What it is beyond its default: names of switches.py, with commas between them.
WITH = os.environ.get("DEVCLOUD_WITH") or ""

PUBLIC_CIDR = "10.99.0.0/24"
PRIVATE_CIDR = "10.98.0.0/24"
ISOLATED_CIDR = "10.97.0.0/24"
GATEWAY_MAC = "02:de:c1:0d:00:01"
METADATA_PROXY_PORT = 8780  # metadata for the flat network, which has no router

# The second has a Glance of its own, on the same Keystone, and nothing else.
REGIONS = ("RegionOne", "RegionTwo")
LOCAL = "127.0.0.1"
PORTS = {
    "keystone": 5000,
    "glance": 9292,
    "glance-two": 9293,
    "placement": 8778,
    "nova": 8774,
    "metadata": 8775,
    "neutron": 9696,
    "cinder": 8776,
    "novnc": 6080,
    "barbican": 9311,
    "mariadb": 3306,
    "rabbitmq": 5672,
    "erlang": 25672,
    "epmd": 4369,
    "memcached": 11211,
    "ovsdb": 6640,
    "openflow": 6633,
}
TOKEN_SECONDS = int(os.environ.get("DEVCLOUD_TOKEN_SECONDS") or 86400)
NFS_GIB = 40  # size of the sparse file behind the volumes

DATABASE_PASSWORD = "dbsecret"
QUEUE_PASSWORD = "rabbitsecret"
SERVICE_PASSWORD = "svcsecret"
METADATA_SECRET = "metasecret"
KEY_MANAGER_KEY = "ZGV2Y2xvdWRkZXZjbG91ZGRldmNsb3VkZGV2Y2xvdWQ="  # 32 bytes
ADMIN_PASSWORD = "adminsecret"
DEMO_PASSWORD = "demosecret"
OTHER_PASSWORD = "othersecret"
