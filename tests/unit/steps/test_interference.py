"""What somebody did to a server of the build, and what follows from it."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild.model.actions import Fail, Wait
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.resources import ServerAction
from osc_imagebuild.steps import interference
from tests.unit.samples import NOW, facts, marks, server

INSTALL, VERIFY = "s-install", "s-verify"
CONFIRM = f"openstack server resize confirm {INSTALL}"


def seen(status: str, role: str = "install", image: str = "", **fields: Any) -> Facts:
    """Return facts with one server, whose first image was ``i-first``."""
    started = marks("started", image_id="i-first")
    one = server(role, status, image_id=image, **fields)
    return facts(servers=(one,), marks=started)


class OutcomeTest(testtools.TestCase):
    """States of a server that others brought about."""

    def test_what_passes(self) -> None:
        """It is waited for; a step that has no time left fails, with the same words."""
        for status, reason in (
            ("REBOOT", "somebody reboots the server"),
            ("HARD_REBOOT", "somebody reboots the server"),
            ("REBUILD", "somebody rebuilds the server"),
            ("MIGRATING", "an admin migrates the server"),
            ("RESIZE", "the server is resized or migrated"),
            (
                "VERIFY_RESIZE",
                "the server was resized or migrated, which waits to be confirmed: "
                + CONFIRM,
            ),
            ("REVERT_RESIZE", "the server is resized or migrated"),
            (
                "PAUSED",
                "somebody paused the server; go on with: "
                f"openstack server unpause {INSTALL}",
            ),
            (
                "SUSPENDED",
                "somebody suspended the server; go on with: "
                f"openstack server resume {INSTALL}",
            ),
        ):
            wait = Wait(reason, interference.LOOK_S)
            fail = Fail(reason, role="install")
            found = seen(status)
            self.assertEqual(wait, interference.outcome(found, "install", False))
            self.assertEqual(fail, interference.outcome(found, "install", True))

    def test_what_does_not_pass(self) -> None:
        """There is no way back to the installer: it fails early or late."""
        for status, what in (
            ("RESCUE", "was put into rescue mode by somebody"),
            ("SHELVED", "was shelved by somebody"),
            ("SHELVED_OFFLOADED", "was shelved by somebody"),
        ):
            for role in ("install", "verify"):
                for late in (False, True):
                    self.assertEqual(
                        Fail(f"the {role} server {what}", role=role),
                        interference.outcome(seen(status, role), role, late),
                    )

    def test_what_is_nobodys_doing(self) -> None:
        """States of a server that nobody touched are for the step to judge."""
        for status in ("ACTIVE", "SHUTOFF", "BUILD", "ERROR", "DELETED", "UNKNOWN"):
            for late in (False, True):
                found = interference.outcome(seen(status), "install", late)
                self.assertIsNone(found, status)

    def test_another_image(self) -> None:
        """A server rebuilt from the same image just installs again."""
        lost = Fail(
            "somebody rebuilt the install server from another image", role="install"
        )
        passing = Wait("somebody rebuilds the server", interference.LOOK_S)
        for facts_, outcome in (
            (seen("ACTIVE", image="i-first"), None),
            (seen("ACTIVE", image="i-other"), lost),
            (seen("REBUILD", image="i-other"), lost),
            (seen("REBUILD", image="i-first"), passing),
            # A server that boots from a volume has no image.
            (seen("ACTIVE", image=""), None),
        ):
            self.assertEqual(
                outcome, interference.outcome(facts_, "install", False), str(facts_)
            )

    def test_another_image_of_what(self) -> None:
        """Only the install server is compared, with what was noted at its start."""
        other = server("install", image_id="i-other")
        for found, role in (
            (facts(servers=(other,)), "install"),
            (facts(servers=(other,), marks=marks("started")), "install"),
            (seen("ACTIVE", "verify", "i-other"), "verify"),
        ):
            self.assertIsNone(interference.outcome(found, role, False))


class StoppedByTest(testtools.TestCase):
    """Who switched a server off."""

    def test_who(self) -> None:
        """The last of those who stopped it since then, as Nova lists them."""
        for actions, who in (
            ((), ""),
            ((ServerAction("stop", 0.0, "u-1"),), "user u-1 asked Nova for 'stop' "),
            ((ServerAction("stop", 0.0),), ""),
            ((ServerAction("create", 5.0, "u-1"),), ""),
            ((ServerAction("start", 5.0, "u-1"),), ""),
            ((ServerAction("stop", -2.0, "u-1"),), ""),
            (
                (ServerAction("stop", 3.0, "u-1"), ServerAction("stop", 4.0)),
                "user u-1 asked Nova for 'stop' ",
            ),
            (
                (ServerAction("stop", 3.0, "u-1"), ServerAction("pause", 4.0, "u-2")),
                "user u-2 asked Nova for 'pause' ",
            ),
            (
                (ServerAction("stop", 3.0, "u-1"), ServerAction("start", 4.0, "u-2")),
                "user u-1 asked Nova for 'stop' ",
            ),
        ):
            # Nova cuts to seconds: what was at 1000.7 is listed as at 1000.
            since = 1000.7
            listed = tuple(
                ServerAction(a.name, 1000 + a.at, a.user_id) for a in actions
            )
            found = interference.stopped_by(server("install", actions=listed), since)
            self.assertTrue(found.startswith(who), f"{found!r}, not {who!r}")
            self.assertEqual(bool(who), bool(found), found)

    def test_each_way(self) -> None:
        """All that stops a guest counts, and the time is told in UTC."""
        for name in "stop suspend pause reboot evacuate migrate resize".split():
            one = server("install", actions=(ServerAction(name, 90_061.5, "u"),))
            self.assertEqual(
                f"user u asked Nova for {name!r} at 1970-01-02 01:01:01 UTC",
                interference.stopped_by(one, 90_061.9),
            )


class SpoiltTest(testtools.TestCase):
    """An installed disk that somebody replaced."""

    def test_spoilt(self) -> None:
        """Rebuilt since it was installed, and not before."""
        installed = {"installed": Mark(NOW - 10.2)}

        def rebuilt(at: float, name: str = "rebuild") -> Any:
            return server("install", actions=(ServerAction(name, at, "u"),))

        for servers, marked, lost in (
            ((), installed, False),
            ((rebuilt(NOW - 5),), {}, False),
            ((server("install"),), installed, False),
            ((rebuilt(NOW - 5, "reboot"),), installed, False),
            ((rebuilt(NOW - 60),), installed, False),
            ((rebuilt(NOW - 12),), installed, False),
            # Nova's times are whole seconds.
            ((rebuilt(NOW - 11),), installed, True),
            ((rebuilt(NOW - 5),), installed, True),
        ):
            found = interference.spoilt(facts(servers=servers, marks=marked))
            self.assertEqual(lost, found is not None, str(servers))
            if found is not None:
                self.assertIn("its disk is not what was installed", found.reason)
