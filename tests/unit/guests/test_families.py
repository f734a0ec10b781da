"""A user's own answer file, and what is special to one family."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from xml.etree import ElementTree

import testtools

from osc_imagebuild.boot import kernel
from osc_imagebuild.guests import answers
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.request import Repository, Request
from osc_imagebuild.planning import fixed_address, preflight

BUILD = "0b4d5a3e-0000-4000-8000-000000000000"
MIRROR = "http://mirror.example/debian"
CATALOG = Catalog([BUILT_IN])


class DebianTest(testtools.TestCase):
    """The preseed file."""

    def settings(self, **fields: object) -> dict[str, str]:
        """The preseed's values by question."""
        request = Request(**({"name": "golden", "source": MIRROR} | fields))  # type: ignore[arg-type]
        entry = CATALOG.entry("debian-13")
        answer = answers.render(entry, request, BUILD, MIRROR).answer
        lines = [ln for ln in answer.splitlines() if ln and not ln.startswith("#")]
        words = [line.split(None, 3) for line in lines]
        return {w[1]: w[3] if len(w) > 3 else "" for w in words}

    def test_mirror(self) -> None:
        found = self.settings()
        self.assertEqual("mirror.example", found["mirror/http/hostname"])
        self.assertEqual("/debian", found["mirror/http/directory"])

    def test_a_card_of_a_mainframe_is_not_asked_for(self) -> None:
        """On s390x the network card is chosen before an answer file is there."""
        entry = CATALOG.entry("debian-13")
        words = "s390-netdevice/choose_networktype=virtio"
        for arch in entry.arches:
            request = Request(name="x", arch=arch)
            found = answers.render(entry, request, BUILD, MIRROR).kernel_args
            self.assertEqual(arch == "s390x", words in found)
            self.assertLessEqual(len(found), kernel.COMMAND_LINE_LIMIT, arch)

    def test_no_password_is_one_that_nothing_matches(self) -> None:
        # user-setup takes '!' for a password that is still to be asked for.
        self.assertEqual("*", self.settings()["passwd/root-password-crypted"])

    def test_password_is_hashed(self) -> None:
        found = self.settings(root_password="tr0ub4dor")
        self.assertTrue(found["passwd/root-password-crypted"].startswith("$6$"))
        self.assertNotIn("tr0ub4dor", str(found))

    def test_layouts(self) -> None:
        """The root partition is the last, so that it can grow."""
        for fields, words in (
            ({}, ["ext4"]),
            ({"lvm": True}, ["ext4", "/boot", "ext4", "$lvmok"]),
            ({"firmware": "uefi"}, ["free", "efi", "ext4"]),
            ({"arch": "aarch64"}, ["free", "efi", "ext4"]),
            ({"arch": "ppc64le"}, ["prep", "ext4"]),
        ):
            recipe = self.settings(**fields)["partman-auto/expert_recipe"]
            self.assertRegex(recipe, ".*".join(re.escape(word) for word in words))
            self.assertTrue(recipe.endswith("mountpoint{ / } ."), recipe)


class RedHatTest(testtools.TestCase):
    """Where a kickstart says that the packages are."""

    def test_sources(self) -> None:
        """On the CD that the installer came from, or in the tree."""
        entry = CATALOG.entry("rhel-10")
        for fields, line in (
            ({"source": "http://m/dvd"}, "url --url=http://m/dvd"),
            ({"source": "http://m/dvd.iso"}, "cdrom"),
            ({"source": "http://m/dvd.iso?token=x"}, "cdrom"),
            ({"source": "my-iso-image"}, "cdrom"),
            ({"source": "http://m/dvd", "boot_method": "cdrom"}, "cdrom"),
        ):
            request = Request(name="x", os=entry.name, **fields)  # type: ignore[arg-type]
            lines = answers.render(entry, request, BUILD, fields["source"]).answer
            self.assertIn(f"\n{line}\n", lines)
            self.assertEqual(line == "cdrom", "repo --name=" not in lines)

    def test_what_was_made_is_labelled_and_enabled(self) -> None:
        """Anaconda itself labels neither /home nor /usr/local."""
        answer = self.answer("fedora-44", boot_method="kernel")
        self.assertRegex(answer, r"setfiles -F( -e /\w+)+ \$labels / ")
        self.assertRegex(answer, "for unit in .*cloud-init-network.* cloud-final; do")

    def test_no_kickstart_stays(self) -> None:
        """Anaconda copies it, and its logs, once all scripts are done."""
        for method in ("kernel", "cdrom"):
            answer = self.answer("rhel-10", boot_method=method)
            self.assertIn("%post --nochroot\nrm -f /run/install/ks.cfg\n%end\n", answer)
        entry = CATALOG.entry("rocky-10")
        address = fixed_address.of_subnet("10.0.0.0/24", "10.0.0.1", [], "10.0.0.2")
        request = Request(name="x", os=entry.name)
        for method, where, told in (
            ("ipxe", None, True),
            ("ipxe", address, True),
            ("kernel", None, True),
            ("kernel", address, False),
        ):
            way = answers.AnswerDelivery(method, where)
            found = answers.render(entry, request, BUILD, "http://m", way).kernel_args
            self.assertEqual(told, " inst.nosave=all " in found)

    def test_anaconda_gives_up_where_it_is_seen(self) -> None:
        """The command line of a CD names no serial console."""
        for method, console in (("kernel", "/dev/console"), ("cdrom", "/dev/ttyS0")):
            answer = self.answer("rhel-10", boot_method=method)
            onerror = answer.partition("%onerror\n")[2].partition("%end")[0]
            self.assertIn(f"console={console}\n", onerror)
            self.assertTrue(onerror.endswith(" > $console\n"), onerror)

    def answer(self, name: str, boot_method: str) -> str:
        """The kickstart where an ISO is the source."""
        request = Request(name="x", os=name, source="http://m/dvd.iso")
        way = answers.AnswerDelivery(boot_method)
        return answers.render(CATALOG.entry(name), request, BUILD, "", way).answer


class SuseTest(testtools.TestCase):
    """YaST's profile."""

    def profile(self, name: str, **fields: object) -> ElementTree.Element:
        """As XML, without its namespace."""
        request = Request(**({"name": "x", "os": name, "source": "http://m"} | fields))  # type: ignore[arg-type]
        text = answers.render(CATALOG.entry(name), request, BUILD, "http://m").answer
        return ElementTree.fromstring(
            text.replace(' xmlns="http://www.suse.com/1.0/yast2ns"', "")
        )

    def test_the_loader_keeps_its_kernels_out_of_the_esp(self) -> None:
        """Tumbleweed's default keeps them there, and wants 512 MiB.

        Source: yast-storage-ng, boot_requirements_strategies/bls.rb.
        """
        for name, fields, loader in (
            ("opensuse-tumbleweed", {"firmware": "uefi"}, "grub2-efi"),
            ("opensuse-tumbleweed", {"arch": "aarch64"}, "grub2-efi"),
            ("sles-15", {"firmware": "uefi"}, "grub2-efi"),
            ("opensuse-tumbleweed", {}, None),
            ("opensuse-leap-15.6", {"arch": "ppc64le"}, None),
        ):
            root = self.profile(name, **fields)
            self.assertEqual(loader, root.findtext("bootloader/loader_type"))
            sizes = {
                part.findtext("mount"): part.findtext("size")
                for part in root.iter("partition")
            }
            self.assertEqual("512M" if loader else None, sizes.get("/boot/efi"))

    def test_modules_by_the_names_of_their_products(self) -> None:
        """YaST passes over others without a word.

        Source: yast-add-on, src/lib/add-on/clients/add-on_auto.rb.
        """
        root = self.profile("sles-15")
        found = {
            str(item.findtext("product")): item.findtext("product_dir")
            for item in root.iter("listentry")
        }
        self.assertEqual(
            {
                "sle-module-basesystem": "/Module-Basesystem",
                "sle-module-server-applications": "/Module-Server-Applications",
                "sle-module-public-cloud": "/Module-Public-Cloud",
            },
            found,
        )


class AgamaTest(testtools.TestCase):
    """The profile."""

    def test_kernel_and_ramdisk_are_beside_the_loader(self) -> None:
        """On each architecture, in the tree and on the medium.

        Source: agama, live/config-cdroot/fix_bootconfig.*.
        """
        for name in ("opensuse-leap-16", "opensuse-leap-16.1", "sles-16"):
            entry = CATALOG.entry(name)
            for arch, part in entry.arches.items():
                for key, file in (("kernel", "linux"), ("ramdisk", "initrd")):
                    path = f"boot/{arch}/loader/{file}"
                    self.assertEqual([path] * 2, [part[key], part[f"iso_{key}"]])

    def test_keys_of_repositories_are_not_asked_for(self) -> None:
        """Agama asks and waits, whether a repository may be unsigned or not."""
        entry = CATALOG.entry("opensuse-leap-16")
        extra = Repository(name="extra", url="http://p.example/extra")
        for repositories, answered in (((), False), ((extra,), True)):
            request = Request(name="x", os=entry.name, repositories=repositories)
            data = json.loads(answers.render(entry, request, BUILD, "http://m").answer)
            self.assertEqual(answered, "questions" in data)
        self.assertEqual(
            {"software.import_gpg": "Trust", "software.unknown_gpg": "Yes"},
            {a["class"]: a["answer"] for a in data["questions"]["answers"]},
        )

    def test_what_the_product_has_chosen_stays(self) -> None:
        """A plain list of patterns takes the place of its own, with SELinux."""
        for name in ("opensuse-leap-16", "sles-16"):
            request = Request(name="x", os=name, source="http://m")
            text = answers.render(
                CATALOG.entry(name), request, BUILD, "http://m"
            ).answer
            software = json.loads(text)["software"]
            self.assertEqual({"add": ["minimal_base"]}, software["patterns"])
            # No package is called so, and Agama takes names alone.
            self.assertNotIn("python3", software["packages"])


class FreeBsdTest(testtools.TestCase):
    """The script for bsdinstall."""

    def answer(self, **fields: object) -> str:
        """The script."""
        request = Request(**({"name": "x", "os": "freebsd-14"} | fields))  # type: ignore[arg-type]
        return answers.render(CATALOG.entry("freebsd-14"), request, BUILD, "").answer

    def test_bsdinstall_finds_its_script(self) -> None:
        """It removes that, under set -e: a clean-up must not."""
        self.assertIn("-mindepth 1 ! -path /tmp/installscript -delete", self.answer())

    def test_root_is_let_in_by_a_key(self) -> None:
        line = 'echo "PermitRootLogin prohibit-password" >> /etc/ssh/sshd_config\n'
        self.assertNotIn(line, self.answer())
        self.assertIn(line, self.answer(ssh_public_keys=("ssh-ed25519 AAAA x",)))


class OwnAnswerTest(testtools.TestCase):
    """A file of the user's."""

    def setUp(self) -> None:
        super().setUp()
        self.entry = CATALOG.entry("debian-13")
        self.text = "d-i debian-installer/exit/poweroff boolean true\n# {{ @BUILD_ID@"

    def render(self, name: str, text: str) -> answers.Answers:
        request = Request(name="x", os=name, answer_file=text)
        return answers.render(CATALOG.entry(name), request, BUILD, "http://m/debian")

    def test_it_is_no_template_but_learns_the_id(self) -> None:
        request = Request(name="x", answer_file=self.text)
        answers = self.render("debian-13", self.text)
        self.assertEqual(self.text.replace("@BUILD_ID@", BUILD), answers.answer)
        self.assertFalse(preflight.check_answers(self.entry, request, answers))

    def test_the_hint_of_each_entry_reports(self) -> None:
        """That it is good is tested with the judgement: `test_own_file`."""
        for name in CATALOG.names():
            answers = self.render(name, CATALOG.entry(name).report_hint)
            self.assertNotIn("@REPORT@", answers.answer)

    def test_paths_of_windows_are_short_enough(self) -> None:
        """Setup refuses a whole answer file for a command of 260 characters."""
        for name in ("windows-11", "windows-server-2022", "windows-server-2025"):
            entry = CATALOG.entry(name)
            request = Request(name="x", os=name, source="x", firmware="uefi")
            made = answers.render(entry, request, BUILD, "x").answer
            for text in (made, self.render(name, entry.report_hint).answer):
                paths = re.findall("<Path>(.*?)</Path>", text, re.DOTALL)
                self.assertNotEqual([], paths)
                self.assertLess(max(map(len, paths)), 260)

    def test_the_user_of_windows_is_the_one_that_its_image_names(self) -> None:
        """cloudbase-init's own default is another than Nova's property said."""
        for name in ("windows-11", "windows-server-2022", "windows-server-2025"):
            entry = CATALOG.entry(name)
            request = Request(name="x", os=name, source="x", firmware="uefi")
            answer = answers.render(entry, request, BUILD, "x").answer
            user = entry.properties["os_admin_user"]
            self.assertIn(f"&#39;USERNAME={user}&#39;", answer)
            self.assertEqual({"windows-11": "Admin"}.get(name, "Administrator"), user)

    def test_copies_of_windows_are_told_again(self) -> None:
        """What sysprep forgets: the time zone, and the formats and keyboard."""
        request = Request(
            name="x",
            os="windows-server-2025",
            source="x",
            timezone="W. Europe Standard Time",
            locale="de_DE.UTF-8",
        )
        answer = answers.render(CATALOG.entry(request.os), request, BUILD, "x").answer
        script = str(
            ElementTree.fromstring(answer).findtext(
                "{urn:imagebuild}Extensions/{urn:imagebuild}Script"
            )
        )
        [text] = re.findall(r"(?s)@'\n(.*?)\n'@\n", script)
        found = {
            (str(part.get("pass")), item.tag.rpartition("}")[2]): item.text
            for part in ElementTree.fromstring(text.encode())
            for item in part.iter()
        }
        self.assertEqual("W. Europe Standard Time", found["specialize", "TimeZone"])
        for tag in ("SystemLocale", "UserLocale", "InputLocale"):
            self.assertEqual("de-DE", found["oobeSystem", tag])

    def test_the_store_updates_nothing_before_sysprep(self) -> None:
        """And may again in copies."""
        request = Request(name="x", os="windows-11", source="x", firmware="uefi")
        answer = answers.render(CATALOG.entry(request.os), request, BUILD, "x").answer
        before, _, later = answer.partition("sysprep.exe")
        self.assertIn("WindowsStore /v AutoDownload /t REG_DWORD /d 2 ", before)
        self.assertIn("WindowsStore&#39; AutoDownload\n", before)
        self.assertNotIn("AutoDownload", later)

    def test_windows_does_not_encrypt_what_sysprep_is_to_copy(self) -> None:
        """With a TPM it would, before audit mode; it is forbidden in time."""
        request = Request(name="x", os="windows-11", source="x", firmware="uefi")
        answer = answers.render(CATALOG.entry(request.os), request, BUILD, "x").answer
        specialize = answer.partition('pass="specialize"')[2].partition("</settings>")[
            0
        ]
        self.assertIn("BitLocker /v PreventDeviceEncryption ", specialize)

    def test_the_report_is_one_line_that_any_format_takes(self) -> None:
        """No quote, backslash, bracket or ampersand, and sh can read what is in it."""
        for name in ("debian-13", "ubuntu-24.04", "rocky-9", "sles-15", "freebsd-14"):
            line = self.render(name, "@REPORT@").answer
            self.assertRegex(line, r"^echo [A-Za-z0-9+/=]+ \| [a-z0-9]+ -[dr] \| sh$")
            script = base64.b64decode(line.split()[1]).decode()
            self.assertIn(BUILD, script)
            done = subprocess.run(["sh", "-n"], input=script, text=True)
            self.assertEqual(0, done.returncode)

    def test_one_that_cannot_report_is_warned_of(self) -> None:
        request = Request(name="x", answer_file=self.text.partition("#")[0])
        [line] = preflight.warn_answer_file(self.entry, request)
        self.assertIn("see: Catalog.entry('debian-13').report_hint", line)
        self.assertEqual([], preflight.warn_answer_file(self.entry, Request(name="x")))

    def test_options_that_it_would_ignore_are_refused(self) -> None:
        for option, fields in (
            ("--package", {"packages": ("vim",)}),
            ("--swap", {"swap_mib": 1}),
            ("--run-command", {"commands": ("true",)}),
            ("--locale", {"locale": "C"}),
            ("--update", {"update": True}),
        ):
            request = Request(name="x", answer_file=self.text, **fields)
            answers = self.render("debian-13", self.text)
            [problem] = preflight.check_answers(self.entry, request, answers)
            self.assertIn(option, problem)

    def test_updates_by_default_are_not_its_business(self) -> None:
        """Nor are those that nobody wants: the file is sent as it is."""
        for update in (None, False):
            request = Request(name="x", answer_file=self.text, update=update)
            answers = self.render("debian-13", self.text)
            self.assertEqual([], preflight.check_answers(self.entry, request, answers))
            self.assertNotIn("IMAGEBUILD-UPDATE", answers.answer)

    def test_it_must_power_off_and_fit(self) -> None:
        request = Request(name="x", answer_file="#" * 50_000)
        answers = self.render("debian-13", "#" * 50_000)
        found = "\n".join(preflight.check_answers(self.entry, request, answers))
        self.assertIn("does not power the server off", found)
        self.assertIn("65535", found)
