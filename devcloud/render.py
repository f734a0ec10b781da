"""Configuration files from the templates in etc/, and the copies that daemons run from."""

from __future__ import annotations

import shutil
import string
from pathlib import Path

from devcloud import apt_sources, kvm, settings
from devcloud.process import run

PACKAGE = Path(__file__).parent
PUBLIC_NETWORK = settings.STATE / "public-network"  # its ID, once there is one
SERVICES = ("glance", "placement", "nova", "neutron", "cinder")
SERVICE_TYPES = {
    "glance": "image",
    "nova": "compute",
    "neutron": "network",
    "cinder": "block-storage",
}
DATABASES = (
    "keystone",
    "glance",
    "glance_two",
    "placement",
    "nova_api",
    "nova",
    "nova_cell0",
    "neutron",
    "cinder",
)


def database_url(name: str) -> str:
    """Where a service finds its database."""
    return (
        f"mysql+pymysql://os:{settings.DATABASE_PASSWORD}@127.0.0.1/{name}?charset=utf8"
    )


def _auth(user: str) -> str:
    return "\n".join(
        (
            "auth_url = http://127.0.0.1:5000/v3",
            "auth_type = password",
            "project_domain_name = Default",
            "user_domain_name = Default",
            "project_name = service",
            f"username = {user}",
            f"password = {settings.SERVICE_PASSWORD}",
            "region_name = RegionOne",
        )
    )


def _token(user: str) -> str:
    return "\n".join(
        (
            "[keystone_authtoken]",
            "www_authenticate_uri = http://127.0.0.1:5000/v3",
            "memcached_servers = 127.0.0.1:11211",
            "service_token_roles = service",
            "service_token_roles_required = true",
            # Without it, no application credential with access rules is let in.
            f"service_type = {SERVICE_TYPES.get(user, user)}",
            _auth(user),
        )
    )


def _database(name: str) -> str:
    return f"connection = {database_url(name)}\nmax_pool_size = 5\nmax_overflow = 20"


def _values() -> dict[str, str]:
    mirror, security = apt_sources.mirrors()
    values = {
        "home": str(settings.HOME),
        "venv": str(settings.VENV),
        "etc": str(settings.ETC),
        "run": str(settings.RUN),
        "state": str(settings.STATE),
        "shim": str(settings.SHIM),
        "gateway": settings.GATEWAY,
        "proxy_port": str(settings.PROXY_PORT),
        "metadata_proxy_port": str(settings.METADATA_PROXY_PORT),
        "mirror": mirror,
        "security_mirror": security,
        "transport": f"rabbit://os:{settings.QUEUE_PASSWORD}@127.0.0.1:5672/",
        "queue_password": settings.QUEUE_PASSWORD,
        "metadata_secret": settings.METADATA_SECRET,
        "admin_password": settings.ADMIN_PASSWORD,
        "demo_password": settings.DEMO_PASSWORD,
        "other_password": settings.OTHER_PASSWORD,
        "token_seconds": str(settings.TOKEN_SECONDS),
        "virt": kvm.nova_options(),
        "public_network": PUBLIC_NETWORK.read_text()
        if PUBLIC_NETWORK.exists()
        else "unknown",
    }
    for service in SERVICES:
        values[f"auth_{service}"] = _auth(service)
        values[f"token_{service}"] = _token(service)
    for name in DATABASES:
        values[f"db_{name}"] = _database(name)
    return values


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def configuration() -> None:
    """Fill in every template; a file that would not change is left alone."""
    values = _values()
    source = PACKAGE / "etc"
    for template in sorted(path for path in source.rglob("*") if path.is_file()):
        text = string.Template(template.read_text()).substitute(values)
        name = template.relative_to(source)
        _write(
            settings.CLOUDS if name.name == "clouds.yaml" else settings.ETC / name, text
        )


def directories() -> None:
    """Make the directories that daemons expect to find."""
    for name in (
        "glance/images",
        "glance/images-2",
        "glance/staging",
        "glance/tasks",
        "glance-two/images",
        "glance-two/staging",
        "glance-two/tasks",
        "nova/instances",
        "neutron",
        "cinder/conversion",
        "keystone",
        "locks",
        "rabbit",
        "acng/cache",
        "acng/log",
        "ovs",
        "nfs-share",
        "libvirt/lib",
        "libvirt/cache",
        "libvirt/log",
    ):
        (settings.STATE / name).mkdir(parents=True, exist_ok=True)
    for name in ("openvswitch", "libvirt", "tmp"):
        (settings.RUN / name).mkdir(parents=True, exist_ok=True)
    for path in (settings.LOG, settings.ETC / "libvirt"):
        path.mkdir(parents=True, exist_ok=True)


def copies() -> None:
    """Copy this package and the shims into the state directory.

    Daemons load them from there, so that the cloud survives its checkout.
    """
    target = settings.LIB / "devcloud"
    names = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*") if path.is_file()}
    names = {name for name in names if name.suffix != ".pyc"}
    for name in sorted(names):
        _copy(PACKAGE / name, target / name)
        if name.parts[0] == "shim":
            _copy(PACKAGE / name, settings.SHIM / name.name)
    for path in list(target.rglob("*")):
        if (
            path.is_file()
            and path.suffix != ".pyc"
            and path.relative_to(target) not in names
        ):
            path.unlink()


def _copy(source: Path, target: Path) -> None:
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def keystone_keys() -> None:
    """Make the keys that tokens and credentials are made with."""
    for verb, name in (
        ("fernet_setup", "fernet-keys"),
        ("credential_setup", "credential-keys"),
    ):
        if not (settings.STATE / "keystone" / name / "0").exists():
            run(
                settings.VENV / "bin/keystone-manage",
                "--config-file",
                settings.ETC / "keystone/keystone.conf",
                verb,
                "--keystone-user=root",
                "--keystone-group=root",
                log=settings.LOG / "schema.log",
            )
