"""Debian's media, gathered from mirrors with faults; with the real apt, without a cloud."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from unittest import mock

import testtools

from devcloud import apt_sources, patience
from devcloud.apt_sources import Source
from devcloud.errors import CommandError, DevcloudError
from devcloud.media import apt, parts
from devcloud.media.debian import build, netboot, udebs
from devcloud.patience import Patience
from tests.devcloud.unit import mirror as mirrors
from tests.devcloud.unit.mirror import COMPONENTS, INDEX, KERNEL, SUITE, Mirror

QUICK = {
    "Acquire::Retries": "0",
    "Acquire::http::Proxy::127.0.0.1": "DIRECT",
}
MODULES = [f"{stem}-{KERNEL}-di" for stem in udebs.MODULES]
REPACKED = {udebs.E2FSPROGS_UDEB, *MODULES}


class MirrorTest(testtools.TestCase):
    """A mirror of its own, and private apt directories that take it for the machine's."""

    def setUp(self) -> None:
        """Fill a mirror on which all is well."""
        super().setUp()
        if not Path(apt.HELPER).exists():
            self.skipTest("needs Debian's apt")
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = Path(scratch.name)
        self.mirror = Mirror()
        self.addCleanup(self.mirror.server_close)
        self.addCleanup(self.mirror.shutdown)
        self.main, self.parts = mirrors.fill(self.mirror)
        self.mirror.publish(self.main, self.parts)
        self.trusted = True
        patch = mock.patch.object(apt_sources, "machine_mirror", self.source)
        patch.start()
        self.addCleanup(patch.stop)
        settings = mock.patch.dict(patience.APT_OPTIONS, QUICK)
        settings.start()
        self.addCleanup(settings.stop)
        self.said: list[str] = []

    def source(self) -> Source:
        """This machine's mirror."""
        return Source(self.mirror.url, (SUITE,), ("main",), self.trusted)

    def work(self, **limits: float) -> parts.Work:
        """A new attempt; what was fetched is there from the last one."""
        scratch = Path(tempfile.mkdtemp(dir=self.home))
        cache = self.home / "cache"
        cache.mkdir(exist_ok=True)
        wanted = Patience(pauses_s=(0,), **limits)
        return parts.Work(
            scratch, cache, self.home / "log", "", self.said.append, wanted
        )

    def gather(self, **limits: float) -> build.Found:
        """Fetch all that the media need."""
        return build.gather(self.work(**limits))

    def fail_to_gather(self, **limits: float) -> str:
        """Fetch in vain, and return why."""
        return patience.why(self.assertRaises(DevcloudError, self.gather, **limits))

    def out_of_step(self) -> None:
        """Replace the components' index, and not what Release says of it."""
        before = dict(self.mirror.content)
        self.mirror.publish(self.main, self.parts + "\nPackage: another\n")
        self.mirror.put(f"dists/{SUITE}/Release", before[f"dists/{SUITE}/Release"])

    def without(self, name: str) -> None:
        """Do not list a package at all."""

        def left(text: str) -> str:
            kept = [
                p for p in text.split("\n\n") if f"Package: {name}\n" not in p + "\n"
            ]
            return "\n\n".join(kept)

        self.mirror.publish(left(self.main), left(self.parts))


class TestIndexes(MirrorTest):
    """The indexes of packages and of the installer's components, apart."""

    def test_in_step(self) -> None:
        """All is signed, nothing is repacked, nothing is said."""
        found = self.gather()
        self.assertEqual(KERNEL, found.netboot.kernel)
        self.assertEqual(
            {f"kernel-image-{KERNEL}-di", "kernel-image", "anna"}, found.netboot.builtin
        )
        self.assertEqual(([], []), (found.collector.repacked, self.said))
        self.assertEqual([], found.collector.notes())

    def test_out_of_step(self) -> None:
        """It is used all the same, and said; what is signed elsewhere is repacked."""
        self.out_of_step()
        found = self.gather()
        self.assertEqual(REPACKED, set(found.collector.repacked))
        [line] = self.said
        self.assertRegex(line, r"used unsigned, .*: File has unexpected size \(\d+ != ")
        repacked, unsigned = found.collector.notes()
        self.assertIn("e2fsprogs-udeb", repacked)
        self.assertIn("the mirror alone vouches", unsigned)
        self.assertFalse(
            [path for path in self.mirror.asked if any(m in path for m in MODULES)]
        )

    def test_index_without_component(self) -> None:
        """Release does not name it, the mirror has it: as if out of step."""
        release = f"dists/{SUITE}/Release"
        text = self.mirror.content[release].decode()
        kept = [
            line for line in text.splitlines(True) if "debian-installer/" not in line
        ]
        self.mirror.put(release, "".join(kept).encode())
        self.assertEqual(REPACKED, set(self.gather().collector.repacked))
        self.assertIn("Release does not name it", self.said[0])

    def test_only_out_of_step(self) -> None:
        """Nothing else makes an unsigned index good; it is tried again, and named."""
        self.mirror.spoil(COMPONENTS, "503")
        with mock.patch.object(apt, "PlainIndex", side_effect=AssertionError):
            reason = self.fail_to_gather()
        self.assertIn("no index of installer components", reason)
        self.assertIn("503", reason)
        asked = [p for p in self.mirror.asked if p == f"{COMPONENTS}.xz"]
        self.assertEqual((2, []), (len(asked), self.said))

    def test_once_unreachable(self) -> None:
        """The second try gives the signed one."""
        self.mirror.spoil(f"{COMPONENTS}.xz", "503", times=1)
        self.assertEqual([], self.gather().collector.repacked)
        self.assertEqual([], self.said)

    def test_not_signed(self) -> None:
        """Components of a Release that nobody vouches for are not taken."""
        work = self.work()
        self.trusted = False
        self.out_of_step()
        error = self.assertRaises(
            *(DevcloudError, apt.components, work.cache, SUITE, work.log),
            *(work.patience, self.said.append),
        )
        self.assertIn("is not signed", str(error))
        asked = [p for p in self.mirror.asked if p.startswith(COMPONENTS)]
        self.assertEqual(([], []), (asked, self.said))

    def test_what_apt_says(self) -> None:
        """Size and hash of an index, and nothing beside that."""
        packages = "E: Failed to fetch http://m/dists/x/Packages.xz  "
        size = (
            f"{packages}File has unexpected size (2 != 1). Mirror sync in progress?\n"
        )
        for output, expected in (
            (size, True),
            (f"{packages}Hash Sum mismatch\n   Hashes of expected file:\n", True),
            (f"{size}E: Some index files failed to download.\n", True),
            (f"{packages}503  Service Unavailable\n", False),
            (f"{packages}Could not connect to m:80\n", False),
            (f"{size}{packages}Connection timed out\n", False),
            ("E: Failed to fetch http://m/InRelease  Hash Sum mismatch\n", False),
            (f"{size}E: The repository 'http://m x Release' is not signed.\n", False),
            ("", False),
        ):
            error = CommandError("apt-get failed", output)
            self.assertEqual(expected, apt.is_out_of_step(error), output)
        self.assertFalse(apt.is_out_of_step(DevcloudError("slow")))

    def test_component_missing(self) -> None:
        """Without an index there are no components."""
        self.mirror.spoil(COMPONENTS, "404")
        reason = self.fail_to_gather()
        self.assertIn("no index of installer components", reason)
        self.assertIn("404", reason)

    def test_broken_index(self) -> None:
        """One of its forms is no archive: the other one is taken."""
        self.out_of_step()
        self.mirror.put(f"{COMPONENTS}.xz", b"<html>login</html>")
        self.assertEqual(REPACKED, set(self.gather().collector.repacked))
        self.mirror.put(f"{COMPONENTS}.gz", b"<html>login</html>")
        self.mirror.content.pop(COMPONENTS)
        self.assertIn("no index of installer components", self.fail_to_gather())

    def test_odd_names(self) -> None:
        """An index that nobody signed cannot write elsewhere."""
        self.parts = self.parts.replace("Version: 1:1", "Version: 1/../../../x")
        self.mirror.publish(self.main, self.parts)
        self.out_of_step()
        self.assertIn("odd name", self.fail_to_gather())

    def test_main_must_be_signed(self) -> None:
        """There is no second way for ordinary packages."""
        self.trusted = False
        self.assertIn(
            f"no signed index of {self.mirror.url} {SUITE} main", self.fail_to_gather()
        )

    def test_main_out_of_step(self) -> None:
        """Nor where Release says otherwise."""
        self.mirror.put(f"{INDEX}.xz", b"old")
        reason = self.fail_to_gather()
        self.assertIn(f"no signed index of {self.mirror.url} {SUITE} main", reason)
        self.assertIn("unexpected size", reason)

    def test_gone_packages(self) -> None:
        """What a new point release renamed is named."""
        for name, reason in (
            (netboot.PACKAGE, f"the mirror does not list {netboot.PACKAGE}"),
            ("cloud-init", "the mirror does not list cloud-init"),
            ("partman-auto", "did not give partman-auto, which no other package has"),
        ):
            with self.subTest(name):
                self.without(name)
                self.assertIn(reason, self.fail_to_gather())


class TestPackages(MirrorTest):
    """Packages that come late, in parts, wrong or not at all."""

    def test_new_kernel(self) -> None:
        """Components of the netboot kernel that are not listed yet are repacked."""
        self.parts = self.parts.replace(KERNEL, "6.12.1+deb13-amd64")
        self.mirror.publish(self.main, self.parts)
        found = self.gather()
        self.assertEqual(MODULES, found.collector.repacked)
        made = found.collector.collect(found.netboot.builtin)
        self.assertLessEqual(set(MODULES), {udeb.name for udeb in made})
        self.assertIn("(the mirror has none)", self.said[-1])

    def test_neither_component_nor_kernel(self) -> None:
        """What it would be repacked from is missed at once."""
        self.parts = self.parts.replace(KERNEL, "6.12.1+deb13-amd64")
        self.mirror.publish(self.main, self.parts)
        self.mirror.spoil("linux-image", "404")
        reason = f"the mirror lists but did not give linux-image-{KERNEL}"
        self.assertIn(reason, self.fail_to_gather())

    def index(self) -> apt.Index:
        """The components' index alone."""
        work = self.work()
        return apt.components(
            work.cache, SUITE, work.log, work.patience, self.said.append
        )

    def test_once(self) -> None:
        """An answer that is bad once costs a second one."""
        index = self.index()
        for how in ("404", "503", "cut", "short", "wrong"):
            with self.subTest(how):
                self.mirror.asked.clear()
                self.mirror.spoil("base-installer", how, times=1)
                [file] = index.need("base-installer")
                self.assertEqual(b"the component base-installer", file.read_bytes())
                self.assertEqual(2, len(self.mirror.asked), how)
                file.unlink()

    def test_for_ever(self) -> None:
        """A package that never comes right is missing, and nothing false is kept."""
        index = self.index()
        wanted = ("base-installer", "partman-base")
        for how in ("404", "503", "short", "wrong"):
            with self.subTest(how):
                self.mirror.spoilt.clear()
                self.mirror.spoil("base-installer", how)
                self.assertEqual({"partman-base"}, set(index.download(wanted)))
        error = self.assertRaises(DevcloudError, index.need, *wanted)
        self.assertIn("lists but did not give base-installer", str(error))
        self.mirror.spoilt.clear()
        self.mirror.asked.clear()
        self.assertEqual(set(wanted), set(index.download(wanted)))
        self.assertEqual(
            {"pool/base-installer.udeb"}, {p.split()[0] for p in self.mirror.asked}
        )

    def test_kept(self) -> None:
        """A second run fetches no package again, but for one that was spoilt meanwhile."""
        self.gather()
        self.mirror.asked.clear()
        [file] = self.home.glob("cache/*/debs/tzsetup-udeb*")
        file.write_bytes(bytes(file.stat().st_size))
        self.gather()
        again = [path for path in self.mirror.asked if path.startswith("pool/")]
        self.assertEqual(["pool/tzsetup-udeb.udeb"], again)

    def test_crawling(self) -> None:
        """It is left in time, and the next run goes on where it was."""
        work = self.work()
        signed = apt.Apt(work.cache, SUITE, "main", work.log, work.patience)
        signed.update()
        self.mirror.spoil("netboot", "slow")
        for _ in range(5):  # a busy machine may get no further than to ask
            signed.patience = Patience(try_s=3, pauses_s=(), total_s=3)
            error = self.assertRaises(DevcloudError, signed.need, netboot.PACKAGE)
            if any(path.stat().st_size for path in signed.debs.iterdir()):
                break
        self.assertIn("kept for the next run", str(error))
        self.mirror.spoilt.clear()
        self.mirror.asked.clear()
        self.gather()
        [resumed] = [path for path in self.mirror.asked if "netboot" in path]
        self.assertRegex(resumed, r"bytes=[1-9]\d*-$")

    def test_gone(self) -> None:
        """Nobody is there: told at once."""
        self.mirror.shutdown()
        self.mirror.server_close()
        began = time.monotonic()
        reason = self.fail_to_gather()
        self.assertIn(f"no signed index of {self.mirror.url}", reason)
        self.assertIn("Could not connect", reason)
        self.assertLess(time.monotonic() - began, 20)
