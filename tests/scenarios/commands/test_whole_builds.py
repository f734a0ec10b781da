"""The commands, typed into the real shell."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import fixtures
import yaml

from tests.fakes import faults
from tests.fakes.faults import Fault
from tests.fakes.wire import Call
from tests.unit.base import NAME
from tests.unit.shell import ShellTestCase


class CreateTest(ShellTestCase):
    """image build create"""

    def test_to_the_end(self) -> None:
        """stdout has the build and nothing else, stderr what went on."""
        ran = self.create("-f", "json")
        self.assertEqual(0, ran.code, ran.err)
        shown = ran.json
        self.assertEqual(("complete", NAME), (shown["status"], shown["name"]))
        self.assert_complete(self.builder().find(shown["id"]))
        for line in ("flavor m1.tiny: the smallest", "network private: the only"):
            self.assertIn(line, ran.err)
        for step in ("image-stub", "install: installing", "harvest", "publish"):
            self.assertIn(step, ran.err)

    def test_other_formats(self) -> None:
        """One column as a plain value; quiet is quiet."""
        ran = self.openstack(
            "-q", *("image build create --os mini -f value -c status".split()), NAME
        )
        self.assertEqual((0, "complete\n", ""), (ran.code, ran.out, ran.err))

    def test_no_wait(self) -> None:
        """It returns once the installer runs, and a resume goes on at once."""
        ran = self.create("--no-wait", "-f", "json")
        self.assertEqual((0, "building"), (ran.code, ran.json["status"]))
        self.assertEqual(["ACTIVE"], self.statuses())
        resumed = self.build("resume", ran.json["id"], "-f", "json")
        self.assertEqual((0, "complete"), (resumed.code, resumed.json["status"]))

    def statuses(self) -> list[str]:
        """Return the statuses of all servers, some time later."""
        self.cloud.world.advance(10)
        self.cloud.nova.tick()
        return [server.status for server in self.cloud.nova.servers.values()]

    def test_small_options(self) -> None:
        """Named as the client's own; a port by both of its options."""
        neutron = self.cloud.neutron
        neutron.add_network("second", "net-2")
        ports = [neutron.add_port(name)["id"] for name in ("one", "two")]
        words = (
            "--port one --nic port-id=two --nic net-id=second --volume-type fast --disk 2 "
            "--server-property a=b --min-disk 4 --min-ram 4096 --protected"
        )
        ran = self.create(*words.split(), "-f", "json")
        self.assertEqual(0, ran.code, ran.err)
        self.assertIn("its own security groups apply", ran.err)
        [server, _] = (
            call.json["server"]
            for call in self.cloud.mutations
            if call.kind == "create server"
        )
        wanted = [{"port": ports[0]}, {"port": ports[1]}, {"uuid": "net-2"}]
        self.assertEqual((wanted, {"a": "b"}), (server["networks"], server["metadata"]))
        self.assert_complete(self.builder().find(ran.json["id"]))
        image = self.cloud.glance.images[ran.json["image_id"]]
        self.assertEqual(
            (4, 4096, True), (image.min_disk, image.min_ram, image.protected)
        )

    def test_nic(self) -> None:
        """Nothing else of what the client's own takes."""
        for word in ("auto", "port-id=", "v4-fixed-ip=10.0.0.9", "net-id=a,tag=b"):
            ran = self.create("--nic", word)
            self.assertEqual(1, ran.code)
            self.assertIn("--nic takes port-id=<port> or net-id=<network>", ran.err)

    def test_dry_run(self) -> None:
        """It shows the plan with the answer file, and writes nothing."""
        ran = self.create("--dry-run", "-f", "json")
        self.assertEqual(0, ran.code, ran.err)
        self.assertEqual("ipxe", ran.json["installer.boot_method"])
        self.assertEqual("", ran.json["media.iso.url"])
        self.assertNotIn("installer.progress", ran.json)
        self.assertIn("IMAGEBUILD-REPORT", ran.json["answer_file"])
        self.assert_empty()

    def test_what_was_checked(self) -> None:
        """The recap of a play and the score of a profile, as the guest reports them."""
        ran = self.create("-f", "json")
        self.assertIsNone(ran.json["tests"])
        self.cloud.nova.plan.report |= {
            "ansible": "ok=3 changed=1 failed=0",
            "hardening": "score=81.5 passed=9 failed=1",
            "failed_rules": "partition_for_tmp",
        }
        name = f"{NAME}-2"
        ran = self.build("create", "--os", "mini", name, "-f", "json")
        lines = [
            "ansible passed: ok=3 changed=1 failed=0",
            "hardening failed: score=81.5 passed=9 failed=1: partition_for_tmp",
        ]
        self.assertEqual("\n".join(lines), ran.json["tests"])
        shown = self.build("show", name, "-f", "json")
        self.assertEqual("\n".join(lines), shown.json["tests"])
        result = self.cloud.glance.images[ran.json["image_id"]]
        self.assertNotIn("imagebuild_ansible", result.properties)

    def test_what_is_wanted_in_it(self) -> None:
        """Options for the installed system reach the answer file."""
        home = Path(self.useFixture(fixtures.TempDir()).path)
        (home / "run").write_text("#!/bin/sh\n")
        (home / "run").chmod(0o700)
        ran = self.build(
            *("create", "--os", "debian-13", "--dry-run", "--flavor", "m1.small"),
            *("--source", "http://mirror.fake/debian", "--package", "tree"),
            *("--file", f"{home}/run:/usr/local/bin/run", "--run-command", "echo 'x'"),
            *("--locale", "de_DE.UTF-8", "--keyboard", "de", "--swap", "99", "--lvm"),
            *("--timezone", "Europe/Berlin", NAME, "-f", "json"),
        )
        self.assertEqual(0, ran.code, ran.err)
        for words in (
            "time/zone string Europe/Berlin",
            "xkb-keymap select de",
            "partman-auto/method string lvm",
            "install locales tree ||",
            "fallocate -l 99M",
            "decode > /usr/local/bin/run",
            "chmod 0755 /usr/local/bin/run",
            """sh -e -c 'echo '"'"'x'"'"''""",
        ):
            self.assertIn(words, ran.json["answer_file"])

    def test_disks(self) -> None:
        """Either option for LVM goes over all that a template says of layouts."""
        home = Path(self.useFixture(fixtures.TempDir()).path)
        one = "source: http://mirror.fake/debian"
        for number, (said, options, recipe) in enumerate(
            (
                ("answers: {lvm: true}", "", "lvm root"),
                ("answers: {lvm: true}", "--disk-layout plain", "regular"),
                ("answers: {lvm: true}", "--disk-layout cis", "lvm var_tmp root"),
                ("disk: {layout: cis}", "", "lvm var_tmp root"),
                ("disk: {layout: cis}", "--filesystem xfs", "lvm xfs var_tmp root"),
                ("disk: {layout: cis}", "--lvm", "lvm root"),
                ("disk: {layout: cis}", "--no-lvm", "regular"),
                ("disk: {layout: lvm}", "--lvm --disk-layout cis", "lvm var_tmp root"),
            )
        ):
            file = home / f"{number}.yaml"
            file.write_text(f"version: 1\nos: debian-13\n{one}\n{said}\n")
            words = (
                "--template",
                str(file),
                "--dry-run",
                "--disk",
                "12",
                *options.split(),
            )
            ran = self.build("create", *words, NAME, "-f", "json")
            self.assertEqual(0, ran.code, ran.err)
            found = re.findall(
                r"auto/method string (\w+)|filesystem{ (xfs) }|lv_name{ (root|var_tmp) }",
                ran.json["answer_file"],
            )
            names = dict.fromkeys(word for words in found for word in words if word)
            self.assertEqual(recipe, " ".join(names), f"{said} {options}")

    def test_updates(self) -> None:
        """They are there by default; asked for, it is a failure where they cannot be had."""
        words = ("create", "--os", "debian-13", "--dry-run", "--flavor", "m1.small")
        source = ("--source", "http://mirror.fake/debian", NAME, "-f", "json")
        for option, way, fails in (
            ((), "full-upgrade", False),
            (("--update",), "full-upgrade", True),
            (("--no-update",), "none", False),
        ):
            ran = self.build(*words, *option, *source)
            self.assertEqual(0, ran.code, ran.err)
            answer = ran.json["answer_file"]
            self.assertIn(f"pkgsel/upgrade select {way}\n", answer)
            self.assertEqual(fails, 'not_updated() { fail "' in answer)
            self.assertEqual(way == "none", "IMAGEBUILD-UPDATE" not in answer)
        ran = self.create("--update")
        self.assertEqual(1, ran.code)
        self.assertIn("mini cannot be given updates", ran.err)

    def test_files_that_cannot_be_copied(self) -> None:
        """A path is missing, or the file is."""
        for word, text in (
            ("motd", "such as motd:/etc/motd"),
            ("no:/x", "cannot read no: No such file or directory"),
        ):
            ran = self.create("--file", word)
            self.assertEqual(1, ran.code)
            self.assertIn(text, ran.err)

    def test_options_reach_the_result(self) -> None:
        """Properties and tags of the user's, on the finished image."""
        ran = self.create(
            *("--property colour=blue --tag one --tag two".split()),
            *("--visibility community".split()),
            *("--boot-method kernel --flavor m1.small --no-verify".split()),
            *("-f", "json"),
        )
        self.assertEqual(0, ran.code, ran.err)
        result = self.cloud.glance.images[ran.json["image_id"]]
        self.assertEqual("blue", result.properties["colour"])
        self.assertEqual({"one", "two"}, set(result.tags))
        self.assertEqual("community", result.visibility)
        self.assertEqual(10, result.min_disk)

    def test_hints(self) -> None:
        """Several of one key are all given to Nova, one is a text."""
        words = ("different_host=a", "different_host=b", "of_a_site=c=d")
        options = [part for word in words for part in ("--hint", word)]
        ran = self.create(*options, "--no-wait")
        self.assertEqual(0, ran.code, ran.err)
        (server,) = self.cloud.nova.servers.values()
        self.assertEqual(
            {"different_host": ["a", "b"], "of_a_site": "c=d"}, server.hints
        )

    def test_five_mistakes_at_once(self) -> None:
        """All of them are named, the exit code is 1, nothing is written."""
        ran = self.create(
            *("--flavor huge --network nowhere --boot-method floppy".split()),
            *("--timeout 0 --security-group nobody".split()),
        )
        self.assertEqual(1, ran.code)
        self.assertIn("5 things keep this build from starting", ran.err)
        for word in ("'huge'", "'nowhere'", "'floppy'", "--timeout", "'nobody'"):
            self.assertIn(word, ran.err)
        self.assertEqual("", ran.out)
        self.assert_empty()

    def test_failed(self) -> None:
        """Exit code 1, the reason, the console and the next command."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk \x1b[31mfound"
        ran = self.create()
        self.assertEqual(1, ran.code)
        self.assertIn("the installer gave up: FAILED: no disk", ran.err)
        self.assertIn("the last of the console", ran.err)
        self.assertNotIn("\x1b", ran.err)
        self.assertIn("openstack image build delete", ran.err)
        self.assertEqual("", ran.out)

    def interrupted(self, fault: Fault | None, number: int | None = None) -> str:
        """Interrupt a create when it starts its server; return the build's ID."""

        def hook(call: Call) -> Fault | None:
            if call.kind == "create server" and call.client == "":
                if number is not None:
                    signal.raise_signal(number)
                return fault
            return None

        self.cloud.hooks.append(hook)
        ran = self.create()
        self.cloud.hooks.clear()
        self.assertEqual(130, ran.code, ran.err)
        build = self.builder().list().builds[0]
        line = f"openstack image build resume {build.id}"
        self.assertIn(line, ran.err)
        self.assertEqual("", ran.out)
        return build.id

    def test_interrupts(self) -> None:
        """Ctrl-C, SIGTERM and SIGHUP leave a build that goes on at once."""
        pressed = Fault("Ctrl-C", error=KeyboardInterrupt(), carried_out=True)
        signals = (signal.SIGTERM, signal.SIGHUP)
        for fault, number in ((pressed, None), *((None, n) for n in signals)):
            build_id = self.interrupted(fault, number)
            ran = self.build("resume", build_id, "-f", "json")
            self.assertEqual((0, "complete"), (ran.code, ran.json["status"]), ran.err)
            self.build("delete", "--with-image", build_id)
            self.assert_empty()

    def test_nohup(self) -> None:
        """Who has SIGHUP ignored wants the build to go on."""
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGHUP, before)

        def hook(call: Call) -> None:
            if call.kind == "create server":
                signal.raise_signal(signal.SIGHUP)

        self.cloud.hooks.append(hook)
        ran = self.create("-f", "json")
        self.assertEqual((0, "complete"), (ran.code, ran.json["status"]), ran.err)
        self.assertIs(signal.SIG_IGN, signal.getsignal(signal.SIGHUP))

    def test_outage(self) -> None:
        """What failed, who, and how to go on."""
        start = self.cloud.world.start
        self.cloud.hooks.append(faults.outage(start + 40, start + 9000, "compute"))
        ran = self.create()
        self.assertEqual(1, ran.code)
        self.assertIn("compute", ran.err)
        self.assertIn("openstack image build resume", ran.err)


class BuildsTest(ShellTestCase):
    """The other commands."""

    def test_show_and_list(self) -> None:
        """A build by ID and by name, alone and among others."""
        build = self.started()
        by_id = self.build("show", build.id, "-f", "json")
        by_name = self.build("show", NAME, "-f", "json")
        self.assertEqual(by_id.json, by_name.json)
        self.assertEqual(
            ("building", "install"),
            (
                by_id.json["status"],
                by_id.json["step"],
            ),
        )
        listed = self.build("list", "-f", "json").json
        self.assertEqual([build.id], [row["ID"] for row in listed])
        more = self.build("list", "--long", "-f", "json").json[0]
        self.assertEqual("ipxe", more["Boot Method"])
        for word in ("--long", "--status=failed"):
            self.assertIn(
                "it goes with neither", self.build("list", "--orphans", word).err
            )
        none = self.build("list", "--status", "failed", "-f", "json")
        self.assertEqual([], none.json)
        value = self.build("list", "-f", "value", "-c", "Name")
        self.assertEqual(f"{NAME}\n", value.out)

    def test_show_and_list_as_yaml(self) -> None:
        """What is an enumeration to us is a plain word there."""
        build = self.builder().create(self.request())
        shown = yaml.safe_load(self.build("show", build.id, "-f", "yaml").out)
        listed = yaml.safe_load(self.build("list", "-f", "yaml").out)
        self.assertEqual("complete", shown["status"])
        self.assertEqual("complete", listed[0]["Status"])

    def test_retry(self) -> None:
        """What a failed build can go on from is shown, and done."""
        self.cloud.nova.plan.result_boots = False
        failed = self.build("create", "--os=mini", NAME)
        self.assertEqual(1, failed.code)
        shown = self.build("show", NAME, "-f", "json").json
        self.assertEqual("verify, install", shown["retry_from"])
        lines = shown["attempts"].splitlines()
        self.assertEqual(["verify 1", "verify 2"], [line[:8] for line in lines])
        self.cloud.nova.plan.result_boots = True
        refused = self.build("retry", NAME, "--from", "harvest")
        self.assertIn("it can be tried again from: verify, install", refused.err)
        self.assertIn("invalid choice", self.build("retry", NAME, "--from=x").err)
        done = self.build("retry", NAME, "--from", "verify", "-f", "json")
        self.assertEqual("complete", done.json["status"])
        self.assertIsNone(done.json["retry_from"])
        again = self.build("retry", NAME)
        self.assertEqual(1, again.code)
        self.assertIn("only a failed build can be tried again", again.err)

    def test_attempts(self) -> None:
        """Each attempt is told, and its console saved."""
        plan = self.cloud.nova.plan
        plan.first_installs = ["FAILED: udhcpc: no lease, failing"]
        done = self.build("create", "--os=mini", NAME, "--attempts=2", "-f", "json")
        self.assertEqual("complete", done.json["status"])
        self.assertIn("no lease, failing; a new server is made", done.err)
        self.assertIn("saved: ", done.err)
        self.assertIn("install 1: ", done.json["attempts"])

    def test_names_that_a_terminal_obeys(self) -> None:
        """Shown with their control characters written out, and kept as they are."""
        name = "gold\x1b[2J\x9b1m\u202e"
        words = "image build create --os mini".split()
        made = self.openstack(*words, name)
        self.assertEqual(0, made.code, made.err)
        listed = self.build("list")
        for text in (made.out, made.err, listed.out, self.build("show", name).out):
            self.assertIn("gold\\x1b[2J\\x9b1m\\u202e", text)
            self.assertNotIn("\x1b", text)
            self.assertNotIn("\x9b", text)
        self.assertEqual(name, self.build("list", "-f", "json").json[0]["Name"])

    def test_unreadable(self) -> None:
        """A damaged record is named, and does not hide the others."""
        build = self.started()
        image = self.cloud.glance.images[build.id]
        image.properties["imagebuild_spec"] = "{"
        ran = self.build("list", "-f", "json")
        self.assertEqual((0, []), (ran.code, ran.json))
        self.assertIn(f"openstack image build delete {build.id}", ran.err)
        self.assertEqual(0, self.build("delete", build.id).code)
        self.assert_empty()

    def test_newer(self) -> None:
        """A record of a later version is named with that, and nobody is told to delete."""
        build = self.started()
        image = self.cloud.glance.images[build.id]
        image.properties["imagebuild_schema"] = "3"
        image.properties["imagebuild_tool_version"] = "99.1"
        for ran in (self.build("list", "-f", "json"), self.build("show", build.id)):
            self.assertIn("another version of this tool, 99.1 (", ran.err)
            self.assertIn(f"openstack image build resume {build.id}", ran.err)
            self.assertNotIn("delete", ran.err)

    def test_cancel_and_delete(self) -> None:
        """Twice each; a cancelled build is kept, a deleted one is not."""
        build = self.started()
        for _ in range(2):
            self.assertEqual(0, self.build("cancel", build.id).code)
            self.assert_empty(build.id)
        shown = self.build("show", build.id, "-f", "json").json
        self.assertEqual("cancelled", shown["status"])
        self.assertEqual(0, self.build("delete", build.id).code)
        self.assert_empty()
        again = self.build("delete", build.id)
        self.assertEqual(0, again.code, again.err)

    def test_delete_spares_the_image(self) -> None:
        """Unless it is asked for."""
        first = self.create("-f", "json").json
        second = self.builder().create(self.request(name="other"))
        ran = self.build("delete", first["id"], "no such build")
        self.assertEqual(1, ran.code)
        self.assertIn("no such build", ran.err)
        self.assertIn(first["image_id"], self.cloud.glance.images)
        self.assertEqual(0, self.build("delete", "--with-image", "other").code)
        self.assertNotIn(second.result_id, self.cloud.glance.images)

    def test_log(self) -> None:
        """The console, live, and as a failed build kept it."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        build = self.started()
        self.cloud.world.advance(10)
        live = self.build("log", build.id)
        self.assertEqual((0, "INSTALLER START 0% modules loaded\n"), (0, live.out))
        self.assertEqual(1, self.build("resume", build.id).code)
        kept = self.build("log", build.id, "--lines", "1")
        self.assertEqual((0, "FAILED: no disk\n"), (kept.code, kept.out))

    def test_who_drives(self) -> None:
        """A resume says who is at it, and since when."""
        build = self.started()
        builder = self.builder("other")
        seen: list[str] = []

        def hook(call: Call) -> None:
            if call.kind == "createImage" and not seen:
                seen.append("")
                shown = self.build("show", build.id, "-f", "json").json
                seen.append(shown["driven_by"])
                ran = self.build("resume", build.id)
                seen.append(ran.err)
                self.assertEqual(1, ran.code)

        self.cloud.hooks.append(hook)
        builder.resume(build.id)
        self.assertRegex(seen[1], r"pid \d+ since 2040-")
        self.assertIn("is driven by", seen[2])

    def test_unknown(self) -> None:
        """Names that no build has."""
        for verb in ("show", "resume", "cancel", "log", "delete"):
            ran = self.build(verb, "no-such")
            self.assertEqual(1, ran.code, verb)
            self.assertIn("no-such", ran.err, verb)
            self.assertIn("openstack image build list", ran.err, verb)
        for name in ("a b", "'\"", "x\ny", "ü☃", "x" * 300, ".*", "-f"):
            self.assertNotEqual(0, self.build("show", "--", name).code, name)

    def test_ambiguous(self) -> None:
        """A name that two builds have: each command says which IDs there are."""
        builds = [self.started(), self.started()]
        for verb in ("show", "resume", "cancel", "log", "delete"):
            ran = self.build(verb, NAME)
            self.assertEqual(1, ran.code, verb)
            for build in builds:
                self.assertIn(build.id, ran.err, verb)


class OSTest(ShellTestCase):
    """image build os ..."""

    def test_list_and_show(self) -> None:
        """Without any cloud: the catalogue is on this machine."""
        before = len(self.cloud.log)
        listed = self.build("os", "list", "-f", "json").json
        self.assertIn("mini", [row["Name"] for row in listed])
        shown = self.build("os", "show", "mini", "-f", "json").json
        self.assertEqual("generic", shown["family"])
        self.assertEqual(before, len(self.cloud.log))
        ran = self.build("os", "show", "minni")
        self.assertEqual(1, ran.code)
        self.assertIn("did you mean mini", ran.err)

    def test_help(self) -> None:
        """Every command tells what it is for."""
        for verb in ("create", "resume", "show", "list", "cancel", "delete", "log"):
            ran = self.openstack("help", "image", "build", verb)
            self.assertEqual(0, ran.code, verb)
            self.assertIn(f"image build {verb} [-h]", ran.out)
        self.assertEqual([], self.cloud.log)
