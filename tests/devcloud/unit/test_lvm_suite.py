"""Components for LVM are in a suite of their own: partman loads them wherever they are."""

from __future__ import annotations

from pathlib import Path

import fixtures
import testtools
import yaml

from devcloud import settings
from devcloud.media.debian import build, udebs
from devcloud.media.debian.suite import Udeb

KERNEL = "6.12.117+deb13-amd64"


class LvmSuiteTest(testtools.TestCase):
    """What is in either suite."""

    def setUp(self) -> None:
        super().setUp()
        self.home = Path(self.useFixture(fixtures.TempDir()).path)

    def udeb(self, name: str) -> Udeb:
        file = self.home / f"{name}.udeb"
        file.write_bytes(b"x")
        fields = {"package": name, "version": "1", "architecture": "all"}
        return Udeb(fields, file)

    def listed(self, suite: str) -> set[str]:
        index = "main/debian-installer/binary-amd64/Packages"
        text = (self.home / "tree" / "dists" / suite / index).read_text()
        lines = text.splitlines()
        return {ln.partition(" ")[2] for ln in lines if ln.startswith("Package: ")}

    def test_suites(self) -> None:
        """The plain one has all but what LVM needs, and both are of one pool."""
        plain = {"partman-auto", f"ext4-modules-{KERNEL}-di"}
        more = {*udebs.LVM, f"md-modules-{KERNEL}-di"}
        components = [self.udeb(name) for name in sorted(plain | more)]
        build.lay_out(self.home / "tree", components, set())
        self.assertEqual(plain, self.listed(build.UDEB_SUITE))
        self.assertEqual(plain | more, self.listed(build.LVM_SUITE))
        self.assertLessEqual(set(udebs.LVM), set(udebs.Collector.wanted))

    def test_catalogue(self) -> None:
        """The entry for LVM differs from the plain one in its suite and in its mirror."""
        plain, lvm = (
            yaml.safe_load((settings.CATALOG / name).read_text())["variables"][
                "extra_preseed"
            ]
            for name in ("debian-13.yaml", "lvm/debian-13.yaml")
        )
        self.assertIn(f"d-i mirror/udeb/suite string {build.UDEB_SUITE}", plain)
        self.assertIn(f"d-i mirror/udeb/suite string {build.LVM_SUITE}", lvm)
        [early] = [line for line in plain if "early_command" in line]
        self.assertTrue([line for line in lvm if line.startswith(f"{early} && ")])
        self.assertEqual(plain[1:4], lvm[1:4])
