"""What is installed is brought up to date: the scripts run in a made-up system."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import fixtures
import testtools

from osc_imagebuild.guests import families
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import parents
from tests import paths
from tests.scenarios.test_target_tree import TargetTestCase
from tests.unit import answer_files
from tests.unit.target_tree import Target
from tests.unit.wanted import BUILD, CATALOG, asked, entries, layered, rendered

BEGINS, DONE = "IMAGEBUILD-UPDATE begins", "IMAGEBUILD-UPDATE is done"
LEFT_OUT = "IMAGEBUILD-UPDATE is left out: "
FAILED = "IMAGEBUILD-FAILED update: "
# A release of each family with a shell, whose layers are changed by the same script.
SHELLS = ("debian-13", "ubuntu-24.04", "rocky-9", "opensuse-leap-15.6", "sles-16")
OLD, NEW = "/boot/vmlinuz-6.1.0-1", "/boot/vmlinuz-6.1.0-2"
# What stands for a package manager: it fails at a word.
FAILS = 'case " $* " in *" {word} "*) exit {code} ;; esac'


class UpdateTestCase(TargetTestCase):
    """Runs a script with package managers that do as they are told."""

    def renew(self) -> None:
        """Have another system."""
        self.target = Target(self.useFixture(fixtures.TempDir()).path)
        for path in ("etc/apt/sources.list.d/x", "etc/yum.repos.d/x", "run/x"):
            self.target.write(path, "")
        self.target.write("etc/zypp/repos.d/x", "")
        self.target.program("sleep", "/bin/sleep 0.1")

    def run_in(self, name: str, *, layer: bool = False, **fields: Any) -> str:
        """Run the script, to whatever end; return what the console shows."""
        if layer:
            self.target.run(layered(name, **fields))
            return self.target.read("/dev/console")
        entry = CATALOG.entry(name)
        script = self.script(entry, asked(entry, **fields))
        return self.shown(f"set -- inside\n{script}")

    def shown(self, script: str) -> str:
        """Run a script whose console is a file that is written on."""
        console = self.target.write("/dev/console", "")
        self.target.run(re.sub(r"(?<!>)> (/dev/console|\$console)", r">> \1", script))
        return console.read_text(encoding="utf-8")

    def fails(self, program: str, word: str, code: int = 1) -> None:
        """Let a program fail where this is one of its words."""
        self.target.program(program, FAILS.format(word=word, code=code))

    def called(self, program: str) -> list[str]:
        """How a program was called, without its options."""
        calls = [c.split() for c in self.target.calls() if c.startswith(f"{program} ")]
        return [" ".join(w for w in words if not w.startswith("-")) for words in calls]

    def reported(self) -> list[str]:
        """The last words that the report is made of: newest, patched, unpatched."""
        [call] = [c for c in self.target.calls() if c.startswith("python3 - ")]
        return call.split()


class ShellTest(UpdateTestCase):
    """All families with a shell, in installations and layers."""

    def test_default(self) -> None:
        """It is done, before anything else is installed, and reported."""
        for name in SHELLS:
            for layer in (False, True):
                self.renew()
                console = self.run_in(name, layer=layer, packages=("vim",))
                self.assertIn(f"{BEGINS}\n{DONE}\n", console, name)
                self.assertNotIn("FAILED", console)
                self.assertTrue(
                    any(w.isdigit() and len(w) == 10 for w in self.reported())
                )

    def test_order(self) -> None:
        """The user's repositories are there before, packages come after."""
        for name, program, update in (
            ("debian-13", "apt-get", " full-upgrade"),
            ("ubuntu-24.04", "apt-get", " full-upgrade"),
            ("rocky-9", "dnf", " upgrade"),
            ("opensuse-leap-15.6", "zypper", " patch "),
        ):
            self.renew()
            self.run_in(name, layer=True, packages=("vim",), commands=("true",))
            calls = [c for c in self.target.calls() if c.startswith(program)]
            first = next(n for n, call in enumerate(calls) if update in call)
            last = next(n for n, call in enumerate(calls) if " install " in call)
            self.assertLess(first, last, name)
        script = layered("debian-13", packages=("vim",), commands=("echo ran",))
        places = [
            script.index(word)
            for word in (
                BEGINS,
                "full-upgrade >",
                "install vim",
                "echo ran",
                "/etc/machine-id",
            )
        ]
        self.assertEqual(sorted(places), places)

    def test_not_wanted(self) -> None:
        """Nothing is said or called of it."""
        for name in (*SHELLS, "freebsd-14"):
            entry = CATALOG.entry(name)
            script = self.script(entry, asked(entry, update=False))
            scripts = (
                [script]
                if name == "freebsd-14"
                else [script, layered(name, update=False)]
            )
            for text in scripts:
                for word in (
                    "IMAGEBUILD-UPDATE",
                    "full-upgrade",
                    "dnf -y",
                    "zypper -n",
                ):
                    self.assertNotIn(word, text, name)

    def test_out_of_reach(self) -> None:
        """By default it is said and reported; where it was asked for, it fails."""
        for name, program, word, code in (
            ("debian-13", "apt-get", "update", 100),
            ("debian-13", "apt-get", "--download-only", 100),
            ("rocky-9", "dnf", "--downloadonly", 1),
            ("fedora-44", "dnf", "--downloadonly", 1),
            ("opensuse-leap-15.6", "zypper", "patch", 106),
            ("opensuse-tumbleweed", "zypper", "dup", 4),
            ("sles-16", "zypper", "patch", 6),
        ):
            layer = name in ("rocky-9", "sles-16")
            self.renew()
            self.fails(program, word, code)
            console = self.run_in(name, layer=layer)
            self.assertIn(f"{LEFT_OUT}{program} ", console, name)
            self.assertNotIn("FAILED", console, name)
            self.assertIn(program, self.reported(), name)
            self.renew()
            self.fails(program, word, code)
            console = self.run_in(name, layer=layer, update=True)
            self.assertIn(f"{FAILED}{program} ", console, name)
            self.assertNotIn(DONE, console, name)

    def test_half_done(self) -> None:
        """What fails once it has begun makes no image, whatever was asked for."""
        for name, program, rule in (
            (
                "debian-13",
                "apt-get",
                'case " $* " in *download*) ;; *full-upgrade*) exit 100 ;; esac',
            ),
            ("rocky-9", "dnf", 'case " $* " in *download*) ;; *) exit 1 ;; esac'),
            ("opensuse-leap-15.6", "zypper", "exit 8"),
        ):
            self.renew()
            self.target.program(program, rule)
            console = self.run_in(name)
            self.assertIn(f"{FAILED}{program} ", console, name)
            self.assertFalse(
                [c for c in self.target.calls() if c.startswith("python3")]
            )


class DebianTest(UpdateTestCase):
    """apt."""

    def test_nobody_is_asked(self) -> None:
        """By dpkg, debconf or needrestart."""
        for name in ("debian-13", "ubuntu-24.04"):
            self.renew()
            self.target.program(
                "apt-get",
                f'echo "$DEBIAN_FRONTEND $NEEDRESTART_SUSPEND" >> {self.target.root}/seen',
            )
            self.run_in(name)
            self.assertEqual(
                {"noninteractive 1"}, {*self.target.read("seen").splitlines()}
            )
            [call] = [
                c
                for c in self.target.calls()
                if c.endswith(" full-upgrade") and "only" not in c
            ]
            self.assertIn(" -y ", call)
            self.assertIn("--force-confdef -o Dpkg::Options::=--force-confold", call)

    def test_old_kernels(self) -> None:
        """Those that apt takes for unused go, and nothing else of what it does."""
        says = (
            "Remv libold [1]\\nRemv linux-image-6.1.0-1-amd64 [6.1.1]\\n"
            "Remv linux-headers-6.1.0-1-common [6.1.1]\\nRemv linux-image-amd64 [6.1]\\n"
            "Remv linux-libc-dev [6.1]\\nInst x [1]\\n"
        )
        self.renew()
        self.target.program(
            "apt-get", f'[ "$*" != "-s autoremove" ] || printf "{says}"'
        )
        self.run_in("debian-13")
        purged = [c for c in self.called("apt-get") if " purge " in c]
        self.assertEqual(1, len(purged))
        self.assertTrue(
            purged[0].endswith(
                " purge linux-image-6.1.0-1-amd64 linux-headers-6.1.0-1-common"
            ),
            purged,
        )

    def test_preseed(self) -> None:
        """debian-installer updates too, from where Debian has updates."""
        for update, way in (
            (None, "full-upgrade"),
            (True, "full-upgrade"),
            (False, "none"),
        ):
            entry = CATALOG.entry("debian-13")
            answer = rendered(entry, asked(entry, update=update)).answer
            self.assertIn(f"d-i pkgsel/upgrade select {way}\n", answer)
            self.assertIn(
                "apt-setup/services-select multiselect security, updates\n", answer
            )


class UbuntuTest(UpdateTestCase):
    """The installer's own updates."""

    def test_autoinstall(self) -> None:
        """All of them, or those for security, which it brings in any case."""
        for update, kinds in ((None, "all"), (True, "all"), (False, "security")):
            entry = CATALOG.entry("ubuntu-24.04")
            answer = rendered(entry, asked(entry, update=update)).answer
            self.assertIn(f"\n  updates: {kinds}\n", answer)


class RedHatTest(UpdateTestCase):
    """dnf, and Anaconda."""

    def kernels(self, default: str, *names: str) -> list[str]:
        """Update a system that gets kernels; return what grubby was told to start."""
        self.renew()
        self.target.write(OLD, "")
        root = self.target.root
        made = "; ".join(f": > {root}{name}" for name in names) or ":"
        self.target.program(
            "dnf", f'case "$*" in *downloadonly*) ;; *upgrade) {made} ;; esac'
        )
        self.target.program(
            "grubby", f'[ "$1" != --default-kernel ] || echo {root}{default}'
        )
        console = self.run_in("rocky-9")
        self.assertIn(DONE, console)
        told = [c for c in self.target.calls() if "--set-default" in c]
        return [c.partition("=")[2].removeprefix(str(root)) for c in told]

    def test_the_last_kernel_boots(self) -> None:
        """Where the package's own script has seen to it, nothing is changed."""
        newer = "/boot/vmlinuz-6.1.0-10"
        for default, names, told in (
            (OLD, (), []),
            (NEW, (NEW,), []),
            (OLD, (NEW,), [NEW]),
            (OLD, (NEW, newer), [newer]),
            (NEW, (NEW, newer), []),
            (OLD, ("/boot/vmlinuz-0-rescue-abc",), []),
        ):
            self.assertEqual(told, self.kernels(default, *names), str(names))

    def test_mirror_of_fedora(self) -> None:
        """Its updates are beside its releases; other mirrors' are not known."""
        entry = CATALOG.entry("fedora-44")
        place = "/updates/44/Everything/x86_64/"
        for source, updates in (
            (None, f"http://mirrors.kernel.org/fedora{place}"),
            ("http://m/f/releases/44/Everything/x86_64/os", f"http://m/f{place}"),
            ("http://m/f/releases/44/Server/x86_64/os/", f"http://m/f{place}"),
            ("http://m/fedora-44", ""),
        ):
            answer = rendered(entry, asked(entry, source=source)).answer
            self.assertEqual(bool(updates), "%include" in answer, str(source))
            self.assertIn(f"--baseurl={updates} >" if updates else "dnf", answer)
            self.assertNotIn(
                "%include",
                rendered(entry, asked(entry, source=source, update=False)).answer,
            )
        for entry in entries():
            if entry.family == "redhat" and not entry.name.startswith("fedora"):
                self.assertNotIn("%include", rendered(entry, asked(entry)).answer)

    def test_a_mirror_without_updates(self) -> None:
        """Anaconda is told of those that are there, so that it does not give up."""
        entry = CATALOG.entry("fedora-44")
        answer = rendered(entry, asked(entry)).answer
        script = answer.partition("%pre\n")[2].partition("%end")[0]
        line = (
            "repo --name=imagebuild-updates --baseurl="
            "http://mirrors.kernel.org/fedora/updates/44/Everything/x86_64/\n"
        )
        for code, said in ((0, line), (22, "")):
            self.renew()
            self.target.program("curl", f"exit {code}")
            done = self.target.run(script)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertEqual(said, self.target.read("/tmp/imagebuild-updates.ks"))

    def test_addresses_are_words(self) -> None:
        """Whatever a source is made of, the shell sees one word."""
        entry = CATALOG.entry("fedora-44")
        source = "http://m/$(touch${IFS}x)&x;y/releases/44/Everything/x86_64/os"
        answer = rendered(entry, asked(entry, source=source)).answer
        script = answer.partition("%pre\n")[2].partition("%end")[0]
        self.renew()
        self.target.program("curl", "exit 0")
        self.assertEqual("", self.target.run(script).stderr)
        said = self.target.read("/tmp/imagebuild-updates.ks")
        self.assertIn("$(touch${IFS}x)&x;y/updates/44/", said)

    def test_what_anaconda_has_taken(self) -> None:
        """It counts where the system's own repositories are out of reach."""
        self.renew()
        self.fails("dnf", "--downloadonly")
        self.target.write("/root/imagebuild-updates", "")
        console = self.run_in("fedora-44", update=True)
        self.assertIn(DONE, console)
        self.assertFalse(self.target.exists("/root/imagebuild-updates"))


class SuseTest(UpdateTestCase):
    """zypper."""

    def test_exit_codes(self) -> None:
        """zypper itself may have to be first; a restart is no failure."""
        for codes, calls, word in (
            ("0", 1, DONE),
            ("102", 1, DONE),
            ("107", 1, DONE),
            ("103 0", 2, DONE),
            ("103 103 102", 3, DONE),
            ("103 103 103 103", 3, DONE),
            ("103 106", 2, LEFT_OUT),
            ("7", 1, LEFT_OUT),
            ("103 8", 2, FAILED),
        ):
            self.renew()
            turns = self.target.write("/turns", codes.replace(" ", "\n") + "\n")
            self.target.program(
                "zypper", f"code=$(head -n 1 {turns}); sed -i 1d {turns}; exit $code"
            )
            console = self.run_in("opensuse-leap-16")
            self.assertIn(word, console, codes)
            self.assertEqual(calls, len(self.called("zypper")), codes)

    def test_each_release(self) -> None:
        """Patches where there are any; updates of Leap 15 are on the mirror of its release."""
        cases: tuple[tuple[str, dict[str, Any], str, int], ...] = (
            ("sles-15", {}, "patch", 0),
            ("sles-16", {}, "patch", 0),
            ("opensuse-leap-16", {}, "patch", 0),
            ("opensuse-tumbleweed", {}, "dup", 0),
            ("opensuse-leap-15.6", {}, "patch", 3),
            ("opensuse-leap-15.6", {"source": "http://m/a-copy"}, "patch", 0),
            (
                "opensuse-leap-15.6",
                {"source": "http://m/o/distribution/leap/15.6/repo/oss"},
                "patch",
                3,
            ),
        )
        for name, fields, command, places in cases:
            self.renew()
            self.run_in(name, **fields)
            [call] = [c for c in self.target.calls() if c.startswith("zypper")]
            self.assertIn(f" {command} ", call)
            found = re.findall(r"--plus-repo (\S+)", call)
            self.assertEqual(places, len(found), call)
            host = "m/o" if fields else "download.opensuse.org"
            for url in found:
                self.assertTrue(url.startswith(f"http://{host}/update/leap/15.6/"), url)
            self.assertEqual(
                command == "patch", "--with-interactive --with-update" in call
            )

    def test_name_servers(self) -> None:
        """Those of whoever runs the script are taken, where the new system has none."""
        script = self.script(CATALOG.entry("sles-15"), asked(CATALOG.entry("sles-15")))
        part = script.partition("# Whoever runs this")[2].partition("\nfi\n")[0]
        self.target.write("outside", "nameserver 10.0.0.1\n")
        for mine, kept in (("", "10.0.0.1"), ("nameserver 10.0.0.9\n", "10.0.0.9")):
            self.target.write("/etc/resolv.conf", mine)
            text = f"#{part}\nfi\n".replace("/proc/1/root/etc/resolv.conf", "outside")
            done = self.target.run(text)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertIn(kept, self.target.read("/etc/resolv.conf"))


class FreeBsdTest(UpdateTestCase):
    """freebsd-update, or pkg where the base system is made of packages."""

    def run_part(self, rule: str, pkg: str = "exit 1", **fields: Any) -> str:
        """Run the part of the script; return what the console shows."""
        entry = CATALOG.entry("freebsd-15")
        script = answer_files.script_of(
            "freebsd", entry.name, rendered(entry, asked(entry, **fields)).answer
        )
        self.renew()
        self.target.program("freebsd-version", "echo 15.1-RELEASE")
        self.target.program("freebsd-update", rule)
        self.target.program("pkg", pkg)
        return self.shown(script.partition("pkg bootstrap")[0] + "\nsay end\n")

    def test_freebsd_update(self) -> None:
        """Nothing to install is a good end."""
        for rule, word, end in (
            ("", DONE, True),
            (
                'case "$*" in *updatesready) exit 2 ;; *install) exit 1 ;; esac',
                DONE,
                True,
            ),
            ('case "$*" in *fetch) exit 1 ;; esac', LEFT_OUT, True),
            ('case "$*" in *install) exit 1 ;; esac', FAILED, False),
            ('case "$*" in *updatesready) exit 1 ;; esac', FAILED, False),
        ):
            console = self.run_part(rule)
            self.assertIn(word, console, rule)
            self.assertEqual(end, console.endswith("end\n"), rule)
        calls = [c for c in self.target.calls() if c.startswith("freebsd-update")]
        for call in calls:
            self.assertIn(
                " --not-running-from-cron --currently-running 15.1-RELEASE ", call
            )
        self.assertIn(FAILED, self.run_part("exit 1", update=True))

    def test_base_of_packages(self) -> None:
        """freebsd-update would refuse."""
        for rule, word in (
            ("exit 0", DONE),
            ('case "$*" in "update -f") exit 1 ;; esac', LEFT_OUT),
            ('case "$*" in "upgrade -q") exit 1 ;; esac', FAILED),
        ):
            console = self.run_part("exit 9", rule)
            self.assertIn(word, console, rule)
            self.assertFalse(
                [c for c in self.target.calls() if c.startswith("freebsd-update")]
            )


class WindowsTest(TargetTestCase):
    """What Windows Setup is told; nothing here runs PowerShell."""

    def answer(self, update: bool | None) -> ElementTree.Element:
        """The answer file."""
        entry = CATALOG.entry("windows-server-2025")
        return ElementTree.fromstring(
            rendered(entry, asked(entry, update=update)).answer
        )

    def commands(self, root: ElementTree.Element) -> list[dict[str, str]]:
        """The commands of the pass auditUser."""
        [settings] = [
            s
            for s in root.iter(f"{answer_files.UNATTEND}settings")
            if s.get("pass") == "auditUser"
        ]
        return [
            {
                child.tag.removeprefix(answer_files.UNATTEND): child.text or ""
                for child in item
            }
            for item in settings.iter(f"{answer_files.UNATTEND}RunSynchronousCommand")
        ]

    def test_commands(self) -> None:
        """Updates come first, and may restart; the rest is as without them."""
        before, after = self.commands(self.answer(None))
        self.assertEqual("OnRequest", before["WillReboot"])
        self.assertIn(".Extensions.Update))", before["Path"])
        [alone] = self.commands(self.answer(False))
        self.assertEqual({**alone, "Order": "2"}, after)
        self.assertEqual(("1", "1"), (before["Order"], alone["Order"]))
        # Source: Microsoft's Unattend reference, RunSynchronousCommand, Path.
        self.assertLessEqual(max(len(c["Path"]) for c in (before, after)), 259)

    def test_bounds(self) -> None:
        """So many rounds, and so long; a restart is asked for by 2 alone."""
        for update, ending in ((None, "exit 0"), (True, "exit 3")):
            [script] = self.answer(update).iter("{urn:imagebuild}Update")
            text = script.text or ""
            self.assertIn("$done.rounds -ge 6 -or $minutes -ge 180", text)
            self.assertEqual(
                {"0", "2"} | {ending[-1]}, {*re.findall(r"exit (\d)", text)}
            )
            stop = text.partition("function Stop-Update")[2].partition("\n}")[0]
            self.assertIn(ending, stop)
            self.assertEqual(update is True, FAILED in stop)
        self.assertEqual([], [*self.answer(False).iter("{urn:imagebuild}Update")])

    def test_what_came_of_it_stays_in_no_image(self) -> None:
        """It is read for the report, and removed."""
        for update in (None, False):
            [script] = self.answer(update).iter("{urn:imagebuild}Script")
            text = script.text or ""
            self.assertEqual(update is None, "Remove-Item $file" in text)
            self.assertIn("$report[$key] = $updated.$key", text)


class RefusedTest(testtools.TestCase):
    """Systems that nothing here can update: told where it is asked for."""

    def test_others(self) -> None:
        """By default nothing is done, and nothing said."""
        catalog = Catalog([paths.MINI_CATALOG, BUILT_IN])
        for update, problems in ((None, 0), (False, 0), (True, 1)):
            for entry in (catalog.entry("mini"), self.of_oz()):
                request = Request(name="x", os=entry.name, update=update)
                found = families.family(entry.family).problems(entry, request)
                self.assertEqual(problems, len(found), entry.name)
                if found:
                    self.assertIn("cannot be given updates", found[0])
            layer = Request(name="x", os="mini", from_image="base", update=update)
            parent = parents.find_system(catalog, layer, None)
            self.assertEqual(problems, len(parent.problems), str(parent.problems))

    def of_oz(self) -> Entry:
        """A system that only Oz knows."""
        return dataclasses.replace(CATALOG.entry("rocky-9"), name="oz", family="oz")


# A metadata service that answers so, and shows what it keeps that many seconds late.
SERVICE = """\
import atexit, io, socket, time
status, late = {status!r}, {late!r}
now, kept = [0], []
class Channel:
    def __enter__(self):
        return self
    def __exit__(self, *error):
        pass
    def sendall(self, data):
        head, _, body = data.partition(b"\\r\\n\\r\\n")
        assert f"Content-Length: {{len(body)}}".encode() in head
        self.shown = b""
        if head.startswith(b"POST"):
            kept.append((now[0] + late, body))
        elif kept[0][0] <= now[0]:
            self.shown = kept[0][1]
    def makefile(self, mode):
        head = b"HTTP/1.1 " + status + b"\\r\\nContent-Type: text/plain"
        return io.BytesIO(head + b"\\r\\n\\r\\n" + self.shown)
def connect(address, limit):
    if not status:
        raise OSError("nobody is there")
    return Channel()
def sleep(seconds):
    now[0] += seconds
socket.create_connection, time.sleep, time.monotonic = connect, sleep, lambda: now[0]
atexit.register(lambda: open({path!r}, "w").write(str(now[0])))
"""


class ReportTest(TargetTestCase):
    """The report of a system with a shell, by its own Python."""

    def report(
        self, status: bytes = b"", late: float = 0, **said: str
    ) -> dict[str, Any]:
        """What the console shows once it was sent."""
        entry = CATALOG.entry("debian-13")
        script = self.script(entry, asked(entry))
        report = script[script.index("# Report, and wait") :]
        self.target.write("/etc/debian_version", "13.2\n")
        python = f'PYTHONPATH={self.target.root} exec {sys.executable} "$@"'
        self.target.program("python3", python)
        waited = f"{self.target.root}/waited"
        service = SERVICE.format(status=status, late=late, path=waited)
        self.target.write("/sitecustomize.py", service)
        names = "".join(f"{key}='{value}'\n" for key, value in said.items())
        done = self.target.run(f"console=/dev/console\n{names}{report}")
        text = self.target.read("/dev/console")
        self.assertEqual("", done.stderr)
        self.waited_s = int(self.target.read("/waited"))
        found = json.loads(text.removeprefix("IMAGEBUILD-REPORT "))
        assert isinstance(found, dict)
        return found

    def test_newest_package(self) -> None:
        """It is the time that its vendor gave it, not that of its installation."""
        for name, at in (("a", "2026-01-02"), ("b", "2026-03-04"), ("c", "2025-12-31")):
            path = self.target.write(f"/var/lib/dpkg/info/{name}.md5sums", "")
            subprocess.run(["touch", "-d", f"{at} 00:00:00 UTC", path], check=True)
            self.target.write(f"/var/lib/dpkg/info/{name}.list", "")
        found = self.report(patched="1790001000", unpatched="")
        self.assertEqual("1772582400", found["newest_package"])
        self.assertEqual("1790001000", found["patched"])
        self.assertEqual(BUILD, found["build"])
        self.assertNotIn("unpatched", found)

    def test_nothing_known(self) -> None:
        """As where a user's own answer file reports."""
        found = self.report()
        self.assertEqual({"release", "packages", "build"}, {*found} - {"kernel"})
        self.assertEqual("why", self.report(unpatched="why")["unpatched"])

    def test_wait(self) -> None:
        """It waits until the service shows the report, or the console was read."""
        long = "x" * 2000
        for status, late, unpatched, waited_s in (
            (b"200 OK", 0, "", 0),
            (b"200 OK", 15, "", 15),
            (b"200 OK", 999, "", 60),
            (b"200 OK", 0, long, 60),
            (b"409 Conflict", 0, "", 60),
            (b"", 0, "", 60),
        ):
            self.report(status, late, unpatched=unpatched)
            self.assertEqual(waited_s, self.waited_s, str(status))
