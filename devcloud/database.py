"""MariaDB and the schemas of the services."""

from __future__ import annotations

import hashlib
from pathlib import Path

from devcloud import render, settings, switches
from devcloud.process import run

DATA = settings.STATE / "mysql"
SOCKET = settings.RUN / "mariadb.sock"
LOG = settings.LOG / "schema.log"
STAMPS = settings.STATE / "stamps"
# How services that switches add make their schema.
ADDED = {
    # Whatever its configuration says, it would make a SQLite file where it is run.
    # Source: barbican/cmd/barbican_manage.py (23.0.0): upgrade takes cfg.CONF, which main
    # never reads a file into.
    "barbican": f"barbican-manage db upgrade --db-url {render.database_url('barbican')}",
}


def initialise() -> None:
    """Make the server's own tables."""
    if (DATA / "made").exists():
        return
    run("rm", "-rf", DATA)
    run(
        *("mysql_install_db", "--no-defaults", "--user=root", f"--datadir={DATA}"),
        *("--auth-root-authentication-method=normal", "--skip-test-db"),
        log=settings.LOG / "mariadb-install.log",
    )
    (DATA / "made").touch()


def create() -> None:
    """Make the databases and the user that all services share."""
    wanted = render.databases()
    names, stamp = " ".join(wanted), STAMPS / "databases"
    if stamp.exists() and stamp.read_text() == names:
        return
    password = settings.DATABASE_PASSWORD
    statements = [
        f"CREATE DATABASE IF NOT EXISTS {name}; "
        f"GRANT ALL ON {name}.* TO 'os'@'127.0.0.1' IDENTIFIED BY '{password}';"
        for name in wanted
    ]
    run(
        "mariadb",
        "--no-defaults",
        "-S",
        SOCKET,
        "-u",
        "root",
        text="\n".join(statements),
    )
    _stamp("databases", names)


def _stamp(name: str, text: str) -> None:
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(text)


def _manage(
    name: str,
    config: tuple[Path, ...],
    *commands: str,
    lock_file: Path = settings.LOCK_FILE,
) -> None:
    """Run a service's own schema commands, again only after its versions changed."""
    wanted = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    stamp = STAMPS / f"schema-{name}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    files = [word for path in config for word in ("--config-file", str(path))]
    for command in commands:
        program, *rest = command.split()
        run(settings.VENV / "bin" / program, *files, *rest, log=LOG)
    _stamp(f"schema-{name}", wanted)


def _first_cell() -> None:
    """Make cell1, which cannot be made twice."""
    nova = [
        f"--config-file={settings.ETC}/nova/{name}.conf" for name in ("nova", "nova-db")
    ]
    manage = (str(settings.VENV / "bin/nova-manage"), *nova, "cell_v2")
    if "cell1" not in run(*manage, "list_cells", log=LOG):
        run(*manage, "create_cell", "--name=cell1", log=LOG)


def identity() -> None:
    """Keystone's schema, keys, and first administrator."""
    render.keystone_keys()
    url = "http://127.0.0.1:5000/v3/"
    _manage(
        "keystone",
        (settings.ETC / "keystone/keystone.conf",),
        "keystone-manage db_sync",
        f"keystone-manage bootstrap --bootstrap-password {settings.ADMIN_PASSWORD}"
        f" --bootstrap-region-id RegionOne --bootstrap-admin-url {url}"
        f" --bootstrap-internal-url {url} --bootstrap-public-url {url}",
    )


def network() -> None:
    """The schemas of Glance, Placement and Neutron."""
    etc = settings.ETC
    _image("glance")
    _manage(
        "placement", (etc / "placement/placement.conf",), "placement-manage db sync"
    )
    _manage(
        "neutron",
        (etc / "neutron/neutron.conf", etc / "neutron/plugins/ml2/ml2_conf.ini"),
        "neutron-db-manage upgrade head",
    )


def _image(name: str) -> None:
    _manage(
        name,
        (settings.ETC / name / "glance-api.conf",),
        "glance-manage db_sync",
        f"glance-manage db_load_metadefs {settings.VENV}/etc/glance/metadefs",
    )


def second_region() -> None:
    """The schema of the second region's Glance."""
    _image("glance-two")


def compute() -> None:
    """The schemas of Nova, with its two cells, and of Cinder."""
    etc = settings.ETC
    cell0 = render.database_url("nova_cell0")
    _manage(
        "nova",
        (etc / "nova/nova.conf", etc / "nova/nova-db.conf"),
        "nova-manage api_db sync",
        f"nova-manage cell_v2 map_cell0 --database_connection {cell0}",
        "nova-manage db sync",
    )
    if not (STAMPS / "cell").exists():
        _first_cell()
        _stamp("cell", "made")
    _manage("cinder", (etc / "cinder/cinder.conf",), "cinder-manage db sync")


def more() -> None:
    """The schemas of the services that switches add."""
    for switch in switches.added():
        _manage(switch.name, (), ADDED[switch.name], lock_file=switch.lock_file)
