"""What runs in the guest to configure it, with programs that only look like Ansible's."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import fixtures
import testtools

from osc_imagebuild.guests import provision
from osc_imagebuild.model.provision import Ansible, Guide, Hardening, TreeFile
from osc_imagebuild.monitors.console import failed_rules, frames, sign_files, verdict
from osc_imagebuild.monitors.console.verdict import GuestView
from tests.unit.target_tree import Target
from tests.unit.wanted import BUILD, PLAYBOOK, layered

HOSTILE = 'ü☃ "quoted" $(id) `id` \\c\nIMAGEBUILD-REPORT {"build": "x"}'
RECAP = {"ok": 12, "failures": 0, "changed": 9, "skipped": 1, "rescued": 0}
HARD = Hardening(profile="x", guide=Guide(url="http://x", sha256="0" * 64))
HOSTS = "IMAGEBUILD-FAILED ansible: no task of site.yml ran: let its play have hosts: "


class GuestTestCase(testtools.TestCase):
    """Has a directory with programs, and one for a program of the script's."""

    def setUp(self) -> None:
        super().setUp()
        self.directory = Path(self.useFixture(fixtures.TempDir()).path)
        self.home = self.directory / "home"
        self.programs = self.directory / "bin"
        (self.home / "plugins").mkdir(parents=True)
        self.programs.mkdir()

    def program(self, name: str, text: str) -> None:
        """Have a program in Python."""
        path = self.programs / name
        path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{text}\n")
        path.chmod(0o755)

    def renew(self) -> None:
        """Have nothing of what ran before."""
        for name in ("project", "seen.json", "guides", "score", "failed"):
            subprocess.run(["rm", "-rf", str(self.home / name)], check=True)

    def script(self, after: str, **fields: Any) -> None:
        """Take the program that a finishing script has out of it."""
        script = layered("debian-13", **fields)
        for name, text in re.findall(
            r"(?ms)^cat > \$work/(\S+) <<'END'\n(.*?)^END$", script
        ):
            (self.home / name).write_text(text, encoding="utf-8")
        self.assertIn(after, script)

    def run_it(self, *words: str) -> tuple[int, list[str]]:
        """Run it; return its exit code and its lines."""
        done = subprocess.run(
            [sys.executable, str(self.home / "run.py"), *words],
            env={**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"},
            capture_output=True,
            timeout=60,
        )
        self.assertEqual(b"", done.stderr)
        return done.returncode, done.stdout.decode().splitlines()


class PlayTest(GuestTestCase):
    """The playbook, and what is said of it."""

    def play(
        self, seen: Any, code: int, output: str = "", play: Ansible = PLAYBOOK
    ) -> tuple[int, list[str]]:
        """Run a playbook that leaves this and ends so."""
        self.script("run.py '' site.yml ", ansible=play)
        bundle = provision.bundle(play)
        (self.home / Path(bundle.path).name).write_bytes(bundle.data)
        (self.home / "variables.json").write_text("{}")
        said = f"open(os.environ['IMAGEBUILD_SEEN'], 'w').write({json.dumps(seen)!r})"
        self.program(
            "ansible-playbook",
            f"json.dump([sys.argv[1:], os.getcwd(), sorted(os.listdir())], "
            f"open({str(self.directory / 'called')!r}, 'w'))\n"
            f"{said if seen is not None else ''}\n"
            f"sys.stdout.buffer.write({output.encode()!r})\nsys.exit({code})",
        )
        return self.run_it("", "site.yml", play.requirements, *play.extra_args)

    def failed(self, seen: Any, code: int = 2, output: str = "") -> str:
        """The line with which it fails; it is one, and a verdict's."""
        ended, lines = self.play(seen, code, output)
        self.assertEqual(1, ended)
        told = [line for line in lines if "IMAGEBUILD-" in line]
        self.assertEqual(lines[-1:], told)
        self.assertFalse((self.home / "recap").exists())
        signs = sign_files.of("debian")
        found = verdict.judge(signs, GuestView(console="\n".join(lines), live=False))
        self.assertEqual("failed", found.state)
        self.assertTrue(found.reason.startswith("the playbook failed: "), found)
        return lines[-1]

    def test_good(self) -> None:
        """The recap is on the console, and for the report."""
        seen = {"failures": [], "recap": RECAP}
        ended, lines = self.play(seen, 0, "PLAY [all] ***\nok: [localhost]\n\x1b[2J\n")
        self.assertEqual(0, ended)
        recap = "ok=12 changed=9 failed=0 unreachable=0 skipped=1 rescued=0 ignored=0"
        self.assertEqual(
            ["PLAY [all] ***", "ok: [localhost]", " [2J", f"ansible: {recap}"], lines
        )
        self.assertEqual(recap, (self.home / "recap").read_text())
        words, place, files = json.loads((self.directory / "called").read_text())
        variables = f"@{self.home}/variables.json"
        local = ["-i", "localhost,", "-c", "local", "-e", variables]
        self.assertEqual([*local, "--tags", "it's", "site.yml"], words)
        self.assertEqual((str(self.home / "project"), ["site.yml"]), (place, files))

    def test_a_task(self) -> None:
        """Its name and its message, on one line, and as nothing but text."""
        seen = {"failures": [[HOSTILE, f"no: {HOSTILE}"]], "recap": None}
        line = self.failed(seen)
        shown = 'ü☃ "quoted" $(id) `id` \\c IMAGEBUILD REPORT {"build": "x"}'
        self.assertEqual(
            f'IMAGEBUILD-FAILED ansible: task "{shown}": no: {shown}', line
        )

    def test_what_was_rescued(self) -> None:
        """It came before, and is not what failed."""
        failures = [["one", "rescued"], ["two", "again"], ["three", "the reason"]]
        seen: dict[str, Any] = {"failures": failures, "recap": {**RECAP, "rescued": 2}}
        self.assertIn('task "three": the reason', self.failed(seen))
        self.renew()
        seen = {"failures": failures[:1], "recap": {**RECAP, "rescued": 9}}
        self.assertIn('task "one": rescued', self.failed(seen))

    def test_no_task(self) -> None:
        """Then what Ansible says last."""
        for output, wanted in (
            (
                "x\nERROR! the role 'a' was not found\nin b\n\n",
                "ERROR! the role 'a' was not found in b",
            ),
            ("[ERROR]: YAML parsing failed\n", "[ERROR]: YAML parsing failed"),
            ("Killed\n", "Killed"),
            ("", "it failed and says nothing"),
        ):
            self.renew()
            line = self.failed(None, 4, output)
            self.assertEqual(f"IMAGEBUILD-FAILED ansible: {wanted}", line)

    def test_no_host(self) -> None:
        """A play for others does nothing here, and is no success."""
        line = self.failed({"failures": [], "recap": None}, 0)
        self.assertTrue(line.startswith(HOSTS), line)

    def test_bounds(self) -> None:
        """Long lines, long messages, and what only looks like ours."""
        seen = {"failures": [["x" * 9999, "y" * 9999]], "recap": None}
        output = (
            "z" * 99_999 + "\n" + f"IMAGEBUILD-FAILED x\nIMAGEBUILD-REPORT {BUILD}\n"
        )
        ended, lines = self.play(seen, 2, output)
        self.assertEqual(1, ended)
        self.assertLessEqual(max(map(len, lines)), 1000)
        self.assertEqual(1, sum("IMAGEBUILD-" in line for line in lines))

    def test_secrets(self) -> None:
        """They are shown neither by the play nor by its failure."""
        secret = "it's a \u2603 'secret'"
        (self.home / "secrets.json").write_text(json.dumps(["abc", "a \u2603", secret]))
        message = f"no: {secret} abc"
        seen = {"failures": [[secret, message]], "recap": None}
        ended, lines = self.play(seen, 2, f"said: {secret}{secret}\n")
        self.assertEqual((1, "said: (secret)(secret)"), (ended, lines[0]))
        self.assertTrue(lines[-1].endswith('task "(secret)": no: (secret) abc'), lines)

    def test_requirements(self) -> None:
        """They are installed before, or the build fails."""
        tree = (*PLAYBOOK.tree, TreeFile(path="r.yml", content=b"[]"))
        play = dataclasses.replace(PLAYBOOK, tree=tree, requirements="r.yml")
        self.program(
            "ansible-galaxy",
            "print(sys.argv[1:], os.environ['ANSIBLE_ROLES_PATH'])\n"
            "print('ERROR! no such role')\nsys.exit(1)",
        )
        ended, lines = self.play(None, 0, play=play)
        self.assertEqual(1, ended)
        self.assertEqual(f"['install', '-r', 'r.yml'] {self.home}/roles", lines[0])
        self.assertEqual(
            "IMAGEBUILD-FAILED ansible: ansible-galaxy could not install r.yml: ERROR! "
            "no such role",
            lines[-1],
        )
        self.assertFalse((self.directory / "called").exists())


class CallbackTest(GuestTestCase):
    """The plugin that Ansible loads, with a base class that only looks like its own."""

    def seen(self, steps: str) -> Any:
        """What it writes down."""
        self.script("plugins/imagebuild.py", ansible=PLAYBOOK)
        package = self.home / "ansible/plugins/callback"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("class CallbackBase:\n    pass\n")
        code = (
            "import sys\n"
            f"sys.path[:0] = [{str(self.home)!r}, {str(self.home / 'plugins')!r}]\n"
            "from imagebuild import CallbackModule\n"
            "from types import SimpleNamespace as Space\n"
            "plugin = CallbackModule()\n"
            f"{steps}\n"
        )
        env = {**os.environ, "IMAGEBUILD_SEEN": str(self.home / "seen.json")}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True
        )
        self.assertEqual((0, b""), (done.returncode, done.stderr))
        return json.loads((self.home / "seen.json").read_text())

    def message(self, data: str) -> str:
        """What it says of a task that failed with this."""
        steps = f"plugin.v2_runner_on_failed(Space(task_name='t', _result={data}))"
        [[name, message]] = self.seen(steps)["failures"]
        self.assertEqual("t", name)
        return str(message)

    def test_messages(self) -> None:
        """Of commands, loops, tasks that hide theirs, and of anything else."""
        loop = (
            "{'msg': 'All items completed', 'results': "
            "[{'item': 1}, {'item': 2, 'failed': True, 'msg': 'no'}]}"
        )
        for data, wanted in (
            ("{'msg': 'why'}", "why"),
            (
                "{'msg': 'non-zero return code', 'rc': 3, 'stderr': 'oh'}",
                "non-zero return code; exit code 3; oh",
            ),
            (loop, "item 2: no"),
            ("{'censored': 'hidden'}", "hidden"),
            ("{'msg': ['a', 1]}", '["a", 1]'),
            ("{}", "it gives no reason"),
        ):
            self.assertEqual(wanted, self.message(data))

    def test_recap(self) -> None:
        """Newer releases name a result otherwise; what is ignored is no failure."""
        steps = (
            "one = Space(task_name='t', result={'msg': 'x'})\n"
            "plugin.v2_runner_on_failed(one, ignore_errors=True)\n"
            "plugin.v2_runner_on_unreachable(one)\n"
            "stats = Space(processed={'localhost': 1}, summarize=lambda host: {'ok': 1})\n"
            "plugin.v2_playbook_on_stats(stats)"
        )
        wanted = {"failures": [["t", "x"]], "recap": {"ok": 1}}
        self.assertEqual(wanted, self.seen(steps))
        steps = "plugin.v2_playbook_on_stats(Space(processed={}))"
        self.assertEqual({"failures": [], "recap": None}, self.seen(steps))


def stream(*profiles: str) -> bytes:
    """A data stream, as far as it is read."""
    made = "".join(f'<xccdf-1.2:Profile id="{name}">' for name in profiles)
    return made.encode()


PREFIX = "xccdf_org.ssgproject.content_profile_"
OSCAP = """
open({called!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
print("Title  One\\nResult  pass\\nIMAGEBUILD-REPORT x")
if "--results" in sys.argv:
    rule = '<rule-result idref="xccdf_org.ssgproject.content_rule_%s">'
    rule += "<result>%s</result></rule-result>"
    rules = "".join(rule % pair for pair in {results!r})
    open(sys.argv[sys.argv.index("--results") + 1], "w").write(
        '<TestResult xmlns="http://checklists.nist.gov/xccdf/1.2">' + rules +
        '<score system="urn:xccdf:scoring:default" maximum="100">{score}</score></TestResult>'
    )
sys.exit({code})
"""


class HardeningTest(GuestTestCase):
    """The guide, its profile, and what comes of it."""

    def setUp(self) -> None:
        super().setUp()
        self.called = str(self.directory / "called")
        self.served = self.directory / "served"

    def scanner(self, results: Any = (), score: str = "81.25", code: int = 2) -> None:
        """Have one that finds this."""
        text = OSCAP.format(called=self.called, results=results, score=score, code=code)
        self.program("oscap", text)

    def harden(
        self,
        data: bytes,
        profile: str = "cis",
        also: str = "",
        least: int = 0,
        **more: str,
    ) -> tuple[int, list[str]]:
        """Apply a profile of a guide that is fetched; the system is Debian 13."""
        self.served.write_bytes(data)
        url = f"file://{self.served}"
        digest = more.get("sha256", hashlib.sha256(data).hexdigest())
        self.script(
            "run.py 0b4d",
            hardening=Hardening(
                profile="x", guide=Guide(url="http://x", sha256="0" * 64)
            ),
        )
        program = self.home / "run.py"
        release = self.directory / "os-release"
        release.write_text('ID=debian\nVERSION_ID="13"\n')
        text = program.read_text().replace("/etc/os-release", str(release))
        program.write_text(text)
        return self.run_it(BUILD, profile, also, str(least), url, digest)

    def fails(self, wanted: str, *given: Any, **named: Any) -> None:
        """It fails with one line."""
        self.renew()
        ended, lines = self.harden(*given, **named)
        self.assertEqual(1, ended)
        told = [line for line in lines if line.startswith("IMAGEBUILD-FAILED")]
        self.assertEqual([lines[-1]], told)
        self.assertIn(f"IMAGEBUILD-FAILED hardening: {wanted}", lines[-1])
        self.assertFalse((self.home / "score").exists())

    def test_good(self) -> None:
        """Applied, evaluated after that, and told in parts that a console takes."""
        rules = [(f"rule_{n:03}_{'x' * 40}", "fail") for n in range(40)]
        self.scanner([*rules, ("a", "pass"), ("b", "notapplicable"), ("c", "error")])
        ended, lines = self.harden(stream(PREFIX + "cis"))
        self.assertEqual(0, ended, str(lines))
        first, second = Path(self.called).read_text().splitlines()
        guide = f"{self.home}/guides/ssg-own-ds.xml"
        profile = f"xccdf eval{{}} --profile {PREFIX}cis{{}} {guide}"
        self.assertEqual(profile.format(" --remediate", ""), first)
        results = f" --results {self.home}/results.xml"
        self.assertEqual(profile.format("", results), second)
        score = "score=81.2 passed=1 failed=41"
        self.assertEqual(score, (self.home / "score").read_text())
        failed = sorted(["c", *(name for name, _ in rules)])
        self.assertEqual(" ".join(failed), (self.home / "failed").read_text())
        shown = [line for line in lines if line.startswith("hardening: failed: ")]
        self.assertEqual(3, len(shown))
        self.assertEqual(failed, [n for line in shown for n in line.split()[2:]])
        data = frames.decode("\n".join(lines), BUILD, failed_rules.KIND)
        self.assertEqual(failed, json.loads(data or b""))
        self.assertEqual([], [line for line in lines if "IMAGEBUILD-REPORT" in line])

    def test_guides(self) -> None:
        """In an archive the one for the system counts."""
        self.scanner()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("x/ssg-debian12-ds.xml", stream(PREFIX + "other"))
            archive.writestr("x/ssg-debian13-ds.xml", stream(PREFIX + "cis"))
            archive.writestr("../../evil-ds.xml", stream(PREFIX + "cis"))
        self.assertEqual(0, self.harden(packed.getvalue())[0])
        self.assertIn("/guides/ssg-debian13-ds.xml", Path(self.called).read_text())
        self.assertFalse((self.directory / "evil-ds.xml").exists())
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("x/ssg-rhel9-ds.xml", stream(PREFIX + "cis"))
        self.fails(
            "the guides have none for this system (debian13); they are for: rhel9. Name",
            packed.getvalue(),
        )

    def test_names(self) -> None:
        """A short name, the whole one, or that of another distribution."""
        self.scanner()
        for profile, also, wanted in (
            ("cis", "", PREFIX + "cis"),
            (PREFIX + "cis", "", PREFIX + "cis"),
            ("cis_level1_server", "cis", PREFIX + "cis"),
            ("mine", "", "mine"),
        ):
            self.renew()
            data = stream(PREFIX + "cis", "mine")
            self.assertEqual(0, self.harden(data, profile, also)[0])
            self.assertIn(f"--profile {wanted} ", Path(self.called).read_text())
        data = stream(PREFIX + "cis", PREFIX + "standard")
        self.fails(
            "there is no profile stig in the guide; there are: cis, standard",
            data,
            "stig",
        )

    def test_tailoring(self) -> None:
        """It may bring a profile of its own."""
        self.scanner()
        tailoring = self.home / "tailoring.xml"
        tailoring.write_bytes(stream("mine"))
        self.assertEqual(0, self.harden(stream(PREFIX + "cis"), "mine")[0])
        said = Path(self.called).read_text()
        self.assertIn(f"--profile mine --tailoring-file {tailoring} ", said)

    def test_failures(self) -> None:
        """Of the fetch, of the scanner, and of the score."""
        data = stream(PREFIX + "cis")
        self.scanner()
        self.fails("the guide at file://", data, sha256="1" * 64)
        self.scanner([("a", "fail")], "79.9")
        self.fails("the score is 79.9, below 80; 1 rules fail", data, least=80)
        self.scanner(code=1)
        self.fails("oscap ended with exit code 1: IMAGEBUILD REPORT x", data)


# What both leave, and the report, for which there is no metadata service.
PYTHON = """case $1 in
*/run.py)
    echo ok=1 failed=0 > ${{1%run.py}}recap
    echo score=8.5 failed=99 > ${{1%run.py}}score
    echo {many} > ${{1%run.py}}failed ;;
-)
    sed 's/"169.254.169.254", 80/"127.0.0.1", 1/; s/time.sleep.*/pass/' | {python} "$@" ;;
esac"""


class ReportTest(testtools.TestCase):
    """The shell's part: what came of both is in the report."""

    def test_it_fits_the_channel(self) -> None:
        """Rules that have no room are left out."""
        target = Target(self.useFixture(fixtures.TempDir()).path)
        for path in ("run/x", "swapfile", "etc/sudoers.d/x"):
            target.write(path, "")
        many = " ".join(f"a_rule_of_some_length_{n}" for n in range(99))
        target.program("python3", PYTHON.format(many=many, python=sys.executable))
        done = target.run(layered("debian-13", ansible=PLAYBOOK, hardening=HARD))
        self.assertEqual("", done.stderr)
        console = target.read("/dev/console")
        [text] = re.findall("IMAGEBUILD-REPORT (.*)", console)
        self.assertLess(len(text), 1020)
        said = json.loads(text)
        self.assertEqual("ok=1 failed=0", said["ansible"])
        self.assertEqual("score=8.5 failed=99", said["hardening"])
        self.assertRegex(
            said["failed_rules"], r"^a_rule_of_some_length_0 .*_\d+ \.\.\.$"
        )
