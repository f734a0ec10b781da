"""ISOs that files are put into while they pass by."""

from __future__ import annotations

import contextlib
import io
import random
from pathlib import Path
from typing import Any

import fixtures
import pycdlib
import testtools

from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.media import (
    answer_cd,
    content,
    iso9660,
    iso_answers,
    iso_overlay,
    verified,
)
from osc_imagebuild.media.door import TYPED
from osc_imagebuild.model.boot_sources import IsoContent, RemasteredIso
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.plan import make_plan
from tests.fakes.guests import ISO
from tests.unit.base import CloudTestCase

TREE = {
    "boot/loader.conf": 'vfs.mountroot.timeout="10"',
    "etc/rc.local": "the old one",
    "etc/rc.d/local": "#!/bin/sh",
    **{f"etc/file{number}.conf": str(number) for number in range(9)},
    "usr/base.txz": "a system " * 9000,
}
PUT = {
    "etc/installerconfig": b"PARTITIONS=DEFAULT\n" * 300,
    "etc/rc.local": b"a new one",
    "top": b"",
}


def made() -> bytes:
    """An ISO of `TREE`, of a size that is no whole number of sectors."""
    return answer_cd.answer_cd("STANDIN", TREE).rstrip(b"\0") + b"\0"


def plain(version: str | None) -> bytes:
    """An ISO with a directory, with or without Rock Ridge."""
    iso, found = pycdlib.PyCdlib(), io.BytesIO()
    iso.new(rock_ridge=version)
    iso.add_directory("/ETC", rr_name="etc" if version else None)
    iso.write_fp(found)
    iso.close()
    return found.getvalue()


def read_back(iso: bytes) -> dict[str, bytes]:
    """All files of an ISO by their Rock Ridge names."""
    found, opened = {}, pycdlib.PyCdlib()
    opened.open_fp(io.BytesIO(iso))
    for folder, _, names in opened.walk(rr_path="/"):
        for name in names:
            target, path = io.BytesIO(), f"{folder.rstrip('/')}/{name}"
            opened.get_file_from_iso_fp(target, rr_path=path)
            found[path] = target.getvalue()
    opened.close()
    return found


def changed(iso: bytes, files: dict[str, bytes]) -> bytes:
    """The ISO with ``files`` in it, all at once."""
    found = iso_overlay.overlay(len(iso), lambda at, n: iso[at : at + n], files)
    sectors = found.sectors
    new = bytearray(iso.ljust((max(sectors) + 1) * iso9660.SECTOR, b"\0"))
    for number, data in sectors.items():
        new[number * iso9660.SECTOR : (number + 1) * iso9660.SECTOR] = data
    return bytes(new)


class RemasterTest(testtools.TestCase):
    """What becomes of the bytes."""

    def test_read_back(self) -> None:
        """What was put in is there, and so is all else, byte for byte."""
        put = {f"/{path}": data for path, data in PUT.items()}
        for before in (made(), plain("1.09"), plain("1.12")):
            found = read_back(changed(before, PUT))
            self.assertEqual(read_back(before) | put, found)

    def test_where_it_boots_stays(self) -> None:
        """Boot records and files are where they were; few sectors change."""
        before = made()
        after = changed(before, PUT)
        sectors = range(0, len(before) // iso9660.SECTOR)
        size = iso9660.SECTOR
        touched = [
            n
            for n in sectors
            if before[n * size : (n + 1) * size] != after[n * size : (n + 1) * size]
        ]
        self.assertLess(len(touched), 6)
        self.assertIn(16, touched)  # the volume is larger

    def test_directories_that_grow(self) -> None:
        """They move behind the end, and all that point to them know."""
        more = {f"etc/more{n:03d}.conf": b"%d" % n for n in range(60)}
        more |= {f"more{n:03d}": b"" for n in range(60)}
        found = read_back(changed(made(), more))
        put = {f"/{path}": data for path, data in more.items()}
        self.assertEqual(read_back(made()) | put, found)

    def test_refused(self) -> None:
        """No ISO, no Rock Ridge, no such directory, no plain file."""
        iso = made()
        for data, path, text in (
            (bytes(99999), "x", "this is no ISO 9660 image"),
            (b"", "x", "cut off"),
            (plain(None), "x", "no Rock Ridge names"),
            (iso, "etc/none/x", "no directory for etc/none/x"),
            (iso, "etc/rc.local/x", "no directory for"),
            (iso, "etc", "no plain file"),
            (iso, "etc//x", "not a path"),
            (iso, "etc/" + "x" * 101, "not a path"),
        ):
            error = self.assertRaises(SpecError, changed, data, {path: b""})
            self.assertIn(text, str(error))

    def test_damaged(self) -> None:
        """Whatever its bytes are, there is an error of ours, and soon, or an ISO."""
        iso, chance = made(), random.Random(2)
        places = range(16 * iso9660.SECTOR, 40 * iso9660.SECTOR)
        for _ in range(50):
            broken = bytearray(iso)
            for at in chance.sample(places, chance.randrange(1, 40)):
                broken[at] = chance.choice((0, 1, 33, 255, chance.randrange(256)))
            self.tried(bytes(broken))
        for number in range(16, 40):
            for value in (0, 34):
                start, sector = number * iso9660.SECTOR, bytes([value])
                self.tried(iso[:start] + sector * 2048 + iso[start + 2048 :])

    def tried(self, iso: bytes) -> None:
        """Change it, so that directories grow, if that is possible."""
        more = {f"etc/more{number:02d}": b"" for number in range(30)}
        with contextlib.suppress(SpecError):
            changed(iso, PUT | more)


class StreamTest(testtools.TestCase):
    """ISOs on their way."""

    def setUp(self) -> None:
        """Have an ISO in a file."""
        super().setUp()
        self.path = Path(self.useFixture(fixtures.TempDir()).path, "x.iso")
        self.path.write_bytes(made())

    def test_as_at_once(self) -> None:
        """In parts of any size, and begun anew."""
        iso = RemasteredIso(
            IsoContent(str(self.path)),
            {"etc/answer": "answer"},
            {"etc/rc.local": "x"},
        )
        put = {"etc/answer": b"me", "etc/rc.local": b"x"}
        for size in (1, 5000, 1 << 20):
            with content.open_content(iso, {"answer": "me"}, door=TYPED) as (
                stream,
                whole,
            ):
                self.assertEqual(0, stream.seek(0))
                stream.read(3000)
                stream.seek(0)
                found = b"".join(iter(lambda n=size: stream.read(n), b""))  # type: ignore[misc]
            self.assertEqual(whole, len(found))
            # The ISO has the time of its making in it: made anew, it is another one.
            self.assertEqual(changed(self.path.read_bytes(), put), found)

    def test_verified(self) -> None:
        """It is the vendor's ISO whose digest counts."""
        wrong = IsoContent(str(self.path), sha256="0" * 64)
        opened = iso_answers.open_with_answers(wrong, PUT)
        error = self.assertRaises(SpecError, opened.__enter__)
        self.assertIn("has changed since the build was planned", str(error))

    def test_other_bytes_in_parts(self) -> None:
        """A digest of the whole would not tell what directories were made of."""
        overlay = iso_overlay.overlay

        def lied_to(size: int, read: Any, files: Any) -> iso_overlay.Overlay:
            return overlay(size, lambda *at: read(*at).replace(b"rc.d", b"rc.e"), files)

        self.patch(iso_overlay, "overlay", lied_to)
        right = IsoContent(
            str(self.path), sha256=verified.measure(str(self.path))[1].sha256
        )
        with iso_answers.open_with_answers(right, PUT) as (stream, size):
            error = self.assertRaises(TransientError, stream.read, size)
        self.assertIn("is not what it was a moment ago", str(error))


class BuildTest(CloudTestCase):
    """Builds whose answers are in the ISO."""

    def setUp(self) -> None:
        """Have such an entry, and its ISO on the mirror."""
        super().setUp()
        self.cloud.mirror.files["standin.iso"] = made()
        self.catalog = Catalog([BUILT_IN])

    def planned(self, **fields: Any) -> Any:
        """Return the plan of a build of FreeBSD."""
        known = {"os": "freebsd-14", "source": "http://mirror.fake/standin.iso"}
        request = Request(**({"name": "x", "flavor": "m1.small"} | known | fields))
        return make_plan(self.builder().api, self.catalog, request)

    def test_planned(self) -> None:
        """Said at once; the ISO passes through the client, and has no second CD."""
        plan = self.planned()
        self.assertIn("puts /etc/installerconfig into it", "\n".join(plan.choices))
        self.assertTrue(plan.spec.answers.in_iso)
        self.assertFalse(plan.spec.media.iso.imported)
        self.assertEqual("", plan.spec.answers.label)
        self.assertIn("bsdinstall", plan.spec.answers.texts["etc/rc.local"])

    def test_refused(self) -> None:
        """Where it cannot be done that is said before anything is written."""
        self.cloud.glance.add("demo", name="bsd", status="active", disk_format="iso")
        error = self.assertRaises(SpecError, self.planned, source="bsd")
        self.assertIn("an image will not do", str(error))
        error = self.assertRaises(
            SpecError, self.planned, source="http://mirror.fake/mini.iso"
        )
        self.assertIn("no ISO 9660 image with sectors of 2048", str(error))
        self.cloud.mirror.ranges = False
        self.assertIn(
            "knows no ranges", str(self.assertRaises(SpecError, self.planned))
        )

    def test_built(self) -> None:
        """The CD holds the answers of this build; nothing of it is shared or left."""
        request = self.request(os="mini-remaster", boot_method="cdrom")
        build = self.builder().create(request)
        self.assert_complete(build)
        self.assertEqual([], [i for i in self.images(shared=True) if ISO in i.data])
