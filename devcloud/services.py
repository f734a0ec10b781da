"""Every daemon of the cloud, in groups that start in this order."""

from __future__ import annotations

from pathlib import Path

from devcloud import database, packages, settings
from devcloud.daemon import Service

E, S, R, V = settings.ETC, settings.STATE, settings.RUN, settings.VENV
OVS = R / "openvswitch"
RABBIT = {
    "HOME": str(S / "rabbit"),
    "RABBITMQ_NODENAME": "devcloud@localhost",
    "RABBITMQ_MNESIA_BASE": str(S / "rabbit/mnesia"),
    "RABBITMQ_LOG_BASE": str(S / "rabbit/log"),
    "RABBITMQ_CONFIG_FILE": str(E / "rabbitmq"),
    "RABBITMQ_ENABLED_PLUGINS_FILE": str(S / "rabbit/enabled_plugins"),
    "RABBITMQ_DIST_PORT": str(settings.PORTS["erlang"]),
    "ERL_EPMD_ADDRESS": settings.LOCAL,
    # No busy waiting: it costs a quarter of a core on an idle machine.
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"
    " +sbwt none +sbwtdcpu none +sbwtdio none",
    "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
}
NEUTRON = (E / "neutron/neutron.conf", E / "neutron/plugins/ml2/ml2_conf.ini")
NOVA = (E / "nova/nova.conf", E / "nova/nova-db.conf")
CINDER = (E / "cinder/cinder.conf",)
AGENT = settings.LIB / "devcloud/agent"  # what daemons load of ours
# A replaced switch takes the devices in Neutron's name spaces along; restarted agents remake them.
SWITCH = ("ovsdb-server", "ovs-vswitchd")


def _at(port: str) -> tuple[str, int]:
    return (settings.LOCAL, settings.PORTS[port])


def _api(
    name: str,
    port: str,
    processes: int,
    module: str,
    *reads: Path,
    env: dict[str, str] | None = None,
    extra: tuple[str, ...] = (),
) -> Service:
    """A WSGI application below uWSGI; where it is in no module, `extra` names it."""
    argv = [str(V / "bin/uwsgi"), "--ini", str(E / "uwsgi.ini")]
    argv += [
        "--http-socket",
        f"{settings.LOCAL}:{settings.PORTS[port]}",
        *(("--module", module) if module else ()),
    ]
    argv += ["--processes", str(processes), "--procname-prefix", f"{name} "]
    return Service(
        name,
        (*argv, *extra),
        env or {},
        _at(port),
        reads=(packages.VENV_STAMP, E / "uwsgi.ini", *reads),
    )


def _files(config: tuple[Path, ...]) -> tuple[str, ...]:
    return tuple(word for path in config for word in ("--config-file", str(path)))


def _daemon(
    name: str,
    config: tuple[Path, ...],
    *extra: str,
    address: tuple[str, int] | None = None,
    after: tuple[str, ...] = (),
    stop_seconds: int = 10,
) -> Service:
    """A program of the virtual environment that takes --config-file."""
    return Service(
        name,
        (str(V / "bin" / name), *_files(config), *extra),
        address=address,
        reads=(packages.VENV_STAMP, *config),
        after=after,
        stop_seconds=stop_seconds,
    )


def _glance(name: str, *more: str) -> Service:
    """One region's Glance; its configuration has its name."""
    files = ("glance-api.conf", "glance-image-import.conf", *more)
    return _api(
        name.replace("glance", "glance-api"),
        name,
        2,
        "glance.wsgi.api:application",
        *(E / name / file for file in files),
        env={"OS_GLANCE_CONFIG_DIR": str(E / name)},
    )


MARIADB = Service(
    "mariadb",
    (
        *("mariadbd", "--no-defaults", "--user=root", f"--datadir={database.DATA}"),
        *(f"--socket={database.SOCKET}", f"--pid-file={R}/mariadb.pid"),
        *("--bind-address=127.0.0.1", "--port=3306", "--max-connections=1000"),
        *("--innodb-buffer-pool-size=256M", "--innodb-flush-log-at-trx-commit=0"),
        *("--innodb-doublewrite=0", "--skip-name-resolve", "--performance-schema=0"),
        *("--character-set-server=utf8mb3", "--collation-server=utf8mb3_general_ci"),
    ),
    address=_at("mariadb"),
    stop_seconds=20,
)
QUEUE = (
    # Our own epmd: RabbitMQ would start one that outlives it.
    Service("epmd", ("epmd", "-address", settings.LOCAL), address=_at("epmd")),
    Service(
        "rabbitmq",
        ("/usr/lib/rabbitmq/bin/rabbitmq-server",),
        RABBIT,
        _at("rabbitmq"),
        reads=(E / "rabbitmq.conf",),
    ),
    Service(
        "memcached",
        ("memcached", "-u", "root", "-l", settings.LOCAL, "-p", "11211", "-m", "64"),
        address=_at("memcached"),
    ),
)
OVSDB = Service(
    "ovsdb-server",
    (
        *("ovsdb-server", str(S / "ovs/conf.db"), f"--remote=punix:{OVS}/db.sock"),
        *("--remote=ptcp:6640:127.0.0.1", f"--pidfile={OVS}/ovsdb-server.pid"),
        *(f"--unixctl={OVS}/ovsdb-server.ctl", "-vconsole:info"),
    ),
    socket=OVS / "db.sock",
)
VSWITCHD = Service(
    "ovs-vswitchd",
    (
        *("ovs-vswitchd", f"unix:{OVS}/db.sock", f"--pidfile={OVS}/ovs-vswitchd.pid"),
        *(f"--unixctl={OVS}/ovs-vswitchd.ctl", "-vconsole:info"),
    ),
    socket=OVS / "ovs-vswitchd.ctl",
    after=("ovsdb-server",),
)
KEYSTONE = _api(
    "keystone",
    "keystone",
    2,
    "keystone.wsgi.api:application",
    E / "keystone/keystone.conf",
    env={
        "OS_KEYSTONE_CONFIG_DIR": str(E / "keystone"),
        "OS_KEYSTONE_CONFIG_FILES": str(E / "keystone/keystone.conf"),
    },
)
# Three files, because nova-compute shares the first and must not see the second.
_NOVA_ENV = {
    "OS_NOVA_CONFIG_DIR": str(E / "nova"),
    "OS_NOVA_CONFIG_FILES": f"{V}/etc/nova/api-paste.ini;nova.conf;nova-db.conf",
}
APIS = (
    _glance("glance", "policy.yaml"),
    _api(
        "placement-api",
        "placement",
        1,
        "placement.wsgi.api:application",
        E / "placement/placement.conf",
        env={"OS_PLACEMENT_CONFIG_DIR": str(E / "placement")},
    ),
    _api(
        "neutron-api",
        "neutron",
        2,
        "neutron.wsgi.api:application",
        *NEUTRON,
        env={"OS_NEUTRON_CONFIG_DIR": str(E / "neutron")},
    ),
    _api(
        "nova-api",
        "nova",
        3,
        "nova.wsgi.osapi_compute:application",
        *NOVA,
        env=_NOVA_ENV,
    ),
    _api(
        "nova-metadata",
        "metadata",
        1,
        "nova.wsgi.metadata:application",
        *NOVA,
        env=_NOVA_ENV,
    ),
    # It takes no configuration directory from its environment.
    _api(
        "cinder-api",
        "cinder",
        2,
        "cinder.wsgi.api:application",
        *CINDER,
        extra=("--pyargv", f"--config-file {CINDER[0]}"),
    ),
)
SECOND_REGION = (_glance("glance-two"),)
# By the name of the switch that adds it. Barbican's own WSGI module reads a file below /etc.
ADDED = {
    "barbican": _api(
        "barbican-api",
        "barbican",
        1,
        "",
        packages.stamp("barbican"),
        E / "barbican/barbican.conf",
        env={"HOME": str(E / "barbican")},
        extra=("--paste", f"config:{V}/etc/barbican/barbican-api-paste.ini"),
    ),
}
CONTROL = (
    _daemon("neutron-rpc-server", NEUTRON),
    _daemon("nova-conductor", NOVA),
    _daemon("nova-scheduler", NOVA),
    _daemon("neutron-periodic-workers", NEUTRON),
    _daemon("cinder-scheduler", CINDER),
    Service(
        "cinder-volume",
        (str(V / "bin/python3"), "-m", "devcloud.agent.volume", *_files(CINDER)),
        reads=(packages.VENV_STAMP, *CINDER, AGENT),
    ),
    _daemon("nova-novncproxy", NOVA, "--web", "/usr/share/novnc", address=_at("novnc")),
)
AGENTS = (
    # It does not heed SIGTERM, nor does nova-compute within a useful time.
    _daemon("neutron-openvswitch-agent", NEUTRON, after=SWITCH, stop_seconds=5),
    _daemon(
        "neutron-dhcp-agent", (*NEUTRON, E / "neutron/dhcp_agent.ini"), after=SWITCH
    ),
    _daemon("neutron-l3-agent", (*NEUTRON, E / "neutron/l3_agent.ini"), after=SWITCH),
    _daemon("neutron-metadata-agent", (*NEUTRON, E / "neutron/metadata_agent.ini")),
)
PRIVATE = settings.SHIM / "libvirtd-private"
LIBVIRTD = Service(
    "libvirtd",
    ("unshare", "--mount", "--propagation", "slave", str(PRIVATE)),
    socket=R / "libvirt/libvirt-sock",
    reads=(E / "libvirt/libvirtd.conf", E / "libvirt/qemu.conf", PRIVATE),
)
CPU = (E / "nova/nova.conf", E / "nova/nova-cpu.conf")
COMPUTE = Service(
    "nova-compute",
    (str(V / "bin/python3"), "-m", "devcloud.agent.compute", *_files(CPU)),
    reads=(packages.VENV_STAMP, *CPU, AGENT),
    after=("libvirtd",),
    stop_seconds=5,
)
PACKAGE_PROXY = Service(
    "apt-cacher-ng",
    ("apt-cacher-ng", "-c", str(E / "acng")),
    address=(settings.GATEWAY, settings.PROXY_PORT),
    reads=(E / "acng/acng.conf",),
)
METADATA_PROXY = Service(
    "flat-metadata",
    ("haproxy", "-db", "-f", str(E / "neutron/haproxy.cfg")),
    address=(settings.GATEWAY, settings.METADATA_PROXY_PORT),
    reads=(E / "neutron/haproxy.cfg",),
)
MEDIA = Service(
    "media-server",
    ("/usr/bin/python3", "-m", "devcloud.media.server"),
    {"DEVCLOUD_HOME": str(settings.HOME)},
    address=(settings.GATEWAY, settings.MEDIA_PORT),
    reads=(settings.LIB / "devcloud/media",),
)

# Everything, in an order in which it could be started one by one; `down` goes backwards.
INFRASTRUCTURE = (MARIADB, *QUEUE, OVSDB, VSWITCHD, LIBVIRTD)
OPENSTACK = (KEYSTONE, *APIS, *CONTROL, *AGENTS, COMPUTE)  # of the first region
GUEST_SERVICES = (PACKAGE_PROXY, METADATA_PROXY, MEDIA)
ALL = (*INFRASTRUCTURE, *OPENSTACK, *SECOND_REGION, *GUEST_SERVICES)
