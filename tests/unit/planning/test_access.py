"""How an installer gets at its packages: boot methods, warnings and refusals."""

from __future__ import annotations

import dataclasses
from typing import Any

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.access import CaCertificate, Proxy
from osc_imagebuild.model.request import Repository
from osc_imagebuild.planning import offline
from tests.unit.planning.test_plan import PlanTestCase
from tests.unit.wanted import CA, CATALOG, LOGIN

PROXY = Proxy(url="http://proxy.example:3128")
SECRET = dataclasses.replace(PROXY, username="me", password="hunter2")
OWN = (CaCertificate(pem=CA),)


class PlanTest(PlanTestCase):
    """Plans of Debian on the fake cloud."""

    def planned(self, **fields: Any) -> Any:
        """Return a plan."""
        builder = self.builder()
        builder.catalog = Catalog([BUILT_IN])
        builder.catalog.add("debian-13", {"source": "http://mirror.fake/debian"})
        wanted = {"os": "debian-13", "flavor": "m1.small", **fields}
        return builder.plan(self.request(**wanted))

    def test_boot_method(self) -> None:
        """The client uploads the installer where a stub could not fetch it."""
        inside = dataclasses.replace(PROXY, no_proxy=("mirror.fake",))
        for proxy, method, asked, warned in (
            (None, "auto", "ipxe", False),
            (PROXY, "auto", "kernel", False),
            (inside, "auto", "ipxe", False),
            (PROXY, "ipxe", "ipxe", True),
            (inside, "ipxe", "ipxe", False),
            (PROXY, "kernel", "kernel", False),
        ):
            plan = self.planned(proxy=proxy, boot_method=method)
            self.assertEqual(asked, plan.spec.installer.boot_method)
            said = "boot method ipxe knows no proxy" in " ".join(plan.warnings)
            self.assertEqual(warned, said, str(plan.warnings))
        told = " ".join(self.planned(proxy=PROXY).choices)
        self.assertIn("boot method kernel: what fetches the installer with ipxe", told)

    def test_secrets(self) -> None:
        """They are in the user data alone."""
        own = Repository(
            name="own",
            url="https://r.fake",
            suites=("s",),
            username="u",
            password=LOGIN,
        )
        plan = self.planned(proxy=SECRET, repositories=(own,))
        self.assertIn("hunter2", plan.texts["answer"])
        for text in (plan.shown, str(plan.spec), *plan.choices, *plan.warnings):
            self.assertNotIn("hunter2", text)
            self.assertNotIn(LOGIN, text)

    def test_inputs(self) -> None:
        """The way to the packages decides nothing, and what stays in the image does."""
        own = Repository(name="own", url="https://r.fake", suites=("s",))
        login = dataclasses.replace(own, username="u", password=LOGIN)
        before = self.planned(repositories=(own,), boot_method="kernel").inputs
        for fields in (
            {"proxy": SECRET},
            {"ca_certificates": OWN},
            {"repositories": (login,)},
        ):
            wanted = {"repositories": (own,), "boot_method": "kernel", **fields}
            self.assertEqual(before, self.planned(**wanted).inputs, str(fields))
        for fields in (
            {"proxy": dataclasses.replace(SECRET, keep=True)},
            {"ca_certificates": (CaCertificate(pem=CA, keep=True),)},
            {"repositories": (dataclasses.replace(login, keep=True),)},
        ):
            wanted = {"repositories": (own,), "boot_method": "kernel", **fields}
            after = self.planned(**wanted).inputs
            self.assertNotEqual(before.template, after.template, str(fields))
            self.assertNotEqual(before.answers, after.answers, str(fields))

    def test_what_is_wrong(self) -> None:
        """All at once."""
        wanted = {
            "proxy": Proxy(url="ftp://x"),
            "ca_certificates": (CaCertificate(pem="no"),),
        }
        error = self.assertRaises(SpecError, self.planned, **wanted)
        found = list(error.problems)
        self.assertEqual(2, len(found), str(found))
        self.assertIn("this is no address of a proxy", found[0])
        self.assertIn("CA certificate 1: it takes lines such as", found[1])

    def test_own_answer_file(self) -> None:
        """It says itself which proxy there is."""
        found = self.problems(answer_file="#!/bin/sh\n", proxy=PROXY, os="mini")
        self.assertIn("build.proxy cannot be given too", " ".join(found))


class OfflineTest(PlanTestCase):
    """The same without a cloud."""

    def checked(self, **fields: Any) -> offline.Outline:
        """What would be built."""
        return offline.check(CATALOG, self.request(**fields))

    def test_passwords_on_command_lines(self) -> None:
        """Refused where the installer needs one there; not where it is on a CD."""
        iso = "http://mirror.fake/x.iso"
        for name, fields, wrong in (
            ("debian-13", {}, False),
            ("rocky-9", {}, True),
            ("sles-15", {"source": "http://mirror.fake/sles"}, True),
            ("ubuntu-24.04", {}, True),
            ("opensuse-leap-16", {}, True),
            ("rocky-9", {"source": iso, "boot_method": "kernel"}, False),
            ("sles-15", {"source": iso, "boot_method": "kernel"}, False),
        ):
            found: list[str] = []
            try:
                self.checked(os=name, proxy=SECRET, **fields)
            except SpecError as error:
                found = [str(error)]
            told = "told of its proxy on its command line" in "".join(found)
            self.assertEqual((wrong, wrong), (told, bool(found)), f"{name}: {found}")
            self.assertNotIn("hunter2", str(found))

    def test_certificates_that_come_late(self) -> None:
        """Warned of where the first part of an installer cannot be told of them."""
        tree = "https://mirror.fake/tree"
        for name, fields, warned in (
            ("rocky-9", {"source": tree}, True),
            ("sles-15", {"source": tree}, True),
            ("debian-13", {"source": tree}, False),
            ("rocky-9", {"source": "http://mirror.fake/tree"}, False),
            ("rocky-9", {"source": f"{tree}.iso", "boot_method": "kernel"}, False),
            ("ubuntu-24.04", {"source": f"{tree}.iso", "boot_method": "kernel"}, True),
            ("debian-13", {"from_image": "base"}, False),
        ):
            found = self.checked(os=name, ca_certificates=OWN, **fields).warnings
            told = "before it is told of the CA certificates" in " ".join(found)
            self.assertEqual(warned, told, f"{name} {fields}: {found}")
