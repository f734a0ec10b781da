"""Consoles of healthy installations, looked at wherever they may be cut."""

from __future__ import annotations

import testtools

from osc_imagebuild.diagnosis import diagnose
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.monitors.console.verdict import FAILED, GuestView, judge
from tests.unit.monitors.console.test_family_consoles import healthy


class HealthyTest(testtools.TestCase):
    """A healthy installation called failed is the worst fault there is."""

    def test_watched_at_every_line(self) -> None:
        """Looked at after each line, while it is at work."""
        checked = 0
        for family, name, text, _ in healthy():
            lines = text.splitlines()
            either = sign_files.of(family), sign_files.of_unknown(text)
            for end in range(len(lines) + 1):
                seen = "\n".join(lines[:end])
                look = GuestView(console=seen, quiet_s=5, flat_s=5, trouble_s=5)
                for known in either:
                    found = judge(known, look)
                    self.assertNotEqual(FAILED, found.state, f"{name}:{end}: {found}")
                    checked += 1
        self.assertGreater(checked, 1500)

    def test_saved_at_every_line(self) -> None:
        """A saved console that ends anywhere but in a trouble that was overcome."""
        for family, name, text, overcome in healthy():
            lines = text.splitlines()
            for end in range(len(lines) + 1):
                if overcome:
                    continue
                seen = "\n".join(lines[:end])
                found = diagnose(seen, sign_files.of(family)).verdict
                self.assertNotEqual(FAILED, found.state, f"{name}:{end}: {found}")

    def test_pieces_of_lines(self) -> None:
        """A look may fall into the middle of a line."""
        for family, name, text, _ in healthy():
            known = sign_files.of(family)
            for end in range(0, len(text), 97):
                look = GuestView(console=text[:end], quiet_s=5, flat_s=5)
                found = judge(known, look)
                self.assertNotEqual(FAILED, found.state, f"{name}:{end}: {found}")
