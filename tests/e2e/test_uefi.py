"""UEFI through Nova: the installer, and a result that boots again."""

from __future__ import annotations

from tests.e2e.base import EndToEndTest
from tests.e2e.test_create import DECLARED, PROVENANCE


class TestUefi(EndToEndTest):
    """The firmware of the verify server knows nothing of the install server's."""

    def test_uefi(self) -> None:
        build = self.create("--firmware", "uefi")
        self.assertEqual(
            ("complete", "kernel"), (build["status"], build["boot_method"])
        )
        found = self.properties(build["image_id"])
        machine = {"hw_firmware_type": "uefi", "hw_machine_type": "q35"}
        self.assertEqual(PROVENANCE | DECLARED | set(machine), set(found))
        self.assertLessEqual(machine.items(), found.items())
        self.delete(build["id"])
        self.assert_left()
