"""`up`: the stages that turn a machine into a running cloud."""

from __future__ import annotations

import hashlib
from pathlib import Path

from devcloud import (
    database,
    kvm,
    media,
    network,
    packages,
    render,
    services,
    settings,
    storage,
    switches,
)
from devcloud.daemon import Service, ensure, is_current, stop
from devcloud.media import outcome
from devcloud.process import run
from devcloud.stage import Screen, Stage, run_all


class Up:
    """One run of `up`; what it had to start decides what must be checked again."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.restarted: set[str] = set()

    def ensure(self, *wanted: Service) -> None:
        ensure(wanted, self.restarted)

    def setup(self, verb: str) -> None:
        """Run a verb of cloud_setup, which needs the virtual environment."""
        run(
            *(settings.VENV / "bin/python", "-m", "devcloud.cloud_setup", verb),
            env={
                "PYTHONPATH": str(settings.LIB),
                "OS_CLIENT_CONFIG_FILE": str(settings.CLOUDS),
                "DEVCLOUD_HOME": str(settings.HOME),
            },
            log=settings.LOG / "setup.log",
        )

    def once(self, name: str, verb: str, of: str = "") -> None:
        """Run a verb again only after this package, the versions, or `of` changed."""
        digest = hashlib.sha256(settings.LOCK_FILE.read_bytes() + of.encode())
        for source in ("cloud_setup.py", "settings.py"):
            digest.update(Path(__file__).with_name(source).read_bytes())
        stamp = database.STAMPS / name
        if stamp.exists() and stamp.read_text() == digest.hexdigest():
            return
        self.setup(verb)
        stamp.write_text(digest.hexdigest())

    def database(self) -> None:
        database.initialise()
        self.ensure(services.MARIADB)
        database.create()

    def switch(self) -> None:
        network.guard()
        network.database()
        if not (is_current(services.OVSDB) and is_current(services.VSWITCHD)):
            # A new switch makes new devices: those in the name spaces lead nowhere from now on.
            stop(services.AGENTS)
            network.clear()
        self.ensure(services.OVSDB)
        if services.OVSDB.name in self.restarted:
            network.options()
        self.ensure(services.VSWITCHD)
        network.bridges()

    def configuration(self) -> None:
        render.configuration()
        switches.note()

    def apis(self) -> None:
        self.ensure(*services.APIS, *services.CONTROL)

    def agents(self) -> None:
        if services.CONTROL[0].name in self.restarted:
            self.setup("queue")
        self.ensure(*services.AGENTS)

    def compute(self) -> None:
        self.ensure(services.LIBVIRTD)
        self.ensure(services.COMPUTE)

    def flat_metadata(self) -> None:
        render.configuration()
        self.ensure(services.METADATA_PROXY)

    def ready(self) -> None:
        waited_for = {s.name for s in services.OPENSTACK}
        if not waited_for.isdisjoint(self.restarted):
            self.setup("agents")

    def users(self) -> None:
        self.once("users", "catalogue", " ".join(render.users()))

    def added(self) -> None:
        """Have the services that switches add, and no others of these."""
        stop([services.ADDED[s.name] for s in switches.off() if s.catalogue])
        self.ensure(*(services.ADDED[s.name] for s in switches.added()))

    def media_check(self) -> None:
        """Say early what will be missing; that keeps nothing down."""
        media.check(settings.HOME, self.screen.say)

    def media(self) -> None:
        """Build what the installer media server offers.

        A part that cannot be made is told, again at the end; what is up is up.
        """
        media.build(settings.HOME, self.screen.say)

    def media_server(self) -> None:
        if (settings.LIB / "devcloud/media/server.py").exists():
            self.ensure(services.MEDIA)

    def stages(self) -> list[Stage]:
        return [
            *self._machine(),
            *self._control(),
            *self._switched(),
            *self._guests(),
        ]

    def _machine(self) -> list[Stage]:
        """What the services stand on."""
        return [
            Stage("packages", packages.install),
            Stage("virtual environment", packages.environment, ("packages",)),
            Stage("KVM probe", kvm.probe, ("packages",)),
            Stage("storage", storage.mount, ("packages",)),
            Stage("switch", self.switch, ("storage",)),
            Stage("database", self.database, ("storage",)),
            Stage(
                "configuration",
                self.configuration,
                ("virtual environment", "KVM probe", "storage"),
            ),
            Stage("queue", lambda: self.ensure(*services.QUEUE), ("configuration",)),
        ]

    def _control(self) -> list[Stage]:
        """The services themselves."""
        schemas = ("configuration", "database")
        return [
            Stage("identity schema", database.identity, schemas),
            Stage("network schemas", database.network, schemas),
            Stage("compute schemas", database.compute, schemas),
            Stage(
                "keystone",
                lambda: self.ensure(services.KEYSTONE),
                ("identity schema", "queue"),
            ),
            Stage("users", self.users, ("keystone",)),
            Stage(
                "services", self.apis, ("users", "network schemas", "compute schemas")
            ),
            Stage("network agents", self.agents, ("services", "switch")),
            Stage("hypervisor", self.compute, ("services", "switch")),
            Stage("all agents", self.ready, ("network agents", "hypervisor")),
            Stage("second schema", database.second_region, ("services",)),
            # Last: while it loads it would keep the agents from the processor.
            Stage(
                "second region",
                lambda: self.ensure(*services.SECOND_REGION),
                ("second schema", "all agents"),
            ),
        ]

    def _switched(self) -> list[Stage]:
        """What switches add; without them there is nothing to do."""
        schemas = ("added packages", "configuration", "database")
        return [
            Stage("added packages", packages.more, ("virtual environment",)),
            Stage("added schemas", database.more, schemas),
            Stage("added services", self.added, ("added schemas", "users")),
        ]

    def _guests(self) -> list[Stage]:
        """What guests find."""
        proxy = services.PACKAGE_PROXY
        return [
            Stage(
                "resources", lambda: self.once("resources", "resources"), ("services",)
            ),
            Stage("metadata", self.flat_metadata, ("resources", "switch")),
            Stage(
                "package proxy", lambda: self.ensure(proxy), ("configuration", "switch")
            ),
            Stage("media check", self.media_check),
            Stage("installer media", self.media, ("storage", "media check")),
            Stage("media server", self.media_server, ("switch",)),
        ]


def up() -> None:
    """Bring up what is missing, and return when a server could be created."""
    screen = Screen()
    render.directories()
    render.copies()
    run_all(Up(screen).stages(), screen)
    screen.total("the cloud is up")
    for part in outcome.NAMES:
        word, rest = outcome.line(part)
        if word != "made":
            screen.say(f"but its installer media: {part} {word}, {rest}")
