"""One verdict on a guest, from all that was seen of it."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import testtools
import yaml

from osc_imagebuild.diagnosis import diagnose
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.verdict import (
    FAILED,
    RUNNING,
    STALLED,
    GuestView,
    judge,
)
from tests import paths

# What expressions that try every place and every length would take minutes for.
HOSTILE = (
    *"a( 1[.>|_@\n\x1b",
    *(
        "[1;",
        "a ",
        "a: ",
        ">\n",
        "a/",
        "a\n",
        "1 %  ",
        "[ 1 a (1*b)",
        "E: \n",
        "\x1b]0;",
    ),
    *("169.254.169.254 ", "agama ", "profile ", "please ", "package ", "GPG key "),
    *("cmd-", "dhcp ", "hash ", "Could not find ", "!! ERROR: \n", "1: Retry 2: "),
    *("Traceback (most recent call last):\n", "The exact error message is:\n"),
    *("Loading boot.ipx ", "Loading boot.ipx\n", "Datasource ", "sh-1"),
    *("Use the x and y keys to select ", "IMAGEBUILD-REPORT {", "[    0.000000] "),
)

CONSOLES = paths.DATA / "consoles"
DEBIAN = sign_files.of("debian")

# What the reason must speak of.
REASONS = {
    "agama-pkg": "a package",
    "agama-profile": "could not use its profile",
    "common-credentials": "refused access",
    "common-disk-full": "larger disk",
    "common-grub": "grub>",
    "common-grub-menu": "boot loader waits",
    "common-hung": "guest hangs",
    "common-ipxe": "network boot found nothing",
    "common-ipxe-404": "network boot found nothing",
    "common-off-early": "went off before",
    "common-oops": "kernel crashed",
    "common-ovmf-none": "firmware found nothing",
    "common-pxe-no-lease": "no address by DHCP",
    "common-reboot-loop": "started a second time",
    "debian-clock": "clock is behind",
    "debian-country": "mirror country",
    "debian-debootstrap-key": "signed by a key",
    "debian-download": "asks and waits",
    "debian-early": "early_command.* failed: correct it: if then; wget",
    "debian-package": "package could not be installed.*nosuchpackage-xyz",
    "debian-small-disk": "disk is too small",
    "debian-late": "late_command\\) failed: correct it: in-target systemctl enable foo$",
    "debian-menu": "Choose the next step|Prompt",
    "debian-newt-question": "disk to partition",
    "debian-nodhcp": "DHCP",
    "freebsd-full": "larger disk",
    "freebsd-geom": "partitioning",
    "freebsd-mountroot": "root file system",
    "freebsd-panic": "panic: page fault",
    "freebsd-terminal": "Console type",
    "mini-fetch": "cannot fetch",
    "mini-hang": "partitioning /dev/sda",
    "redhat-cmdline": "Unable to allocate requested partition",
    "redhat-dracut-shell": "emergency",
    "redhat-gpg": "signed by a key",
    "redhat-hub": "asks and waits",
    "redhat-kickstart-syntax": "kickstart file has an error",
    "redhat-ks-script": "kickstart script",
    "redhat-no-kickstart": "answer file|kickstart file",
    "redhat-nolease": "no address by DHCP",
    "redhat-nomem": "more RAM",
    "redhat-oom": "more RAM",
    "redhat-register": "could not register",
    "redhat-tls": "certificate",
    "suse-autoyast404": "could not use its profile|could not be fetched",
    "suse-no-repo": "no install tree",
    "suse-register": "could not register",
    "suse-signature": "not signed by a key",
    "suse-xml": "profile has an error",
    "ubuntu-autoinstall-schema": "autoinstall file has an error",
    "ubuntu-confirm": "Continue with autoinstall",
    "ubuntu-curtin": "404",
    "ubuntu-initramfs": "live system was not found",
    "ubuntu-nodisk": "found no disk",
    "ubuntu-oom": "more RAM",
    "ubuntu-proxy407": "refused access",
    "ubuntu-unmet": "what it depends on",
    "ubuntu-yaml": "answer file has an error",
    "windows-bugcheck": "Windows crashed",
    "windows-no-media": "nothing to (start|boot)",
}

# The same of results that do not boot.
BOOT_REASONS = {
    "dracut": "emergency mode.*likely because its initial ramdisk",
    "extlinux-corrupt": "does not find or load the kernel",
    "extlinux": "does not find or load the kernel",
    "fstab": "emergency mode.*likely because a file system",
    "grub-cut-kernel": "does not find or load the kernel",
    "grub-first-sector": "does not find or load the kernel",
    "grub-policy": "Secure Boot",
    "grub-rescue": "boot loader does not find its own files",
    "initramfs": "initial ramdisk does not find.*left a shell",
    "no-metadata": "cloud-init got no metadata",
    "ovmf-nothing": "other firmware",
    "panic": "its kernel does not find the root",
    "passphrase": "encrypted",
    "secure-boot": "Secure Boot",
    "seabios-nothing": "other firmware",
    "seabios-retries": "other firmware",
    "shim-revoked": "Secure Boot",
}


class SavedConsoleTest(testtools.TestCase):
    """Consoles that were saved, healthy ones and others."""

    def cases(self, state: str) -> list[Path]:
        """Return the consoles of one state."""
        found = sorted((CONSOLES / state).glob("*.txt"))
        self.assertGreater(len(found), 3)
        return found

    def known(self, path: Path, text: str) -> tuple[Signs, ...]:
        """The signs of the family in the file's name, and those of all."""
        return sign_files.of(path.name.partition("-")[0]), sign_files.of_unknown(text)

    def test_each(self) -> None:
        """Each is what it is, with its family's signs and with all."""
        for state in ("running", "finished", "failed"):
            for path in self.cases(state):
                raw = path.read_text(encoding="utf-8")
                for text in (raw, raw.replace("\x1b", ""), raw.replace("\n", "\r\n")):
                    for known in self.known(path, text):
                        found = diagnose(text, known)
                        self.assertEqual(state, found.verdict.state, path.name)
                        self.assertTrue(found.verdict.reason)
                        self.assertIn(found.verdict.evidence[:40], text)

    def test_reasons(self) -> None:
        """The reason says what to change, in the guest's own words."""
        for path in self.cases("failed"):
            text = path.read_text(encoding="utf-8")
            for known in self.known(path, text):
                reason = diagnose(text, known).verdict.reason
                self.assertRegex(reason, REASONS[path.stem], path.name)
                self.assertNotRegex(reason, r"[\x00-\x1f]|\{\w+\}")

    def test_healthy_wherever_it_is_cut(self) -> None:
        """A healthy installation is called failed at no line."""
        for path in (*self.cases("running"), *self.cases("finished")):
            if path.stem.endswith("-overcome"):
                continue  # cut at its trouble, it ends in one
            lines = path.read_text(encoding="utf-8").splitlines()
            for end in range(1, len(lines) - 4):
                text = "\n".join(lines[:end])
                state = diagnose(text, sign_files.of_unknown(text)).verdict.state
                self.assertNotEqual(
                    FAILED, state, f"{path.name}:{end} {lines[end - 1]}"
                )

    def test_hostile(self) -> None:
        """No console takes long: expressions are tried on short lines only.

        The clock is the processor's own for this process. Half of what Nova keeps of a
        console must take a quarter of two seconds: costs may grow with the square.
        """
        for part in HOSTILE:
            text = part * (50 * 1024 // len(part))
            began = time.process_time()
            diagnose(text, sign_files.of_unknown(text))
            judge(sign_files.of_boot(), GuestView(console=text, boots=True, quiet_s=60))
            self.assertLess(time.process_time() - began, 0.5, repr(part))

    def test_short_ones(self) -> None:
        """The ends of many more, of installers and of boots."""
        cases = yaml.safe_load((CONSOLES / "short.yaml").read_text(encoding="utf-8"))
        self.assertGreater(len(cases), 40)
        for case in cases:
            text = case["text"]
            families = [sign_files.of(case["os"])] if "os" in case else []
            for known in (sign_files.of_unknown(text), *families):
                found = diagnose(text, known).verdict
                self.assertEqual(case["state"], found.state, f"{case['name']}: {found}")
                self.assertRegex(found.reason, case.get("says", "."), case["name"])

    def test_nothing(self) -> None:
        """An empty console is no failure, neither is a binary one."""
        for text in ("", "\n\n", "\x00\x1b[2J\x1b[1;1H", "\ufffd" * 5000):
            verdict = diagnose(text, sign_files.of_unknown(text)).verdict
            self.assertEqual(
                (RUNNING, ""), (verdict.state, verdict.evidence.strip("\ufffd"))
            )


class BootTest(testtools.TestCase):
    """Results that are booted, whatever they are."""

    def test_saved(self) -> None:
        """What does not boot is told; what is silent or up is not called failed."""
        self.check("failed", FAILED, 10)
        self.check("up", RUNNING, 3)

    def check(self, kind: str, state: str, least: int) -> None:
        """Judge all of one kind, four minutes after they have said their last."""
        paths = sorted((CONSOLES / "boot").glob(f"{kind}-*.txt"))
        self.assertGreater(len(paths), least)
        known = sign_files.of_boot()
        for path in paths:
            text = path.read_text(encoding="utf-8")
            late = GuestView(
                console=text, boots=True, quiet_s=240, flat_s=240, trouble_s=240
            )
            found = judge(known, late)
            self.assertEqual(state, found.state, f"{path.name}: {found}")
            self.assertIn(found.evidence[:40], text)
            if state == FAILED:
                wanted = BOOT_REASONS[path.stem.removeprefix("failed-")]
                self.assertRegex(found.reason, wanted, path.name)
                self.assertNotIn("installer", found.reason.partition(":")[0])

    def test_up_in_spite_of_trouble(self) -> None:
        """What a system got over before its login prompt, or says behind it."""
        swap = "[ TIME ] Timed out waiting for device /dev/disk/by-uuid/1.\n"
        said = "vm login: [   55.1] cloud-init[700]: Err:3 404 Not Found\n"
        for text in (f"{swap}\nvm login: ", said, f"{swap}{said}"):
            look = GuestView(console=text, boots=True, quiet_s=600, flat_s=600)
            self.assertEqual(RUNNING, judge(sign_files.of_boot(), look).state, text)
        look = dataclasses.replace(look, console=swap)
        self.assertEqual(FAILED, judge(sign_files.of_boot(), look).state)

    def test_final_at_once(self) -> None:
        """No waiting for what cannot pass."""
        for name in ("grub-rescue", "panic", "seabios-nothing", "fstab", "dracut"):
            path = CONSOLES / "boot" / f"failed-{name}.txt"
            look = GuestView(console=path.read_text(encoding="utf-8"), boots=True)
            self.assertEqual(FAILED, judge(sign_files.of_boot(), look).state, name)


class LiveTest(testtools.TestCase):
    """A server that is watched: times count."""

    def state(self, text: str = "", **fields: object) -> str:
        """Judge one look; return its state and the begin of its reason."""
        look = dataclasses.replace(GuestView(console=text), **fields)  # type: ignore[arg-type]
        found = judge(DEBIAN, look)
        return f"{found.state}: {found.reason}"

    def test_times(self) -> None:
        """What may pass has its time, what is final has none."""
        prompt = "Select a mirror\nPrompt: '?' for help, default=1> "
        colon = "Unpacking the archive:"
        lost = "wget: server returned error: HTTP/1.1 404 Not Found"
        panic = "Kernel panic - not syncing: Attempted to kill init!"
        mirror = "Checking the Debian archive mirror  ... 25%\n... 50%"
        busy = "start: subiquity/Install/install:"
        firmware = 'BdsDxe: failed to load Boot0001 "UEFI Misc Device": Not Found'
        locked = (
            "[ 3101.07] watchdog: BUG: soft lockup - CPU#0 stuck for 49s! [dpkg:20]\n"
            "[ 3101.07] Call Trace:\n[ 3101.07]  <TASK>\n[ 3101.07]  </TASK>"
        )
        both = ("console", "diagnostics")
        for text, fields, wanted in (
            (panic, {}, "failed: the kernel panicked"),
            (prompt, {"quiet_s": 59.0}, "running"),
            (prompt, {"quiet_s": 60.0}, "failed: the installer asks and waits"),
            (colon, {"quiet_s": 300.0, "flat_s": 10.0}, "running"),
            (colon, {"quiet_s": 240.0, "flat_s": 240.0}, "failed: the installer asks"),
            (lost, {"quiet_s": 239.0, "flat_s": 239.0}, "running"),
            (lost, {"flat_s": 240.0}, "failed: a file is not on the server"),
            (lost, {"flat_s": 149.0, "signals": both}, "running"),
            (lost, {"flat_s": 150.0, "signals": both}, "failed: a file is not on"),
            (f"{lost}\n" * 3, {"trouble_s": 199.0}, "running"),
            (f"{lost}\n" * 3, {"trouble_s": 200.0}, "failed: a file is not on"),
            (lost, {"trouble_s": 900.0}, "running"),
            (mirror, {"flat_s": 239.0}, "running"),
            (mirror, {"flat_s": 240.0}, "failed: a server took the installer's"),
            (mirror, {"flat_s": 150.0, "signals": both}, "failed: a server took"),
            (f"{mirror}\nDetecting disks", {"flat_s": 240.0}, "running"),
            (
                locked,
                {"quiet_s": 590.0, "flat_s": 590.0, "trouble_s": 590.0},
                "running",
            ),
            (firmware, {"flat_s": 239.0}, "running"),
            (firmware, {"flat_s": 240.0}, "failed: the firmware could not start"),
            (busy, {"quiet_s": 300.0, "flat_s": 300.0}, "running"),
            ("at work", {"flat_s": 599.0}, "running"),
            ("at work", {"flat_s": 600.0}, "stalled: the guest has shown no sign"),
            ("at work", {"flat_s": 600.0, "stall_s": 1200.0}, "running"),
        ):
            found = self.state(text, **fields)
            self.assertTrue(found.startswith(wanted), f"{text!r} {fields}: {found}")

    def test_off(self) -> None:
        """Off without a word is a failure, and with it is none."""
        done = "Finishing the installation ... 100%\nRequesting system poweroff"
        self.assertIn("must report", self.state(done, off=True))
        self.assertIn("failed", self.state("Detecting network hardware", off=True))
        self.assertIn("running", self.state(done))
        self.assertIn("finished", self.state("", off=True, reported=True))
        said = f"IMAGEBUILD-REPORT {json.dumps({'build': 'x'})}"
        self.assertIn("finished", self.state(said))

    def test_login_prompt(self) -> None:
        """It asks for nothing that an installer needs."""
        found = self.state("agama login: ", quiet_s=500.0, flat_s=500.0)
        self.assertIn(RUNNING, found)
        self.assertIn(STALLED, self.state("agama login: ", flat_s=700.0))

    def test_screen_repaints(self) -> None:
        """GNU screen's status line hides no prompt."""
        text = (
            "[Press enter to continue] \n\x1b[H\x1b[7m\x1b[m[   (1*installer)  2 shell"
        )
        text += "  3 shell  4- log     ][ Nov 22  9:08 ]\r\x1b[15B\x1b[0m"
        self.assertIn("Press enter", self.state(text, quiet_s=60.0))
