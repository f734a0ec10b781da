"""image build check, on clouds of several kinds."""

from __future__ import annotations

import json
import re

from osc_imagebuild.cloud import rfb
from osc_imagebuild.model.findings import Finding, Works
from tests.fakes import faults, keystone
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import KILLED, Killed
from tests.unit.base import CloudTestCase
from tests.unit.shell import ShellTestCase

YES, NO, UNKNOWN = Works


class CheckTestCase(CloudTestCase):
    """What is found."""

    def found(self, *systems: str) -> dict[str, Finding]:
        """Check; nothing may stay of it."""
        found = self.builder().check(systems)
        self.assert_empty()
        return {f"{f.area}: {f.what}": f for f in found}

    def assert_found(self, what: str, works: Works, text: str = "") -> None:
        """One thing works so, and its reason says ``text``."""
        finding = self.found()[what]
        self.assertEqual(works, finding.works, str(finding))
        self.assertIn(text, finding.reason)


class CheckTest(CheckTestCase):
    """Clouds that have a thing, or not."""

    def test_all_is_well(self) -> None:
        """Nothing is missing but what no user is told."""
        self.cloud.glance.methods = ["web-download", "glance-download"]
        self.patch(rfb, "is_installed", lambda: True)
        found = self.found("mini")
        odd = {key: f for key, f in found.items() if f.works != YES}
        unknown = {"volumes: conversion of formats", "servers: config drive"}
        self.assertEqual(unknown | {"hosts: what they can"}, set(odd), str(odd))
        self.assertIn("2.1 to", found["services: compute"].reason)
        self.assertIn("flavor", found["systems: mini"].reason)

    def test_no(self) -> None:
        """Each has a reason."""
        glance, nova, cinder = self.cloud.glance, self.cloud.nova, self.cloud.cinder
        glance.formats = ["vmdk"]
        for what, text in (
            ("images: disks", "neither qcow2 nor raw is taken: vmdk"),
            ("images: CDs", "as raw or iso: vmdk"),
            ("images: kernels", "no boot method kernel"),
        ):
            self.assert_found(what, NO, text)
        glance.methods, glance.stores = [], ["a", "b"]
        self.assert_found("import: web-download", NO, "pass through this client")
        self.assert_found("import: copy-image", NO, "no --store")
        nova.limits["Instances"] = 0
        self.assert_found("quotas: servers", NO, "0 left, a build needs 1")
        cinder.limits["VolumeGigabytes"] = 1
        self.assert_found("quotas: GiB of volumes", NO, "1 left, a build needs 4")
        cinder.tells_encryption = True
        cinder.encrypted = {kind["id"] for kind in cinder.types}
        self.assert_found("volumes: images of them", NO, "all types are encrypted")
        nova.hypervisors = ["lxc"]
        self.assert_found("servers: full virtualisation", NO, "only lxc")
        nova.flavors = [{**f, "disk": 0} for f in nova.flavors]
        self.assert_found("servers: flavors with a disk", NO, "none has a disk")
        nova.flavors = []
        self.assert_found("servers: flavors", NO, "there is none")
        glance.forbidden = "imagebuild"
        found = self.found("mini")
        self.assertIn(
            "no build can begin", found["records: hidden image with properties"].reason
        )
        self.assertEqual(NO, found["systems: mini"].works)

    def test_no_volumes(self) -> None:
        """It is said what follows."""
        del self.cloud.keystone.services["block-storage"]
        self.assert_found("services: volume", NO, "no installer on a CD")
        self.assertNotIn("quotas: volumes", self.found())

    def test_required_properties(self) -> None:
        """What is to be given, and whether images can be changed at all."""
        self.cloud.glance.required = {"cost": ["a", "b"], "team": []}
        self.assert_found(
            "images: required properties", YES, "cost (a, b), team (any value)"
        )
        self.assert_found("images: changes", NO, "33.0.0")
        self.assert_found("records: hidden image with properties", NO, "be changed")
        self.cloud.glance.changes_need_required = False
        self.assert_found("images: changes", YES)
        self.assert_found("records: hidden image with properties", YES)

    def test_hosts(self) -> None:
        """By their traits, where Placement tells."""
        self.assert_found(
            "hosts: what they can", UNKNOWN, "Placement tells administrators"
        )
        self.cloud.placement.traits = {"COMPUTE_ARCH_X86_64"}
        self.assert_found("hosts: guests of x86_64", YES)
        self.assert_found("hosts: Secure Boot", NO, "no host says so")

    def test_services_that_are_away(self) -> None:
        """What can be asked is told all the same, and no address with it."""
        for service in ("image", "compute", "network", "volume"):
            self.cloud = FakeCloud()
            self.cloud.hooks.append(
                lambda call, away=service: (
                    faults.answered(500)  # type: ignore[misc]
                    if call.service == away
                    else None
                )
            )
            found = self.builder().check(("mini",))
            self.assertIn(UNKNOWN, {f.works for f in found})
            text = json.dumps([f.reason for f in found])
            self.assertIsNone(re.search(r"\.fake|http:", text), text)

    def test_client_that_dies(self) -> None:
        """What it leaves is found as all that a lost build leaves."""
        for number in (1, 2, 3):
            self.cloud = FakeCloud()
            self.cloud.hooks.append(faults.on_mutation(number, KILLED))
            self.assertRaises(Killed, self.builder().check)
            self.cloud.hooks.clear()
            builder = self.builder("second")
            builder.delete_orphans(builder.orphans())
            self.assert_empty()


class CommandTest(ShellTestCase):
    """As it is typed."""

    def test_table(self) -> None:
        """A row for each, without secrets, addresses, or who it is."""
        ran = self.build("check", "--os", "mini,nothing", "-f", "json")
        self.assertEqual(0, ran.code, ran.err)
        rows = {row["What"]: row for row in ran.json}
        self.assertEqual("yes", rows["mini"]["Works"], str(rows["mini"]))
        self.assertIn("unknown OS 'nothing'", rows["nothing"]["Reason"])
        for secret in (keystone.PASSWORD, "tester", "keystone.fake", "demo"):
            self.assertNotIn(secret, ran.out)
        self.assert_empty()
