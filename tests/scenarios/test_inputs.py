"""What decides a result, and what does not."""

from __future__ import annotations

import dataclasses
import hashlib
import lzma
from collections.abc import Callable
from typing import Any

from osc_imagebuild.builder import Builder
from osc_imagebuild.guests import install_tree, passwords
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.media.backoff import TRIES
from osc_imagebuild.model import inputs
from osc_imagebuild.model.inputs import NAMES
from osc_imagebuild.model.provision import Guide, Hardening, TreeFile
from osc_imagebuild.model.request import File, Repository, Request, User
from osc_imagebuild.planning import inputs as planning
from osc_imagebuild.planning.plan import Plan
from tests.fakes.mirror import Mirror
from tests.fakes.planning import flavor
from tests.unit.base import CATALOG, CloudTestCase
from tests.unit.wanted import PLAYBOOK

# What a mirror of Debian has, and the server of its security updates.
RELEASE = b"Suite: stable\nSHA256:\n aa 1 main/Packages\n"
SUITE = b"Date: Sat, 01 Aug 2026\nSHA256:\n bb 1 main/Packages\n cc 2 main/i18n\n"
SAME_LATER = b"Date: Sun, 02 Aug 2026\nSHA256:\n cc 2 main/i18n\n bb 1 main/Packages\n"
NEWER = SUITE.replace(b"bb 1", b"b0 1")
GUIDE = Guide(url="http://guides.fake/ssg.zip", sha256="0" * 64)
REPOSITORY = Repository(name="own", url="http://own.fake/apt", suites=("stable",))
WISHES: dict[str, Any] = {
    "os": "debian-13",
    "packages": ("vim",),
    "root_password": "secret of root",
    "users": (User(name="joe", password="secret of joe"),),
    "files": (File(path="/etc/motd", content=b"hello\n"),),
    "flavor": "m1.small",
    "boot_method": "kernel",
}
Change = Callable[["InputsTestCase"], dict[str, Any] | None]


class InputsTestCase(CloudTestCase):
    """Plans of Debian on the fake cloud, by a catalogue that a test may change."""

    def setUp(self) -> None:
        """Have a mirror with package indexes, and hashes that cost little."""
        super().setUp()
        self.patch(passwords, "ROUNDS", 1000)
        self.cloud.nova.flavors.append(flavor("m1.large", 8192, 20))
        self.mirror.files |= {"Release": RELEASE, "InRelease": SUITE, "ssg.zip": b"g"}
        self.entry: dict[str, Any] = {}

    @property
    def mirror(self) -> Mirror:
        """All web servers."""
        return self.cloud.mirror

    def debian(self, client: str = "first") -> Builder:
        """Return the library with the package's own catalogue, as changed."""
        builder = self.builder(client)
        builder.catalog = Catalog([BUILT_IN])
        builder.catalog.add("debian-13", {"source": "http://mirror.fake/debian"})
        builder.catalog.add("debian-13", self.entry)
        return builder

    def planned(self, **fields: Any) -> Plan:
        """Return a plan of Debian with wishes."""
        return self.debian().plan(self.request(**{**WISHES, **fields}))


class DecisionTest(InputsTestCase):
    """Tables: one thing is another one, and what of the inputs then differs."""

    def assert_changes(self, names: tuple[str, ...], change: Change) -> None:
        """After ``change``, which may return fields of the request, ``names`` differ."""
        before = self.planned().inputs
        known = tuple(n for n in NAMES if getattr(before, n))
        self.assertEqual(NAMES, (*known, "parent"))  # of which there is none
        files, entry = dict(self.mirror.files), self.entry
        after = self.planned(**(change(self) or {})).inputs
        self.mirror.files, self.entry = files, entry
        self.assertEqual(names, inputs.changed(before, after))

    def test_nothing(self) -> None:
        """What a build is called, where it runs, and how it is driven."""
        for fields in (
            {},
            {"flavor": "m1.large"},
            {"networks": ("private",)},
            {"config_drive": True},
            {"availability_zone": "nova"},
            {"hints": {"group": "x"}},
            {"timeout_min": 30},
            {"stall_min": 9},
            {"keep_on_failure": True},
            {"attempts": 3},
            {"verify": False},
        ):
            before = self.planned(family="golden")
            after = self.planned(**{"family": "golden"} | fields)
            self.assertNotEqual(before.build_id, after.build_id)
            self.assertNotEqual(before.texts["answer"], after.texts["answer"])
            self.assertEqual(before.inputs, after.inputs, str(fields))

    def test_name(self) -> None:
        """It counts by itself: whoever compares knows whether it is one for all."""
        before = self.planned(family="golden").inputs
        after = self.planned(family="golden", name="another").inputs
        self.assertEqual(("name",), inputs.changed(before, after))

    def test_hash_of_a_password(self) -> None:
        """It is compared as it is."""
        hashed = passwords.hashed("secret of root")
        before = self.planned(root_password=hashed).inputs
        self.assertEqual(before, self.planned(root_password=hashed).inputs)
        other = passwords.hashed("secret of root")
        after = self.planned(root_password=other).inputs
        self.assertEqual(("answers",), inputs.changed(before, after))

    def test_address(self) -> None:
        """Nor does the address that a network without DHCP happened to give."""
        self.cloud.neutron.add_network("static", "n-s", dhcp=False)
        wanted = {"networks": ("static",), "boot_method": "ipxe"}
        before, after = (self.planned(**wanted) for _ in range(2))
        self.assertNotEqual(before.spec.network.address, after.spec.network.address)
        self.assertEqual(before.inputs, after.inputs)
        dynamic = self.planned(boot_method="ipxe")
        self.assertIsNone(dynamic.spec.network.address)
        self.assertEqual(before.inputs, dynamic.inputs)

    def test_media_and_mirror(self) -> None:
        """Kernel, ramdisk and the release file."""

        def file(name: str, data: bytes) -> Change:
            return lambda test: test.mirror.files.update({name: data})

        self.assert_changes(
            ("media",), file("linux", self.mirror.files["linux"] + b"x")
        )
        self.assert_changes(("media",), file("initrd.gz", b"\x1f\x8b another"))
        self.assert_changes(("mirror",), file("Release", RELEASE + b" dd 3 more\n"))

    def test_updates(self) -> None:
        """What the suites list, and not when they were signed."""

        def suite(data: bytes) -> Change:
            return lambda test: test.mirror.files.update({"InRelease": data})

        self.assert_changes((), suite(SAME_LATER))
        self.assert_changes(("updates",), suite(NEWER))
        self.assert_changes(("updates",), suite(b"none of Debian's"))

    def test_template(self) -> None:
        """What is asked for, of which the answer file is made."""
        for fields in (
            {"packages": ("vim", "git")},
            {"files": (File(path="/etc/motd", content=b"bye\n"),)},
            {"commands": ("true",)},
            {"timezone": "Europe/Berlin"},
            {"users": (User(name="jim", password="secret of joe"),)},
            {"properties": {"a": "b"}},
            {"tags": ("web",)},
            {"visibility": "shared"},
            {"swap_mib": 64},
            {"ansible": PLAYBOOK},
            {"hardening": Hardening(profile="cis", guide=GUIDE)},
            {"members": ("p-other",)},
            {"update": False},
        ):
            self.assert_changes(("template",), lambda test, new=fields: new)  # type: ignore[misc]

    def test_updates_that_are_asked_for(self) -> None:
        """They are by default; only what is done where they fail differs."""
        self.assert_changes(("answers",), lambda test: {"update": True})

    def test_playbook(self) -> None:
        """Its files, its variables, and how it is run."""
        before = self.planned(ansible=PLAYBOOK).inputs
        tree = (TreeFile(path="site.yml", content=b"- hosts: localhost\n"),)
        for fields in (
            {"tree": tree},
            {"tree": (dataclasses.replace(PLAYBOOK.tree[0], executable=True),)},
            {"variables": {"a": "secret of a play"}},
            {"extra_args": ("-v",)},
            {"version": "2.19.*"},
        ):
            play = dataclasses.replace(PLAYBOOK, **fields)
            after = self.planned(ansible=play).inputs
            self.assertEqual(("template",), inputs.changed(before, after), str(fields))
            self.assertNotIn("secret", str(after))
        self.assertEqual(before, self.planned(ansible=PLAYBOOK).inputs)

    def test_packing(self) -> None:
        """Other bytes of the same files, as another machine's library makes, are the same."""
        before = self.planned(ansible=PLAYBOOK).inputs
        self.patch(lzma, "compress", lambda data, preset: data[::-1])
        self.assertEqual(before, self.planned(ansible=PLAYBOOK).inputs)

    def test_secrets(self) -> None:
        """A changed password is noticed, and is nowhere in what is kept."""
        joe = User(name="joe", password="changed")
        for fields in ({"root_password": "changed"}, {"users": (joe,)}):
            self.assert_changes(("answers",), lambda test, new=fields: new)  # type: ignore[misc]
        self.assertNotIn("secret", str(self.planned().inputs))

    def test_catalogue(self) -> None:
        """What an entry says of results; not how it is shown, watched or waited for."""

        def says(**entry: Any) -> Change:
            def change(test: InputsTestCase) -> None:
                test.entry = entry

            return change

        for changed, entry in (
            (True, {"variables": {"language": "de"}}),
            (True, {"properties": {"os_version": "13.1"}}),
            (True, {"result_min_ram_mib": 1024}),
            (True, {"arches": {"x86_64": {"variables": {"console": "tty1"}}}}),
            (False, {"arches": {"aarch64": {"variables": {"console": "tty1"}}}}),
            (False, {"title": "Debian"}),
            (False, {"end_of_life": "never"}),
            (False, {"deviations": ["none"]}),
            (False, {"stall_min": 99}),
            (False, {"timeout_min": 99}),
            (False, {"failures": [["x", "y"]]}),
            (False, {"variables": {"accepts": {"keyboard": "console"}}}),
            (False, {"variables": {"no_security_guide": "none"}}),
            (False, {"verify": {"timeout_min": 7}}),
        ):
            self.assert_changes(("catalogue",) if changed else (), says(**entry))

    def test_order_of_keys(self) -> None:
        """A mapping is what it says, in any order, with keys and values of any kind."""
        wanted = {"b": [1, 2.5, None], "a": {"x": True, 7: b"y"}}
        turned = {"a": {7: b"y", "x": True}, "b": [1, 2.5, None]}
        self.entry = {"variables": wanted}
        before = self.planned().inputs
        self.entry = {"variables": turned}
        self.assertEqual(before, self.planned().inputs)


class UnknownTest(InputsTestCase):
    """What no web server tells."""

    def test_one_that_refuses(self) -> None:
        """The first failure ends it; the rest is planned as always."""
        self.entry = {"indexes": ["http://a.fake/none", "http://b.fake/InRelease"]}
        plan = self.planned()
        self.assertEqual("", plan.inputs.updates)
        [warning] = [w for w in plan.warnings if "packages" in w]
        self.assertIn("whether packages were updated cannot be told: ", warning)
        self.assertIn("http://a.fake/none answers HTTP 404", warning)
        self.assertEqual([], [f for f in self.mirror.fetched if "b.fake" in f])
        self.assertIn("answers=", plan.spec.result.properties["imagebuild_inputs"])
        self.assertNotIn("updates", plan.spec.result.properties["imagebuild_inputs"])

    def test_fall_back(self) -> None:
        """A list may be there without a signature in it."""
        self.entry = {"indexes": ["http://a.fake/dists/x/InRelease"]}
        before = self.planned().inputs.updates
        del self.mirror.files["InRelease"]
        self.mirror.files["Release"] = SUITE
        self.assertEqual(before, self.planned().inputs.updates)

    def test_not_now(self) -> None:
        """A server that is busy is asked again, so often and no more."""
        self.entry = {"indexes": ["http://a.fake/x/InRelease"]}
        served = self.mirror.serve
        busy = []

        def serve(method: str, url: str, wanted: str = "") -> Any:
            if "a.fake" in url:
                busy.append(url)
                self.mirror.status = 503
            try:
                return served(method, url, wanted)
            finally:
                self.mirror.status = 0

        self.patch(self.mirror, "serve", serve)
        self.assertEqual("", self.planned().inputs.updates)
        self.assertEqual(TRIES, len(busy))

    def test_without(self) -> None:
        """No index, no part; and no warning."""
        self.entry = {"indexes": []}
        plan = self.planned()
        self.assertEqual(("", ()), (plan.inputs.updates, plan.warnings))

    def test_other_boot_method(self) -> None:
        """One that does not fetch the kernel here knows no media, and changes nothing."""
        before, after = (self.planned(boot_method=m).inputs for m in ("kernel", "ipxe"))
        self.assertEqual("", after.media)
        self.assertEqual((), inputs.changed(before, after))


class SecretsTest(InputsTestCase):
    """What could be guessed takes its time."""

    def test_settled(self) -> None:
        """The same for the same owner, as slow as any; a hash stays as it is."""
        password = "secret of root"
        first = passwords.settled(password, "golden", "root")
        self.assertEqual(first, passwords.settled(password, "golden", "root"))
        self.assertTrue(first.startswith(f"$6$rounds={passwords.ROUNDS}$"))
        for owner in (("golden", "joe"), ("other", "root"), ("golden\0", "root")):
            self.assertNotEqual(first, passwords.settled(password, *owner))
        self.assertEqual(first, passwords.settled(first, "other", "joe"))

    def test_own_files(self) -> None:
        """An own answer file counts whatever is in it, and by no quick digest."""
        text = "d-i debian-installer/exit/poweroff boolean true\n#@REPORT@ secret"
        own = {**dict.fromkeys(("packages", "users", "files"), ()), "answer_file": text}
        rounds = []

        def slow(name: str, data: bytes, salt: bytes, count: int) -> bytes:
            rounds.append((data, salt, count))
            return hashlib.sha256(data).digest()

        self.patch(hashlib, "pbkdf2_hmac", slow)
        before = self.planned(root_password=None, **own).inputs
        asked = [(salt, count) for data, salt, count in rounds if b"secret" in data]
        self.assertEqual([(b"golden", planning.ROUNDS)] * 2, asked)
        own["answer_file"] = text.replace("secret", "changed")
        after = self.planned(root_password=None, **own).inputs
        self.assertEqual(("template",), inputs.changed(before, after))
        quick = hashlib.sha256(text.encode()).hexdigest()
        self.assertNotIn(quick[:16], before.to_text())


class MediaTest(CloudTestCase):
    """ISOs count by their content."""

    def media(self, **fields: Any) -> str:
        """Return the part of a plan with an ISO."""
        return self.builder().plan(self.request(**fields)).inputs.media

    def test_isos(self) -> None:
        """At a URL, by its checksum, in an image."""
        url = "http://m.fake/mini.iso"
        first = self.media(source=url, boot_method="cdrom")
        self.assertTrue(first)
        self.assertEqual(first, self.media(source=url, boot_method="cdrom"))
        self.mirror_says("Sun, 02 Aug 2026 10:00:00 GMT")
        self.assertNotEqual(first, self.media(source=url, boot_method="cdrom"))
        data = self.cloud.mirror.files["mini.iso"]
        image = self.cloud.glance.add(
            "demo", status="active", disk_format="iso", data=data, size=len(data)
        )
        self.assertTrue(self.media(source=image.id, boot_method="cdrom"))

    def mirror_says(self, when: str) -> None:
        """Let all that the mirror has be of another time."""
        self.cloud.mirror.headers = {"Last-Modified": when}


class IndexesTest(CloudTestCase):
    """Where the catalogue's own entries have their package indexes."""

    def urls(self, name: str, arch: str = "x86_64", **fields: Any) -> tuple[str, ...]:
        """Return the indexes of an entry."""
        from_iso = bool(fields.pop("iso", False))
        request = Request(**{"name": "x", "os": name, "arch": arch} | fields)
        system = install_tree.system(Catalog([BUILT_IN]).entry(name), request)
        return install_tree.indexes(system, request, from_iso=from_iso)

    def test_families(self) -> None:
        """Those of the repositories that its answer file makes an installer use."""
        debian = "http://ftp.debian.org/debian/dists/trixie"
        rocky = "http://download.rockylinux.org/pub/rocky/9"
        tree = "http://m/tree"
        modules = ("Basesystem", "Server-Applications", "Public-Cloud")
        for name, source, wanted in (
            (
                "debian-13",
                None,
                (
                    f"{debian}/Release",
                    f"{debian}-updates/InRelease",
                    "http://security.debian.org/debian-security/dists/trixie-security"
                    "/InRelease",
                ),
            ),
            (
                "ubuntu-24.04",
                None,
                (
                    "http://archive.ubuntu.com/ubuntu/dists/noble-updates/InRelease",
                    "http://security.ubuntu.com/ubuntu/dists/noble-security/InRelease",
                ),
            ),
            (
                "rocky-9",
                None,
                tuple(
                    f"{rocky}/{part}/x86_64/os/repodata/repomd.xml"
                    for part in ("BaseOS", "AppStream")
                ),
            ),
            (
                "rhel-9",
                tree,
                tuple(
                    f"{tree}/{part}/repodata/repomd.xml"
                    for part in ("BaseOS", "AppStream")
                ),
            ),
            (
                "sles-15",
                tree,
                tuple(f"{tree}/Module-{m}/repodata/repomd.xml" for m in modules),
            ),
            ("opensuse-tumbleweed", tree, (f"{tree}/repodata/repomd.xml",)),
            ("sles-16", tree, (f"{tree}/install/repodata/repomd.xml",)),
            (
                "freebsd-15",
                None,
                (
                    "https://pkg.FreeBSD.org/FreeBSD:15:amd64/quarterly/packagesite.pkg",
                    "https://update.FreeBSD.org/15.1-RELEASE/amd64/latest.ssl",
                ),
            ),
            (
                "fedora-44",
                "http://m/releases/44/Everything/x86_64/os",
                (
                    "http://m/releases/44/Everything/x86_64/os/repodata/repomd.xml",
                    "http://m/updates/44/Everything/x86_64/repodata/repomd.xml",
                ),
            ),
            (
                "opensuse-leap-15.6",
                "http://m/distribution/leap/15.6/repo/oss",
                (
                    "http://m/distribution/leap/15.6/repo/oss/repodata/repomd.xml",
                    *(
                        f"http://m/update/leap/15.6/{part}/repodata/repomd.xml"
                        for part in ("oss", "sle", "backports")
                    ),
                ),
            ),
            ("windows-11", "http://m/windows.iso", ()),
        ):
            self.assertEqual(wanted, self.urls(name, source=source))

    def test_without_updates(self) -> None:
        """What only updates come from does not count; where packages come from does."""
        for name, source, gone in (
            ("debian-13", None, 0),
            ("ubuntu-24.04", None, 0),
            ("rocky-9", None, 0),
            ("fedora-44", None, 1),
            ("opensuse-leap-15.6", None, 3),
            ("opensuse-leap-16", None, 0),
            ("sles-15", "http://m/tree", 0),
            ("freebsd-15", None, 1),
        ):
            with_them = self.urls(name, source=source)
            without = self.urls(name, source=source, update=False)
            self.assertEqual(gone, len({*with_them} - {*without}), name)
            self.assertEqual(set(), {*without} - {*with_them}, name)
            self.assertEqual(with_them, self.urls(name, source=source, update=True))

    def test_other_architectures(self) -> None:
        """Ubuntu has them elsewhere, FreeBSD below another name."""
        for url in self.urls("ubuntu-24.04", "aarch64"):
            self.assertTrue(url.startswith("http://ports.ubuntu.com/ubuntu-ports/"))
        packages, base = self.urls("freebsd-15", "aarch64")
        self.assertIn("/FreeBSD:15:aarch64/quarterly/", packages)
        self.assertIn("/15.1-RELEASE/arm64/", base)

    def test_isos(self) -> None:
        """Of a DVD nothing changes; a small ISO leaves the packages to the mirror."""
        iso: dict[str, Any] = {"source": "http://m/x.iso", "iso": True}
        for name in ("rocky-9", "opensuse-leap-15.6", "sles-15", "rhel-9"):
            self.assertEqual((), self.urls(name, update=False, **iso))
        # Updates come from where the vendor has them.
        for name, count in (("rocky-9", 2), ("opensuse-leap-15.6", 3), ("rhel-9", 0)):
            self.assertEqual(count, len(self.urls(name, **iso)), name)
        self.assertEqual(self.urls("debian-13"), self.urls("debian-13", **iso))

    def test_own_repositories(self) -> None:
        """Those that a request adds, as each kind of package manager has them."""
        flat = dataclasses.replace(REPOSITORY, suites=("a", "flat/"))
        plain = Repository(name="own", url="http://own.fake/$releasever/$basearch/")
        for name, repository, wanted in (
            ("debian-13", flat, ("apt/dists/a/InRelease", "apt/flat/InRelease")),
            ("ubuntu-24.04", flat, ("apt/dists/a/InRelease", "apt/flat/InRelease")),
            ("rocky-9", plain, ("9/x86_64/repodata/repomd.xml",)),
            (
                "opensuse-leap-15.6",
                plain,
                ("$releasever/$basearch/repodata/repomd.xml",),
            ),
            ("opensuse-leap-16", plain, ("$releasever/$basearch/repodata/repomd.xml",)),
            ("freebsd-15", plain, ("$releasever/$basearch/packagesite.pkg",)),
        ):
            urls = self.urls(name, repositories=(repository,))
            found = tuple(u.removeprefix("http://own.fake/") for u in urls)
            self.assertEqual(wanted, found[-len(wanted) :])

    def test_every_entry(self) -> None:
        """Each can be rendered, on each architecture, and is an address."""
        catalog = Catalog([BUILT_IN])
        for name in catalog.names():
            for arch in catalog.entry(name).arches:
                for url in self.urls(name, arch):
                    self.assertRegex(url, r"^https?://[^/{} ]+/[^{} ]+$")


class SameTest(InputsTestCase):
    """A short look finds the same as a whole plan."""

    def test_same(self) -> None:
        """Whatever is asked for, and whoever looks."""
        iso = "http://m.fake/mini.iso"
        data = self.mirror.files["installer.iso"]
        image = self.cloud.glance.add(
            "demo", status="active", disk_format="iso", data=data, size=len(data)
        )
        for fields in (
            {},
            {"root_password": None, "users": ()},
            {"repositories": (REPOSITORY,)},
            {"boot_method": "ipxe"},
            {"config_drive": True},
            {"os": "mini", "source": iso, "boot_method": "cdrom"},
            {"os": "mini", "source": "http://m.fake/installer.iso"},
            {"os": "mini", "source": image.id, "boot_method": "cdrom"},
            {"os": "mini", "source": image.id, "boot_method": "kernel"},
        ):
            wishes = {} if "os" in fields else WISHES
            request = self.request(**{**wishes, **fields})
            plan = self.with_mini("first").plan(request)
            found = self.with_mini("second").outdated(request)
            self.assertEqual(plan.inputs, found.inputs, str(fields))
            self.assertTrue(plan.inputs.is_whole)
            kept = plan.spec.result.properties["imagebuild_inputs"]
            self.assertEqual(plan.inputs, inputs.from_text(kept))

    def with_mini(self, client: str) -> Builder:
        """Return the library with both catalogues."""
        builder = self.debian(client)
        both = Catalog([BUILT_IN, CATALOG])
        both.add("debian-13", {"source": "http://mirror.fake/debian"})
        builder.catalog = both
        return builder
