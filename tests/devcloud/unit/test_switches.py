"""What switches change of the devcloud, and that it is the default one without them."""

from __future__ import annotations

import contextlib
import importlib
import io
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import testtools

from devcloud import (
    apt_sources,
    cloud_setup,
    database,
    ground,
    kvm,
    packages,
    render,
    services,
    settings,
    status,
    switches,
    up,
)
from devcloud.errors import DevcloudError

# Who has to be started anew for a switch, and nobody else.
READERS = {
    "barbican": {"barbican-api", "glance-api"},
    "signed-only": {"nova-compute"},
}


class SwitchTest(testtools.TestCase):
    """A state directory with nothing in it, and no switch on."""

    def setUp(self) -> None:
        """Write nothing elsewhere."""
        super().setUp()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = Path(scratch.name)
        for name in ("ETC", "STATE", "VENV", "LOG"):
            self.patch(settings, name, self.home / name.lower())
            (self.home / name.lower()).mkdir()
        self.patch(settings, "CLOUDS", self.home / "clouds.yaml")
        self.patch(switches, "CHOSEN", self.home / "state/switches")
        self.patch(apt_sources, "mirrors", lambda: ("http://m", "http://s"))
        self.patch(kvm, "nova_options", lambda: "virt_type = qemu")
        self.switch("")

    def patch(self, place: object, name: str, value: object) -> None:
        """Have another value there during this test."""
        patch = mock.patch.object(place, name, value)
        patch.start()
        self.addCleanup(patch.stop)

    def switch(self, wanted: str) -> None:
        """Have these on."""
        self.patch(settings, "WITH", wanted)

    def names(self, wanted: str) -> list[str]:
        """Which are on where these are asked for."""
        self.switch(wanted)
        return [switch.name for switch in switches.on()]

    def rendered(self, wanted: str = "") -> dict[str, str]:
        """All configuration files that there are then."""
        self.switch(wanted)
        render.configuration()
        etc = settings.ETC
        paths = (path for path in etc.rglob("*") if path.is_file())
        return {str(path.relative_to(etc)): path.read_text() for path in paths}


class ChosenTest(SwitchTest):
    """By name, from the environment."""

    def test_names(self) -> None:
        for wanted, found in (
            ("", []),
            (",", []),
            ("barbican", ["barbican"]),
            ("signed-only", ["barbican", "signed-only"]),
            (" signed-only barbican,barbican", ["barbican", "signed-only"]),
        ):
            self.assertEqual(found, self.names(wanted), wanted)

    def test_unknown(self) -> None:
        """Which there are is said, before anything is done."""
        self.switch("barbican,Ceph")
        error = self.assertRaises(DevcloudError, switches.on)
        self.assertIn("no switch Ceph; there are:\n  barbican ", str(error))

    def test_from_the_environment(self) -> None:
        with mock.patch.dict("os.environ", {"DEVCLOUD_WITH": "barbican"}):
            self.addCleanup(importlib.reload, settings)
            self.assertEqual("barbican", importlib.reload(settings).WITH)

    def test_noted(self) -> None:
        """What the last one was given can be given again."""
        self.assertEqual("", switches.noted())
        self.switch("signed-only")
        switches.note()
        self.assertEqual("barbican,signed-only", switches.noted())
        self.switch("")
        switches.note()
        self.assertEqual("", switches.noted())


class FilesTest(SwitchTest):
    """Templates of with/ are added to those of etc/."""

    def test_default(self) -> None:
        """Without a switch there is what etc/ has, and nothing else."""
        templates = render.PACKAGE / "etc"
        wanted = {
            str(path.relative_to(templates))
            for path in templates.rglob("*")
            if path.is_file()
        }
        self.assertEqual(wanted - {"clouds.yaml"}, set(self.rendered()))

    def test_who_is_restarted(self) -> None:
        """Each switch changes files of just these services."""
        plain = self.rendered()
        known = (*services.ALL, *services.ADDED.values())
        for switch in switches.SWITCHES:
            before = self.rendered(",".join(switch.needs))
            after = self.rendered(switch.name)
            changed = {n for n, text in after.items() if before.get(n) != text}
            paths = {services.E / name for name in changed}
            readers = {s.name for s in known if paths & set(s.reads)}
            self.assertEqual(READERS[switch.name], readers)
            # What was there before comes first, so that the switch has the last word.
            for name in changed & set(before):
                self.assertTrue(after[name].startswith(before[name]), name)
        self.assertEqual(plain, self.rendered())

    def test_values(self) -> None:
        """The password and the place of the database are filled in."""
        text = self.rendered("barbican")["barbican/barbican.conf"]
        self.assertIn("username = barbican\n", text)
        self.assertIn("@127.0.0.1/barbican?", text)
        self.assertNotIn("$", text)


class AddedTest(SwitchTest):
    """A service that a switch adds has all that it needs."""

    def test_all_there(self) -> None:
        """The tables agree; its packages are none of the cloud's own."""
        adding = {switch.name for switch in switches.SWITCHES if switch.catalogue}
        self.assertEqual(adding, set(services.ADDED))
        self.assertEqual(adding, set(database.ADDED))
        own = {line.partition("==")[0] for line in _lines(settings.LOCK_FILE)}
        for switch in switches.SWITCHES:
            self.assertTrue(any(switch.files.rglob("*.conf")), switch.name)
            if switch.catalogue:
                self.assertIn(switch.name, settings.PORTS)
                names = {n.partition("==")[0] for n in _lines(switch.lock_file)}
                self.assertEqual((True, set()), (bool(names), names & own))

    def test_default_knows_nothing_of_it(self) -> None:
        for found in (render.users(), render.databases(), switches.added()):
            self.assertNotIn("barbican", found)
        self.switch("barbican")
        self.assertIn("barbican", render.users())
        self.assertIn("barbican", render.databases())

    def test_packages_once(self) -> None:
        """They are added when they are asked for, and again when they change."""
        pip = mock.Mock()
        self.patch(packages, "_install", pip)
        lock = self.home / "barbican.lock.txt"
        self.patch(settings, "LOCK_FILE", self.home / "lock.txt")
        packages.more()
        self.switch("barbican")
        error = self.assertRaises(DevcloudError, packages.more)
        self.assertIn(f"{lock} is missing", str(error))
        for text, times in (("a==1", 1), ("a==1", 1), ("a==2", 2)):
            lock.write_text(text)
            packages.more()
            self.assertEqual([mock.call(lock)] * times, pip.mock_calls)

    def test_port_of_what_is_off(self) -> None:
        """Somebody else may have it, as long as it is not needed."""
        port = settings.PORTS["barbican"]
        self.patch(ground, "_listeners", lambda: {port: "7"})
        self.patch(ground, "_holder", lambda inode: (99999999, "another"))
        self.assertEqual([], ground._ports())
        self.switch("barbican")
        [line] = ground._ports()
        self.assertIn(f"port {port} is taken by another", line)

    def test_status(self) -> None:
        """It is listed while it was started and not stopped; switches are told."""
        self.patch(status, "_word", lambda service: "up")
        self.patch(settings, "RUN", self.home)
        self.patch(settings, "MEDIA", self.home)
        self.assertNotIn("barbican", self.told())
        (self.home / "barbican-api.json").write_text("{}")
        self.switch("barbican")
        switches.note()
        told = self.told()
        self.assertIn("\nbarbican-api ", told)
        self.assertIn("\nwith barbican\n", told)

    def told(self) -> str:
        """What `status` prints."""
        with contextlib.redirect_stdout(io.StringIO()) as output:
            status.status()
        return output.getvalue()

    def test_stages(self) -> None:
        """Each one that another waits for is there, and what is off is stopped."""
        run = up.Up(mock.Mock())
        stages = run.stages()
        known = {stage.name for stage in stages}
        for stage in stages:
            self.assertEqual(set(), set(stage.after) - known, stage.name)
        service = services.ADDED["barbican"]
        for wanted, stopped, ensured in (
            ("", [service], ()),
            ("signed-only", [], (service,)),
        ):
            self.switch(wanted)
            with (
                mock.patch.object(up, "stop") as stop,
                mock.patch.object(run, "ensure") as ensure,
            ):
                run.added()
            stop.assert_called_once_with(stopped)
            ensure.assert_called_once_with(*ensured)


class CatalogueTest(SwitchTest):
    """Keystone's catalogue has what is on."""

    def test_endpoint(self) -> None:
        """In the first region alone; without the switch nobody is sent there."""
        identity = mock.Mock()
        identity.regions.return_value = []
        identity.endpoints.return_value = []
        identity.services.return_value = [
            SimpleNamespace(type=kind, id=kind)
            for kind in ("identity", "image", "key-manager")
        ]
        self.switch("barbican")
        self.assertEqual([("RegionOne", 9311)] * 2, self.endpoints(identity))
        identity.delete_service.assert_not_called()
        self.switch("")
        self.assertEqual([], self.endpoints(identity))
        [call] = identity.delete_service.mock_calls
        self.assertEqual("key-manager", call.args[0].type)

    def endpoints(self, identity: Any) -> list[tuple[str, int]]:
        """Where a key manager is then made known."""
        identity.create_endpoint.reset_mock()
        cloud_setup._endpoints(identity)
        return [
            (made.kwargs["region_id"], int(made.kwargs["url"].rpartition(":")[2]))
            for made in identity.create_endpoint.mock_calls
            if made.kwargs["service_id"] == "key-manager"
        ]


def _lines(path: Path) -> list[str]:
    return path.read_text().split()
