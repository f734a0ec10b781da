"""What machine a guest is given."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild import boot
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import answers, families
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model import machine
from osc_imagebuild.model.request import Request
from tests.fakes.guests import MINI_ISO
from tests.unit.base import CloudTestCase

UEFI = {"hw_firmware_type": "uefi", "hw_machine_type": "q35"}
VIRT = {"hw_firmware_type": "uefi", "hw_machine_type": "virt"}
REQUIRED = {"os_secure_boot": "required"}


def asked(**fields: Any) -> Request:
    """Return a request."""
    return Request(name="x", **fields)


class HardwareTest(testtools.TestCase):
    """Tables of what is asked for and what Nova is told."""

    def test_properties(self) -> None:
        """For the installer and for the result."""
        crb = {"hw_tpm_version": "2.0", "hw_tpm_model": "tpm-crb"}
        for fields, wanted in (
            ({}, {}),
            ({"firmware": "uefi"}, UEFI),
            ({"firmware": "uefi", "secure_boot": True}, UEFI | REQUIRED),
            ({"firmware": "uefi", "tpm": True}, UEFI | crb),
            ({"tpm": True}, crb),
            ({"arch": "aarch64"}, VIRT),
            ({"arch": "aarch64", "secure_boot": True}, VIRT | REQUIRED),
            (
                {"arch": "aarch64", "tpm": True},
                VIRT | {"hw_tpm_version": "2.0", "hw_tpm_model": "tpm-tis"},
            ),
        ):
            found = machine.properties(asked(**fields), {})
            self.assertEqual(wanted, found, str(fields))

    def test_entries(self) -> None:
        """What an entry says is under what a user asks for."""
        declared = {"hw_machine_type": "pc-q35-9.2", "os_secure_boot": "optional"}
        found = machine.properties(asked(firmware="uefi"), declared)
        self.assertEqual({"hw_firmware_type": "uefi", **declared}, found)
        secure = asked(firmware="uefi", secure_boot=True)
        found = machine.properties(secure, declared)
        self.assertEqual("required", found["os_secure_boot"])

    def test_windows(self) -> None:
        """Setup looks at its hardware unless that was asked to be left out."""
        catalog = Catalog([BUILT_IN])
        self.assertEqual(
            "optional", catalog.entry("windows-11").properties["os_secure_boot"]
        )
        for asked_for in (False, True):
            changes = {"variables": {"skip_hardware_checks": asked_for}}
            catalog.add("windows-11", changes)
            entry = catalog.entry("windows-11")
            for fields, missing in (
                ({}, "give --tpm and --secure-boot;"),
                ({"tpm": True}, "give --secure-boot;"),
                ({"secure_boot": True}, "give --tpm;"),
                ({"tpm": True, "secure_boot": True}, ""),
            ):
                request = asked(os=entry.name, source="x", firmware="uefi", **fields)
                answer = answers.render(entry, request, "id", "x").answer
                self.assertEqual(asked_for, "BypassTPMCheck" in answer)
                found = families.family("windows").problems(entry, request)
                self.assertEqual(bool(missing) and not asked_for, bool(found))
                self.assertIn("" if asked_for else missing, "".join(found))

    def test_problems(self) -> None:
        """A machine that there is not, or that nothing would boot on."""
        secure = {"secure_boot": True, "firmware": "uefi"}
        for fields, method, wanted in (
            ({}, "ipxe", []),
            (secure, "cdrom", []),
            ({"secure_boot": True}, "cdrom", ["needs --firmware uefi"]),
            (secure, "ipxe", ["boot method ipxe starts nothing that is signed"]),
            (secure, "kernel", ["boot method kernel starts nothing"]),
            ({"tpm": True, "arch": "s390x"}, "kernel", ["--tpm is for x86_64 and"]),
            (
                {"firmware": "uefi", "arch": "ppc64le"},
                "kernel",
                ["--firmware uefi is for x86_64 and aarch64, not ppc64le"],
            ),
        ):
            request = asked(**fields)
            found = machine.validate_machine(request) + boot.unsigned(request, method)
            self.assertEqual(len(wanted), len(found), str(found))
            for text, line in zip(wanted, found, strict=True):
                self.assertIn(text, line)


class PlanTest(CloudTestCase):
    """What becomes of it on a cloud."""

    def test_secure_machine(self) -> None:
        """The options reach the boot image and the result; a missing TPM is told."""
        url = "http://mirror.fake/mini/mini.iso"
        self.cloud.mirror.files[url] = MINI_ISO
        request = self.request(
            source=url, firmware="uefi", secure_boot=True, tpm=True, checksum=""
        )
        plan = self.builder().plan(request)
        wanted = {**UEFI, **REQUIRED, "hw_tpm_version": "2.0"}
        for found in (plan.spec.hardware.properties, plan.spec.result.properties):
            self.assertLessEqual(wanted.items(), found.items())
        self.assertIn("no key manager (Barbican)", "\n".join(plan.warnings))

    def test_a_tree_is_not_signed(self) -> None:
        """Said before anything is written."""
        request = self.request(firmware="uefi", secure_boot=True)
        error = self.assertRaises(SpecError, self.builder().plan, request)
        self.assertIn("it takes boot method cdrom: an ISO as --source", str(error))
