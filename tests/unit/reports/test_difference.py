"""What differs between two results."""

from __future__ import annotations

from dataclasses import replace

import testtools

from osc_imagebuild.model.manifest import Manager, Manifest, Package, System
from osc_imagebuild.reports.difference import Change, Difference, between

OLD = Manifest(
    build_id="b",
    result_id="r",
    system=System(release="Debian 13.1", kernel="6.12.1"),
    manager=Manager.DEB,
    packages=(
        Package("bash", "5.2"),
        Package("kernel", "1"),
        Package("kernel", "2"),
        Package("libc", "2.41", "amd64"),
        Package("libc", "2.41", "i386"),
        Package("telnet", "0.17"),
    ),
)
NEW = replace(
    OLD,
    system=System(release="Debian 13.2", kernel="6.12.1"),
    packages=(
        Package("bash", "5.3"),
        Package("kernel", "2"),
        Package("kernel", "3"),
        Package("libc", "2.41", "amd64"),
        Package("libc", "2.42", "i386"),
        Package("zsh", "5.9"),
    ),
)


class BetweenTest(testtools.TestCase):
    """Packages, the system, and what images say."""

    def test_same(self) -> None:
        """Nothing differs from itself."""
        self.assertEqual((), between(OLD, OLD, {"os": "x"}, {"os": "x"}))

    def test_all_kinds(self) -> None:
        """Added, removed and changed; by architecture where there are several."""
        said = {"answers": "1", "gone": "x"}, {"answers": "2"}

        def of(about: str, name: str, change: Change, *words: str) -> Difference:
            return Difference(about, name, change, *words)

        self.assertEqual(
            (
                of("image", "answers", Change.CHANGED, "1", "2"),
                of("image", "gone", Change.REMOVED, "x", ""),
                of("system", "release", Change.CHANGED, "Debian 13.1", "Debian 13.2"),
                of("package", "bash", Change.CHANGED, "5.2", "5.3"),
                of("package", "kernel", Change.CHANGED, "1, 2", "2, 3"),
                of("package", "libc:i386", Change.CHANGED, "2.41", "2.42"),
                of("package", "telnet", Change.REMOVED, "0.17", ""),
                of("package", "zsh", Change.ADDED, "", "5.9"),
            ),
            between(OLD, NEW, *said),
        )
