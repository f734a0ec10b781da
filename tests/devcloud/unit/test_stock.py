"""Stock Debian: its tree, its catalogue entry, and how the proof is named."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path
from types import SimpleNamespace

import testtools

from devcloud import settings
from devcloud.media.debian import stock
from osc_imagebuild.guests import answers, install_tree
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.request import Request
from tools import proof

IN_RELEASE = """\
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: Debian
Suite: stable
Codename: trixie
-----BEGIN PGP SIGNATURE-----

aGVsbG8=
-----END PGP SIGNATURE-----
"""


class TreeTest(testtools.TestCase):
    """What the tree has in it."""

    def test_components(self) -> None:
        """debootstrap, apt-setup and pkgsel instead of live-installer, each once."""
        wanted = stock.StockCollector.wanted
        self.assertEqual(len(set(wanted)), len(wanted))
        self.assertLessEqual({"bootstrap-base", "apt-setup-udeb", "pkgsel"}, {*wanted})
        self.assertNotIn("live-installer", wanted)

    def test_release(self) -> None:
        """The mirror's own, without what belongs to its signature."""
        with tempfile.TemporaryDirectory() as name:
            lists = Path(name, "lists")
            lists.mkdir()
            Path(lists, "mirror.example_debian_dists_trixie_InRelease").write_text(
                IN_RELEASE
            )
            found = stock.release(SimpleNamespace(home=Path(name)))  # type: ignore[arg-type]
        self.assertEqual("Origin: Debian\nSuite: stable\nCodename: trixie\n", found)

    def test_as_on_mirrors(self) -> None:
        """The suite's name is a link to the code name's directory."""
        with tempfile.TemporaryDirectory() as name:
            Path(name, "trixie").mkdir()
            stock.as_on_mirrors(Path(name), "Suite: stable\nCodename: trixie\n")
            self.assertEqual("trixie", str(Path(name, "stable").readlink()))
            text = Path(name, "stable", "Release").read_text()
            self.assertEqual("Suite: stable\nCodename: trixie\n", text)


class EntryTest(testtools.TestCase):
    """The catalogue entry for it."""

    def answer(self, *directories: Path) -> list[str]:
        """The answer file's lines that are the installer's own."""
        catalog = Catalog((BUILT_IN, *directories))
        entry = catalog.entry("debian-13")
        request = Request(
            name="x", os="debian-13", source=f"{settings.MEDIA_URL}/{stock.NAME}"
        )
        source = install_tree.install_tree(entry, request).source
        answer = answers.render(entry, request, "0" * 8, source).answer
        return [
            line
            for line in answer.splitlines()
            if line and line[0] != "#" and "root-password-crypted" not in line
        ]

    def test_only_the_network_differs(self) -> None:
        """It adds lines to the product's own preseed, and changes none."""
        ours, stocks = self.answer(), self.answer(settings.CATALOG / "stock")
        self.assertEqual(ours, [line for line in stocks if line in ours])
        added = sorted(line.split()[1] for line in stocks if line not in ours)
        expected = ["anna/no_kernel_modules", "apt-setup/security_host"]
        expected += ["debian-installer/allow_unauthenticated", "mirror/udeb/suite"]
        self.assertEqual([*expected, "partman/early_command"], added)

    def test_source(self) -> None:
        """It is the tree."""
        entry = Catalog((BUILT_IN, settings.CATALOG / "stock")).entry("debian-13")
        self.assertEqual(f"{settings.MEDIA_URL}/{stock.NAME}", entry.source)


class ProofTest(testtools.TestCase):
    """make proof."""

    def test_names(self) -> None:
        """Each with what it shows; without a name they are listed."""
        self.assertIn("debootstrap", proof.names()["stock"])
        for arguments in ([], ["nothing"], ["stock", "stock"]):
            with contextlib.redirect_stderr(io.StringIO()) as said:
                self.assertEqual(2, proof.main(arguments))
            self.assertIn("stock", said.getvalue())
