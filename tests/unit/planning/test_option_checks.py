"""Small options of the cloud, judged by the request alone."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import option_checks

CERTIFICATE = "3fe5a3c5-1d52-4a16-a3ba-5d3c2b8c0f10"
PORTS = tuple(f"p{n}" for n in range(option_checks.MOST_PORTS + 1))
MANY = {f"k{n}": "v" for n in range(option_checks.MOST_PROPERTIES + 1)}


class ProblemsTest(testtools.TestCase):
    """A table: what is asked, and what is said of it."""

    def found(self, **fields: Any) -> list[str]:
        """What is wrong with a request."""
        return option_checks.problems(Request(name="x", os="mini", **fields))

    def test_good(self) -> None:
        """What there is nothing to say of."""
        for fields in (
            {},
            {"certificate_id": CERTIFICATE, "disk_format": "raw"},
            {"ports": ("p",), "server_properties": {"key": "value"}},
            {"volume_type": "fast", "min_disk_gib": 1, "min_ram_mib": 1},
        ):
            self.assertEqual([], self.found(**fields), str(fields))

    def test_bad(self) -> None:
        """Each has one sentence, which names the option."""
        signed = {"certificate_id": CERTIFICATE}
        for fields, wanted in (
            (
                {"certificate_id": "../x"},
                "--sign-cert-id takes the ID of a certificate",
            ),
            ({**signed, "output": "volume"}, "checks a signature of a volume"),
            (
                {**signed, "properties": {"img_signature": "x"}},
                "the build sets img_signature itself",
            ),
            ({"volume_type": " "}, "--volume-type takes a name or an ID"),
            ({"ports": ("",)}, "--port takes a name or an ID"),
            ({"ports": PORTS}, f"--port can be given {len(PORTS) - 1} times"),
            ({"ports": ("p",), "security_groups": ("g",)}, "of its own"),
            ({"server_properties": MANY}, str(len(MANY) - 1)),
            ({"min_disk_gib": -1}, "--min-disk"),
            ({"min_ram_mib": -1}, "--min-ram"),
        ):
            found = self.found(**fields)
            self.assertEqual(1, len(found), f"{fields}: {found}")
            self.assertIn(wanted, found[0])
        self.assertEqual(
            3, len(self.found(volume_type="", ports=("",), min_disk_gib=-1))
        )
