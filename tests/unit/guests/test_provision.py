"""Playbooks and hardening: what is refused, and what the guest is told."""

from __future__ import annotations

import dataclasses
import io
import lzma
import tarfile
from typing import Any

import testtools

from osc_imagebuild.guests import families, provision
from osc_imagebuild.model.provision import Ansible, Guide, Hardening, TreeFile
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import preflight
from tests.unit.wanted import CATALOG, PLAYBOOK, asked, layered, rendered

GUIDE = Guide(url="https://guides.example/x.zip", sha256="0" * 64)


def found(name: str, **fields: Any) -> list[str]:
    """What is wrong with a request for a system."""
    entry = CATALOG.entry(name)
    request = Request(name="x", os=name, source="http://s", **fields)
    problems = families.family(entry.family).problems(entry, request)
    return [problem for problem in problems if "--firmware" not in problem]


class RefusedTest(testtools.TestCase):
    """Each is one sentence."""

    def refused(self, text: str, **fields: Any) -> None:
        """There is one problem, and it says this."""
        [problem] = found("debian-13", **fields)
        self.assertIn(text, problem)

    def play(self, text: str, **fields: Any) -> None:
        """The same of a playbook."""
        self.refused(text, ansible=dataclasses.replace(PLAYBOOK, **fields))

    def test_playbooks(self) -> None:
        """That are none, or are not among what is sent."""
        self.play("needs a playbook", playbook="")
        self.play("'other.yml' is not among the files", playbook="other.yml")
        self.play("'r.yml' is not among the files", requirements="r.yml")
        self.play("64 words at most", extra_args=("-v",) * 65)
        for word in ("", "a\nb", "a\0b", "caf\udce9", "x" * 1001):
            self.play("this is no word", extra_args=(word,))

    def test_versions(self) -> None:
        """What pip would take for something else."""
        for version in ("latest", "2.19; x", "2.19 --pre", "2.*.1", ">=2", "2.19\n"):
            self.play("this is no version", version=version)
        for version in ("2", "2.19", "2.19.*", "2.19.0"):
            play = dataclasses.replace(PLAYBOOK, version=version)
            self.assertEqual([], found("debian-13", ansible=play))
        self.play("give a version too", pip_index="https://x.example/simple")
        for url in ("ftp://x", "https://x y", "https://x/'", "https://u:p@x/"):
            self.play("pip needs an http(s) URL", version="2.19.*", pip_index=url)
        play = dataclasses.replace(PLAYBOOK, version="2.19.*")
        [problem] = found("opensuse-leap-16", ansible=play)
        self.assertIn("which of its releases of Python has pip", problem)

    def test_words(self) -> None:
        """With which the play would not run here, or would wait for somebody."""
        for word in (
            *("-i", "-ihosts", "-k", "-K", "-C", "-c", "-vC", "-bK", "-J", "-h"),
            *("--inventory=x", "--inv", "--connection", "--ask-become-pass", "--step"),
            *("--check", "--list-hosts", "--list-t", "--syntax", "--version", "-uroot"),
        ):
            self.play(f"cannot be given {word}: ", extra_args=(word,))
        good: tuple[str, ...] = (
            "-v",
            "-vvv",
            "--diff",
            "--tags",
            "a,b",
            "-tick",
            "-e",
            "x=1",
            "--",
        )
        good += ("--skip-tags=c", "--limit", "all", "-eice=1", "-", "$(id)", "it's ☃")
        play = dataclasses.replace(PLAYBOOK, extra_args=good)
        self.assertEqual([], found("debian-13", ansible=play))

    def test_profiles(self) -> None:
        """And guides."""

        def hard(text: str, **fields: Any) -> None:
            wanted = {"profile": "cis", "guide": GUIDE, **fields}
            self.refused(text, hardening=Hardening(**wanted))

        for name in ("", "a b", "$(id)", "x" * 201, "-x", "a\n"):
            hard("no name of a profile", profile=name)
        for score in (-1, 101):
            hard("is 0 to 100", min_score=score)
        hard("needs an http(s) URL", guide=Guide(url="file:///x", sha256="0" * 64))
        hard("this is no sha256", guide=Guide(url=GUIDE.url, sha256="0" * 63))

    def test_systems_without_a_guide_of_their_own(self) -> None:
        """Say so, with the way out; or the catalogue has another one for them."""
        own = Hardening(profile="cis_level1_server")
        for name in CATALOG.names():
            problems = found(name, hardening=own)
            if name == "ubuntu-26.04":
                [problem] = problems
                self.assertIn("cannot be hardened by its own guide: its ssg-", problem)
                self.assertIn("customise.hardening.guide", problem)
            elif CATALOG.entry(name).family not in ("windows", "freebsd"):
                self.assertEqual([], problems, name)
            other = dataclasses.replace(own, guide=GUIDE)
            refused = CATALOG.entry(name).family in ("windows", "freebsd")
            self.assertEqual(refused, bool(found(name, hardening=other)), name)

    def test_another_releases_guide(self) -> None:
        """Debian's and Ubuntu's are fetched, by their sha256; no package is borrowed for them."""
        hard = Hardening(profile="cis_level1_server")
        for name, package in (
            ("debian-12", "ssg-debian_"),
            ("debian-13", "ssg-debian_"),
            ("ubuntu-24.04", "ssg-debderived_"),
        ):
            request = Request(name="x", os=name, hardening=hard)
            told = provision.context(CATALOG.entry(name), request)["hardening"]
            self.assertIn(f"/{package}0.1.", told["guide"].url)
            self.assertEqual(["openscap-scanner"], told["packages"])

    def test_systems_without(self) -> None:
        """Windows, FreeBSD, and what nothing is known of."""
        hard = Hardening(profile="cis", guide=GUIDE)
        for name in ("windows-server-2025", "freebsd-14"):
            both = found(name, ansible=PLAYBOOK, hardening=hard)
            self.assertIn("cannot be given a playbook: ", both[0])
            self.assertIn("cannot be given a hardening profile: ", both[1])
        entry = dataclasses.replace(CATALOG.entry("debian-13"), family="generic")
        asked_for = Request(name="x", os=entry.name, ansible=PLAYBOOK, hardening=hard)
        for parent in (None, "p"):
            request = dataclasses.replace(asked_for, from_image=parent)
            problems = families.family("generic").problems(entry, request)
            self.assertEqual(2, len(problems), str(problems))
            told = provision.context(entry, request)
            self.assertEqual((None, None), (told["ansible"], told["hardening"]))

    def test_catalogues(self) -> None:
        """What another's catalogue says of guides is judged as what a user says."""
        entry = CATALOG.entry("debian-13")
        for guide in ({"url": "file:///x"}, {}, {"sha256": "x", "url": "y"}):
            variables = {**entry.variables, "security_guide": guide}
            other = dataclasses.replace(entry, variables=variables)
            request = Request(name="x", hardening=Hardening(profile="cis"))
            self.assertNotEqual([], provision.problems(other, request))

    def test_size(self) -> None:
        """What does not fit says how large it is."""
        tree = tuple(
            TreeFile(path=f"{n}", content=bytes((n * i * i) % 251 for i in range(9999)))
            for n in range(40)
        )
        play = Ansible(playbook="0", tree=(*tree, *PLAYBOOK.tree))
        entry, request = CATALOG.entry("debian-13"), Request(name="x", ansible=play)
        told = rendered(entry, request)
        whole = "\n".join(preflight.check_answers(entry, request, told))
        self.assertNotIn("Nova takes", whole)
        noise = tuple(TreeFile(path="x", content=_noise(60_000)) for _ in "x")
        request = Request(name="x", ansible=Ansible(playbook="x", tree=noise))
        told = rendered(entry, request)
        [problem] = preflight.check_answers(entry, request, told)
        self.assertRegex(
            problem,
            r"characters as base64, Nova takes 65535; of that, the 1 files of the "
            r"playbook's directory make 8\d{4}, from 60000 bytes; give",
        )


def _noise(size: int) -> bytes:
    """Bytes that nothing compresses, the same each time."""
    state, data = 1, bytearray()
    for _ in range(size):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        data.append(state >> 56)
    return bytes(data)


class BundleTest(testtools.TestCase):
    """The archive of a playbook's directory."""

    def test_what_is_in_it(self) -> None:
        """Files with their modes, in any order the same."""
        files = (
            TreeFile(path="roles/ü/tasks/main.yml", content=b"- a\n"),
            TreeFile(path="files/run", content=b"", executable=True),
            TreeFile(path="x" * 150 + "/y", content=b"\0"),
        )
        bundle = provision.bundle(Ansible(playbook="x", tree=files))
        turned = provision.bundle(Ansible(playbook="x", tree=files[::-1]))
        self.assertEqual(bundle, turned)
        self.assertEqual("/var/lib/imagebuild-ansible/project.tar.xz", bundle.path)
        with tarfile.open(fileobj=io.BytesIO(lzma.decompress(bundle.data))) as archive:
            members = archive.getmembers()
            read = {m.name: archive.extractfile(m).read() for m in members}  # type: ignore[union-attr]
        self.assertEqual({f.path: f.content for f in files}, read)
        modes = {m.name: (m.mode, m.uid, m.mtime) for m in members}
        self.assertEqual((0o755, 0, 0), modes["files/run"])
        self.assertEqual((0o644, 0, 0), modes["roles/ü/tasks/main.yml"])

    def test_empty(self) -> None:
        """It is no archive at all."""
        self.assertEqual(b"", provision.bundle(Ansible(playbook="x")).data)
        script = layered("debian-13", ansible=Ansible(playbook="x"))
        self.assertNotIn("decode > /var/lib/imagebuild-ansible/project", script)


class PackagesTest(testtools.TestCase):
    """What is there for a while."""

    def borrowed(self, name: str, **fields: Any) -> list[str]:
        """The words of both calls."""
        script = layered(name, **fields).splitlines()
        return [
            ln.partition(" >")[0]
            for ln in script
            if ln.startswith(("borrow ", "give_back >"))
        ]

    def test_of_families(self) -> None:
        """By their own names."""
        ansible = {"ansible": PLAYBOOK}
        for name, words in (
            ("debian-13", "borrow ansible-core python3-apt"),
            ("ubuntu-24.04", "borrow ansible-core python3-apt"),
            ("rocky-9", "borrow ansible-core"),
            ("fedora-44", "borrow ansible-core python3-libdnf5"),
            ("opensuse-leap-15.6", "borrow ansible-core"),
            ("sles-16", "borrow ansible-core"),
        ):
            self.assertEqual([words, "give_back"], self.borrowed(name, **ansible), name)
        pinned = dataclasses.replace(PLAYBOOK, version="2.19.*")
        for name, calls in (
            ("debian-13", ["borrow python3-venv python3-apt", "give_back"]),
            ("rocky-9", []),
        ):
            self.assertEqual(calls, self.borrowed(name, ansible=pinned), name)
            script = layered(name, ansible=pinned)
            self.assertIn("install 'ansible-core==2.19.*'", script)
            self.assertIn("run.py $work/venv/bin site.yml ", script)

    def test_of_scanners(self) -> None:
        """With the guides, unless there is another."""
        for name, words in (
            ("ubuntu-22.04", "borrow libopenscap8"),
            ("ubuntu-24.04", "borrow openscap-scanner"),
            ("rocky-9", "borrow openscap-scanner scap-security-guide"),
            ("sles-15", "borrow openscap-utils scap-security-guide"),
        ):
            hard = Hardening(profile="cis_level1_server")
            found = self.borrowed(name, hardening=hard)
            self.assertEqual([words, "give_back"], found)
            self.assertIn(
                " cis_level1_server cis_server_l1 0 ", layered(name, hardening=hard)
            )
        self.assertIn("ssg-debderived_0.1.79", layered("ubuntu-24.04", hardening=hard))

    def test_what_is_wanted_stays(self) -> None:
        """It is installed before, and not removed."""
        fields = {"packages": ("ansible-core", "python3-apt"), "ansible": PLAYBOOK}
        self.assertEqual([], self.borrowed("debian-13", **fields))

    def test_once(self) -> None:
        """Both have the same functions."""
        hard = Hardening(profile="cis", guide=GUIDE, tailoring="<x/>")
        script = layered("debian-13", hardening=hard, ansible=PLAYBOOK)
        self.assertEqual(1, script.count("give_back() {"))
        self.assertIn("tailoring.xml", script)
        self.assertEqual(1, layered("debian-13", hardening=hard).count("borrow() {"))

    def test_order(self) -> None:
        """Files, playbook, commands, hardening, and what must not stay."""
        hard = Hardening(profile="cis", guide=GUIDE)
        fields: dict[str, Any] = {"ansible": PLAYBOOK, "hardening": hard}
        fields["commands"] = ("true",)
        entry = CATALOG.entry("debian-13")
        for script in (
            layered("debian-13", **fields),
            rendered(entry, asked(entry, **fields)).answer,
        ):
            signs = ("imagebuild-ansible", "sh -e -c true", "imagebuild-hardening")
            places = [script.index(sign) for sign in (*signs, "/etc/machine-id")]
            self.assertEqual(sorted(places), places)
            self.assertEqual(2, script.count("export IMAGEBUILD_"))
