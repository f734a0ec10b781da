"""The judgement of own answer files: what powers off, reports, and is a secret."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path
from typing import Any

import fixtures
import testtools

from osc_imagebuild.guests import answers, own_file, sh_syntax
from osc_imagebuild.guests.answer_lint.reading import Script
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request

CATALOG = Catalog([BUILT_IN])
ENTRIES = {name: CATALOG.entry(name) for name in CATALOG.names()}
CLOUD = "#cloud-config\nautoinstall:\n  version: 1\n  late-commands: ['@REPORT@']\n"
WCM = 'xmlns:wcm="http://schemas.microsoft.com/WMIConfig/2002/State"'
COMPONENT = (
    '<component name="Microsoft-Windows-Deployment" processorArchitecture="amd64" '
    'publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">'
)
RUN = (
    "<RunSynchronous><RunSynchronousCommand><Path>{}</Path></RunSynchronousCommand>"
    "</RunSynchronous>"
)
YAST_PROFILE = '<?xml version="1.0"?>\n<profile/>\n'
OFF = "d-i debian-installer/exit/poweroff boolean true\n"


def yast(modes: str, more: str = "") -> str:
    """A profile with something in general/mode."""
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE profile>\n'
        '<profile xmlns="http://www.suse.com/1.0/yast2ns" '
        'xmlns:config="http://www.suse.com/1.0/configns">\n'
        f"<general><mode>{modes}</mode></general>\n{more}\n</profile>\n"
    )


def true(name: str, value: str = "true") -> str:
    """An element of YaST's that is a truth value."""
    return f'<{name} config:type="boolean">{value}</{name}>'


def script(kind: str, text: str) -> str:
    """Scripts of one kind in a profile."""
    return (
        f'<scripts><{kind} config:type="list"><script><source><![CDATA[\n{text}\n]]>'
        f"</source></script></{kind}></scripts>"
    )


def unattend(inside: str, name: str = "oobeSystem", more: str = "") -> str:
    """An answer file with one component."""
    return (
        f'<unattend xmlns="urn:schemas-microsoft-com:unattend" {WCM}>\n'
        f'<settings pass="{name}">{COMPONENT}{inside}</component></settings>{more}'
        "</unattend>"
    )


def command(line: str) -> str:
    """A command of the first logon, @REPORT@ before it."""
    rows = "".join(
        f"<SynchronousCommand><Order>{n}</Order><CommandLine>{text}</CommandLine>"
        "</SynchronousCommand>"
        for n, text in enumerate(("@REPORT@", line), 1)
    )
    return unattend(f"<FirstLogonCommands>{rows}</FirstLogonCommands>")


def encoded(text: str) -> str:
    """As PowerShell's -EncodedCommand takes it."""
    return base64.b64encode(text.encode("utf-16-le")).decode()


# A file of each family that lacks what its hint adds.
HINTED = {
    "debian": "d-i passwd/make-user boolean false\n{}\n",
    "ubuntu": "{}\n  locale: en_US.UTF-8\n",
    "redhat": "text\n{}\n",
    "suse": yast("").replace("<general><mode></mode></general>", "{}"),
    "agama": '{{"product": {{"id": "SLES"}}, {}}}',
    "freebsd": "PARTITIONS=DEFAULT\n#!/bin/sh\n{}\n",
    "windows": f'<unattend xmlns="urn:schemas-microsoft-com:unattend" {WCM}>\n'
    "{}\n</unattend>",
}


class JudgeTestCase(testtools.TestCase):
    """Judges texts for an entry."""

    def judge(self, os: str, text: str, **fields: Any) -> own_file.Judgement:
        """Judge one."""
        entry: Entry = dataclasses.replace(ENTRIES[os], **fields)
        return own_file.judge(entry, Request(name="x", os=os, answer_file=text))

    def check(self, os: str, *cases: tuple[str, str]) -> None:
        """Compare problems; '' for none at all."""
        for text, wanted in cases:
            found = " / ".join(self.judge(os, text).problems)
            self.assertIn(wanted, found, text)
            self.assertEqual(bool(wanted), bool(found), f"{text}: {found}")


class PowerOffTest(JudgeTestCase):
    """Every way that a vendor has counts, and only where it is carried out."""

    def test_preseed(self) -> None:
        late = "d-i preseed/late_command string"
        self.check(
            "debian-13",
            (OFF, ""),
            (f"\t{OFF}", ""),
            ("d-i  debian-installer/exit/poweroff\tboolean  true", ""),
            ("d-i debian-installer/exit/poweroff \\\n  boolean \\\n  true\n", ""),
            ("d-i debian-installer/exit/poweroff boolean true\r\n", ""),
            (f"{late} in-target true; poweroff\n", ""),
            (f"{late} (sleep 5; /sbin/poweroff -f) &\n", ""),
            (f"{late} chroot /target shutdown -h now\n", ""),
            (f"{late} echo o > /proc/sysrq-trigger\n", ""),
            ("# d-i debian-installer/exit/poweroff boolean true\n", "does not power"),
            (f"{late} echo poweroff\n", "does not power the server off at its end"),
            (f"{late} true # poweroff\n", "does not power the server off"),
            ("d-i debian-installer/exit/poweroff boolean false\n", "would reboot"),
            (f"{OFF}d-i debian-installer/exit/poweroff boolean false", "would reboot"),
            (f"{OFF}d-i debian-installer/exit/halt boolean true", "line 2: it halts"),
            (f"{late} reboot\n", "line 1: it reboots (reboot)"),
            ("d-i preseed/early_command string poweroff\n", "does not power"),
            ("d-i preseed/include string http://x/more.cfg\n", ""),
        )

    def test_preseed_by_its_commands(self) -> None:
        """What they tell debconf counts, for the installer's own, and the last."""
        early, late = (f"d-i preseed/{w}_command string" for w in ("early", "late"))
        name = "debian-installer/exit/poweroff"
        on, off = f"d-i {name} boolean true", f"d-i {name} boolean false"
        self.check(
            "debian-13",
            (f'{early} echo "{on}" | debconf-set-selections\n', ""),
            (f"{late} echo '{on}' | debconf-set-selections\n", ""),
            (f"d-i partman/early_command string debconf-set {name} true\n", ""),
            (
                f"{early} printf '%s\\n' '{on}' > /tmp/x; debconf-set-selections /tmp/x",
                "",
            ),
            (f"{early} printf 'a\\n{on}\\n' | debconf-set-selections", ""),
            (f"{early} . /usr/share/debconf/confmodule; db_set {name} true", ""),
            (f"{early} echo SET {name} true | debconf-communicate", ""),
            (f"{early} sh -c 'debconf-set {name} true'", ""),
            (f"{early} f() {{ debconf-set {name} true; }}; f", ""),
            (f"{early} f() {{ debconf-set {name} true; }}; g", "would reboot"),
            (f"{early} debconf-set {name} false\n{OFF}", "would reboot"),
            (f'{early} echo "{off}" | debconf-set-selections\n{OFF}', "would reboot"),
            (f'{late} in-target sh -c "debconf-set {name} true"', "would reboot"),
            (f'{late} echo "{on}" | chroot /target debconf-set-selections', "reboot"),
            (f"{late} debconf-set debian-installer/exit/halt true\n{OFF}", "it halts"),
            (f'{early} echo "{on}"\n', "would reboot"),
            (f"{late} echo o | tee /proc/sysrq-trigger\n", ""),
            (f"{late} in-target sh -c 'echo o > /proc/sysrq-trigger'\n", ""),
            (f"{late} echo o > /target/proc/sysrq-trigger\n", ""),
            (f"{late} echo b > /proc/sysrq-trigger\n", "line 1: it reboots (echo b)"),
            (f"{late} echo s > /proc/sysrq-trigger\n", "would reboot"),
            (f"{early} echo o > /proc/sysrq-trigger\n", "would reboot"),
            (f"{late} off() {{ poweroff; }}\n", "would reboot"),
            (f"{late} exit 0; poweroff\n", "would reboot"),
            (f"{late} if false; then poweroff; fi\n", "would reboot"),
        )

    def test_preseed_with_its_script_in_comments(self) -> None:
        """As this package's own template has it."""
        early = (
            "d-i preseed/early_command string sed -n 's/^#| //p' /tmp/x > /usr/lib/f"
        )
        self.check(
            "debian-13",
            (f"{early}\n#| poweroff\n# reboot\n", ""),
            (f"{early}\n# poweroff\n", "does not power"),
        )
        [] = self.judge("debian-13", f"{OFF}{early}\n#| @REPORT@\n").warnings

    def test_kickstart(self) -> None:
        post = "%post\n{}\n%end\n"
        self.check(
            "rocky-9",
            ("poweroff\n", ""),
            ("  poweroff --eject\n", ""),
            ("shutdown\n", ""),
            ("reboot\npoweroff\n", ""),
            (post.format("systemctl --no-block poweroff"), ""),
            (post.format("if true; then\n  exec /usr/sbin/shutdown -P now\nfi"), ""),
            ("%post --nochroot --interpreter=/bin/bash\npoweroff\n%end\n", ""),
            ("%include http://x/more.ks\n", ""),
            ("poweroff\nreboot\n", "line 2: it reboots (reboot)"),
            ("# poweroff\n", "Anaconda halts without a power-off"),
            ("halt\n", "line 1: it halts without a power-off (halt)"),
            ("reboot # poweroff\n", "it reboots"),
            ("text\n", "does not power the server off"),
            ("%packages\npoweroff\n%end\n", "does not power the server off"),
            ("%pre\npoweroff\n%end\n", "does not power the server off"),
            ("%onerror\npoweroff\n%end\nreboot\n", "line 4: it reboots"),
            (post.format("cat > /etc/x <<EOF\npoweroff\nEOF"), "does not power"),
            (post.format('echo "then poweroff"'), "does not power"),
            (post.format("systemctl enable poweroff.target"), "does not power"),
            (post.format("shutdown -r now"), "line 2: it reboots (shutdown -r now)"),
            (
                "%post --interpreter=/usr/bin/python3\npoweroff\n%end\n",
                "does not power",
            ),
        )

    def test_kickstart_that_does_both(self) -> None:
        found = self.judge("rocky-9", "poweroff\n%post\n@REPORT@\nreboot -f\n%end\n")
        self.assertEqual((), found.problems)
        self.assertIn("line 4: it reboots (reboot -f)", " ".join(found.warnings))

    def test_autoinstall(self) -> None:
        late = CLOUD.replace("['@REPORT@']", "['@REPORT@', {}]").format
        self.check(
            "ubuntu-24.04",
            (f"{CLOUD}  shutdown: poweroff\n", ""),
            (f"{CLOUD}  'shutdown': \"poweroff\"  # at last\n", ""),
            ('#cloud-config\nautoinstall: {version: 1, shutdown: "poweroff"}', ""),
            (
                f"## template: jinja\n{CLOUD}  shutdown: {{{{ 'poweroff' }}}}\n",
                "",
            ),
            (f"## template: jinja\n{CLOUD}  shutdown: {{{{ v1.x }}}}\n", ""),
            (
                f"## template: jinja\n{CLOUD}  shutdown: {{{{ 'reboot' }}}}\n",
                "line 6: it reboots",
            ),
            (f"## template: jinja\n{CLOUD}  locale: {{{{ v1.x }}}}\n", "would reboot"),
            (f"## template: jinja\n{CLOUD}  shutdown: poweroff\n", ""),
            (late("poweroff"), ""),
            (late("[sh, -c, 'sleep 9; poweroff']"), ""),
            (late("'curtin in-target --target=/target -- systemctl poweroff'"), ""),
            (CLOUD, "Ubuntu's installer would reboot"),
            (f"{CLOUD}  shutdown: reboot\n", "line 5: it reboots (shutdown: reboot)"),
            (f"{CLOUD}  # shutdown: poweroff\n", "does not power the server off"),
            (f"{CLOUD}  early-commands: [poweroff]\n", "does not power the server off"),
            (f"{CLOUD}  error-commands: [poweroff]\n", "does not power the server off"),
            (
                f"{CLOUD}  user-data: {{power_state: {{mode: poweroff}}}}\n",
                "does not power the server off",
            ),
            (late("['echo', 'shutdown: poweroff']"), "does not power"),
            (f"{CLOUD}  shutdown: off\n", "does not power the server off"),
        )

    def test_autoinstall_that_nobody_reads(self) -> None:
        good = "autoinstall:\n  version: 1\n  shutdown: poweroff\n"
        mime = (
            "Content-Type: multipart/mixed; boundary=XX\nMIME-Version: 1.0\n\n--XX\n"
            f"Content-Type: text/cloud-config\n\n{{}}\n{good}\n--XX--\n"
        )
        self.check(
            "ubuntu-22.04",
            (f"#cloud-config\n{good}", ""),
            (f"#cloud-config\r\n{good}", ""),
            (mime.format("#cloud-config"), ""),
            (mime.format("#"), ""),
            (mime.replace("cloud-config", "plain").format(""), "none of its parts"),
            (good, "its first line is not #cloud-config but 'autoinstall:'"),
            (f"# mine\n#cloud-config\n{good}", "first line is not #cloud-config"),
            (f"#!/bin/sh\n{good}", "but '#!/bin/sh'"),
            (f"\n#cloud-config\n{good}", "its very first characters must be"),
            ("#cloud-config\nversion: 1\nshutdown: poweroff\n", "no key autoinstall"),
            (f"#cloud-config\n{good}identity: {{a: b}}\n", "line 5: identity beside"),
            ("#cloud-config\nautoinstall: [1", "no YAML"),
            (f"#cloud-config\n{good}ssh_pwauth: true\n", ""),
        )

    def test_autoinstall_in_parts(self) -> None:
        """As cloud-init takes user data apart; the last part with the key counts."""
        good = "autoinstall: {version: 1, shutdown: poweroff}"
        bad = "autoinstall: {version: 1, shutdown: reboot}"
        parts = "#cloud-config-archive\n"
        template = f"## template: jinja\n#cloud-config\n{good}"
        archive = f"{parts}- type: {{}}\n  content: |\n    {{}}\n".format
        self.check(
            "ubuntu-24.04",
            (f"{parts}- |\n  #cloud-config\n  {good}\n", ""),
            (f"{parts}- '{good}'\n", ""),
            (f"{parts}- content: '{good}'\n- '#!/bin/sh'\n", ""),
            (archive("text/cloud-config", good), ""),
            (archive("text/jinja2", template.replace("\n", "\n    ")), ""),
            (f"{parts}- '{good}'\n- '{bad}'\n", "line 3: it reboots"),
            (f"{parts}- '{bad}'\n- '{good}'\n", ""),
            (archive("text/cloud-config", bad), "line 4: it reboots"),
            (archive("text/plain", good), "none of its parts is a cloud-config"),
            (archive("text/x-shellscript", good), "none of its parts is a cloud-conf"),
            (f"{parts}- '#!/bin/sh'\n", "none of its parts is a cloud-config"),
            (f"{parts}{good}\n", "a #cloud-config-archive is a list of parts"),
            (f"{parts}- [", "#cloud-config-archive: no YAML"),
            ("#include\nhttp://x/y\n", ""),
            (f"{parts}- |\n  #include\n  http://x/y\n", ""),
            (f"{parts}- |\n  #include\n  http://x/y\n- '{bad}'", "line 5: it reboots"),
            (template, ""),
            (f"## template: jinja\n{good}", "its first line is not #cloud-config"),
            (f"## template: jinja\n\n{template[19:]}", ""),
            (f"#cloud-config\n## template: jinja\n{good}", ""),
        )
        [_, warning] = self.judge("ubuntu-24.04", "#include\nhttp://x/y").warnings
        self.assertIn(
            "it must be in what it fetches or runs (line 1: #include)", warning
        )

    def test_merged_keys(self) -> None:
        """A mapping's own keys win, then those of the first that is merged."""
        off, on = "shutdown: poweroff", "shutdown: reboot"
        head = f"#cloud-config\nx: &x {{version: 1, {off}}}\ny: &y {{{on}}}\n"
        self.check(
            "ubuntu-24.04",
            (f"{head}autoinstall: {{<<: *x}}\n", ""),
            (f"{head}autoinstall: {{<<: [*x, *y]}}\n", ""),
            (f"{head}autoinstall:\n  <<: *y\n  version: 1\n  {off}\n", ""),
            (f"{head}z: &z {{<<: *x}}\nautoinstall: {{<<: *z}}\n", ""),
            (f"{head}z: &z {{autoinstall: *x}}\n<<: *z\n", ""),
            (f"{head}autoinstall: {{<<: [*y, *x]}}\n", "line 3: it reboots"),
            (f"{head}autoinstall: {{<<: *x, {on}}}\n", "line 4: it reboots"),
            (f"{head}autoinstall: {{<<: 1}}\n", "only mappings can be merged"),
            (f"{head}autoinstall: &a {{<<: *a}}\n", "it is merged into itself"),
        )
        found = self.judge("ubuntu-24.04", f"{head}autoinstall: {{<<: *x, {off}}}")
        self.assertNotIn("twice", " ".join(found.warnings))
        grows = "".join(
            f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n"
            for n in range(1, 40)
        )
        text = f"#cloud-config\na0: &a0 {{{off}}}\n{grows}autoinstall: {{<<: *a39}}\n"
        self.check("ubuntu-24.04", (text, ""))

    def test_autoyast(self) -> None:
        halt, no_second = true("halt"), true("second_stage", "false")
        self.check(
            "sles-15",
            (yast(halt), ""),
            (yast(halt.replace("config:type", "t")), ""),
            (yast(true("final_halt")), ""),
            (yast(no_second, script("chroot-scripts", "poweroff")), ""),
            (yast("", script("init-scripts", "shutdown -h now")), ""),
            (yast(true("final_reboot")), "it reboots (final_reboot)"),
            (yast(f"<!-- {halt} -->"), "YaST would reboot"),
            (yast(true("halt", "false")), "YaST would reboot"),
            (yast(true("final_halt") + no_second), "YaST would reboot"),
            (yast("", script("pre-scripts", "poweroff")), "YaST would reboot"),
            (yast("", script("post-scripts", "poweroff")), ""),
            (yast(no_second, script("init-scripts", "poweroff")), ""),
            (yast(no_second, script("post-scripts", "poweroff")), "YaST would reboot"),
            (yast(true("second_stage"), script("post-scripts", "poweroff")), ""),
            (yast("", script("chroot-scripts", "# poweroff")), "YaST would reboot"),
            (yast("", f"<mode>{halt}</mode>"), "YaST would reboot"),
            ("<profile>", "not read: line 1: not well-formed XML"),
        )

    def test_unattend(self) -> None:
        reseal = "<Reseal><ForceShutdownNow>{}</ForceShutdownNow></Reseal>"
        sysprep = r"C:\Windows\System32\Sysprep\sysprep.exe /generalize /oobe {}"
        remote = "(Get-WmiObject Win32_OperatingSystem).Win32Shutdown({})"
        self.check(
            "windows-server-2022",
            (command("shutdown /s /t 0"), ""),
            (command("shutdown -s -t 0"), ""),
            (command("SHUTDOWN.EXE /t 0 /f /s"), ""),
            (command(r"%windir%\System32\shutdown.exe -p"), ""),
            (command('cmd /c "echo off &amp; shutdown /s"'), ""),
            (command("powershell -Command Stop-Computer -Force"), ""),
            (command(f"powershell -enc {encoded('sleep 3; Stop-Computer')}"), ""),
            (command(sysprep.format("/shutdown")), ""),
            (command(sysprep.format("-shutdown").replace(" /", " -")), ""),
            (command(remote.format(8)), ""),
            (command("wmic os where primary=1 call shutdown"), ""),
            (command("Start-Process shutdown.exe -ArgumentList '/s','/t','0'"), ""),
            (unattend(reseal.format("true")), ""),
            (unattend(reseal.format("true"), "generalize"), ""),
            (
                unattend("", more="<E xmlns='urn:x'><S>\nx\nStop-Computer\n</S></E>"),
                "",
            ),
            (unattend(reseal.format("false")), "Windows would start"),
            (unattend(f"<!-- {reseal.format('true')} -->"), "Windows would start"),
            (command("shutdown /r /t 0"), "it reboots (shutdown /r /t 0)"),
            (command("shutdown /a"), "Windows would start"),
            (command("rem shutdown /s"), "Windows would start"),
            (command("echo shutdown /s"), "Windows would start"),
            (command("cmd.exe /c rem shutdown /s"), "Windows would start"),
            (
                command(r"cmd /c echo shutdown /s &gt; c:\off.cmd"),
                "Windows would start",
            ),
            (command("powershell -c '# Stop-Computer'"), "Windows would start"),
            (
                command('powershell -c "Write-Host Stop-Computer"'),
                "Windows would start",
            ),
            (command("shutdown /s /t 0 /c 'reboot -r later'"), ""),
            (command("powershell -c x # Stop-Computer"), "Windows would start"),
            (command(sysprep.format("/reboot")), "it reboots"),
            (command(sysprep.format("/quit")), "Windows would start"),
            (command(remote.format(6)), "it reboots"),
            (command("powershell Restart-Computer"), "it reboots"),
            (
                unattend(
                    "<RunSynchronous><RunSynchronousCommand><Path>shutdown /s</Path>"
                    "</RunSynchronousCommand></RunSynchronous>",
                    "windowsPE",
                ),
                "Windows would start",
            ),
        )

    def test_unattend_that_nobody_reads(self) -> None:
        """Setup finds no settings in what is of another namespace, or of none."""
        good = command("shutdown /s")
        self.check(
            "windows-11",
            (good, ""),
            (good.replace(":unattend", ":x"), "and not unattend of"),
            (good.replace('xmlns="urn:schemas-microsoft-com:unattend" ', ""), "of the"),
            (
                good.replace("unattend ", "Unattend ").replace("/un", "/Un"),
                "first elem",
            ),
            (good.replace("<settings ", "<settings xmlns='urn:x' "), "would start"),
        )

    def test_unattend_in_audit_mode(self) -> None:
        """Its passes are run where oobeSystem, or sysprep, leads to it."""
        reseal = "<Reseal><ForceShutdownNow>true</ForceShutdownNow></Reseal>"
        run = RUN.format("shutdown /s")
        to_audit = "<Reseal><Mode>Audit</Mode></Reseal>"
        audit = f'<settings pass="auditUser">{COMPONENT}{{}}</component></settings>'
        sysprep = RUN.format(r"c:\windows\system32\sysprep\sysprep.exe -audit -quit")
        self.check(
            "windows-server-2022",
            (unattend(run, "auditUser"), "Windows would start"),
            (unattend(reseal, "auditUser"), "Windows would start"),
            (unattend(run, "auditSystem"), "Windows would start"),
            (
                unattend("<Reseal><Mode>Audit</Mode></Reseal>", "auditUser"),
                "would start",
            ),
            (unattend(to_audit, more=audit.format(run)), ""),
            (unattend(to_audit, more=audit.format(reseal)), ""),
            (unattend(sysprep, more=audit.format(run)), ""),
            (
                unattend("<Reseal><Mode>OOBE</Mode></Reseal>", more=audit.format(run)),
                "st",
            ),
            (
                unattend("<x><Mode>Audit</Mode></x>", more=audit.format(run)),
                "would start",
            ),
        )

    def test_unattend_that_registers_a_command(self) -> None:
        """It counts where the file starts it, or Windows; else it is not known, or not run."""
        task = "schtasks /create /tn off /tr 'shutdown /s /t 0' /sc {} /ru SYSTEM"
        once = r"reg add HKLM\Software\Microsoft\Windows\CurrentVersion\RunOnce /v x /d"
        action = (
            'powershell -c "$a = New-ScheduledTaskAction -Execute shutdown.exe '
            "-Argument '/s'; Register-ScheduledTask x -Action $a -Trigger "
            '(New-ScheduledTaskTrigger {})"'
        )
        off = f"{once} 'shutdown /s'"
        self.check(
            "windows-11",
            (command(task.format("onstart")), "Windows would start"),
            (command(task.format("ONLOGON")), "Windows would start"),
            (command(action.format("-AtStartup")), "Windows would start"),
            (command(f"{task.format('onstart')} &amp; schtasks /run /tn off"), ""),
            (command(f"{task.format('onstart')} &amp;&amp; shutdown /r /t 0"), ""),
            (command(f"{off} &amp; shutdown /r /t 0"), ""),
            (command(f"{once} notepad &amp; shutdown /r /t 0"), "it reboots"),
            (command(f"{action.format('-AtStartup')}; Start-ScheduledTask x"), ""),
            (command(task.format("minute")), ""),
            (command(action.format("-Once -At 23:00")), ""),
            (command(off), ""),
            (unattend(RUN.format(task.format("onstart")), "specialize"), ""),
            (
                unattend(RUN.format(task.format("onstart")), "windowsPE"),
                "would start",
            ),
            (command("schtasks /create /tn x /tr notepad /sc onstart"), "would start"),
        )
        for text, wanted in (
            (
                command(off),
                "it must be in what it fetches or runs (line 2: registered:",
            ),
            (command(task.format("onstart")), "only registered for a start or a logon"),
        ):
            found = self.judge("windows-11", text)
            self.assertIn(wanted, " ".join(found.warnings), text)

    def test_unattend_with_variables(self) -> None:
        """What one holds is followed where it can be seen, and is no error where not."""
        say = 'powershell -Command "{}"'.format
        self.check(
            "windows-server-2025",
            (command(say("&amp; $sysprep /generalize /oobe /shutdown")), ""),
            (command(say("&amp; $exe /oobe /generalize /shutdown /quiet")), ""),
            (command(say("Start-Process $x -ArgumentList '/oobe','/shutdown'")), ""),
            (command(say("$o = '/oobe','/shutdown'; Start-Process $x $o")), ""),
            (command(say("$o = @('/generalize', '/shutdown'); &amp; $x $o")), ""),
            (command(say("$o = '/s /t 0'; shutdown.exe $o")), ""),
            (command(say("Start-Process $x -ArgumentList $given")), ""),
            (command(say("&amp; $x $given")), ""),
            (command(say("Invoke-Expression $x")), ""),
            (command("shutdown %given%"), ""),
            (command(r"%tools%\off.cmd"), ""),
            (command(r"powershell -File d:\off.ps1"), ""),
            (command(say("&amp; $exe /oobe /generalize /reboot")), "it reboots"),
            (command(say("$o = '/oobe /reboot'; &amp; $x $o")), "it reboots"),
            (command(say("$o = '/r'; shutdown.exe $o")), "it reboots"),
            (command(say("$o = 'shutdown /s'; Write-Host $o")), "Windows would start"),
            (command(say("$o = 'shutdown /s'")), "Windows would start"),
            (command(say("$x = Get-Date")), "Windows would start"),
            (command(say("&amp; $exe /oobe /generalize /quit")), ""),
        )
        warned = self.judge("windows-11", command(say("&amp; $x $given"))).warnings
        self.assertIn("or runs (line 2: variables of $x $given)", " ".join(warned))

    def test_where_the_product_powers_off(self) -> None:
        """Agama by its command line, FreeBSD by the medium's rc.local."""
        profile = '{"scripts": {"post": [{"name": "x", "content": "%s"}]}}'
        self.check(
            "sles-16",
            ("{}", ""),
            (profile % "@REPORT@", ""),
            (profile % "reboot -f", "line 1: it reboots (reboot -f)"),
        )
        self.check(
            "freebsd-14",
            ("@REPORT@", ""),
            ("#!/bin/sh\nshutdown -p now\n", ""),
            ("#!/bin/sh\n# reboot\n", ""),
            ("x=1\n#!/bin/sh\nshutdown -r now\n", "line 3: it reboots"),
            (
                "#!/bin/sh\nshutdown -h now\n",
                "halts without a power-off (shutdown -h now: in FreeBSD shutdown -p now,",
            ),
            ("#!/bin/sh\nhalt\n", "poweroff and halt -p power off)"),
            ("#!/bin/sh\nshutdown now\n", "line 2: it ends in single-user mode"),
            ("#!/bin/sh\nhalt -p\n", ""),
        )
        medium = {"texts": {"etc/rc.local": "#!/bin/sh\nshutdown -h now\n"}}
        found = self.judge("freebsd-14", "@REPORT@", answer_cd=medium).problems
        self.assertIn("bsdinstall would reboot", " ".join(found))
        args = ENTRIES["sles-16"].kernel_args.replace("inst.finish=poweroff", "")
        found = self.judge("sles-16", "{}", kernel_args=args).problems
        self.assertIn("Agama would wait", " ".join(found))
        found = self.judge("sles-16", profile % "poweroff", kernel_args=args).problems
        self.assertEqual((), found)

    def test_agama_takes_json_or_jsonnet(self) -> None:
        """Another format is refused by its name."""
        self.check(
            "opensuse-leap-16",
            ("product:\n  id: SLES\n", "it is YAML, and Agama takes JSON or Jsonnet"),
            ("# a\n---\nproduct: {id: SLES}\n", "it is YAML"),
            ("- a\n- b\n", "it is YAML"),
            (YAST_PROFILE, "it is XML"),
            ("{a: 01}", "a number with a zero before it, 01, is none"),
            ('{"a": 00.5}', "line 1: no JSON"),
            ("{ a: 1, b: 0.5, c: 10, d: 0 }", ""),
        )

    def test_a_sign_of_an_entry_counts_too(self) -> None:
        """A site may know better; in a format that nobody knows, it alone does."""
        sign = {"power_off_sign": "^fetch-and-run$"}
        self.assertEqual((), self.judge("rocky-9", "fetch-and-run", **sign).problems)
        sign["answer_format"] = "their own"
        self.assertEqual((), self.judge("rocky-9", "fetch-and-run", **sign).problems)
        [problem] = self.judge("rocky-9", "# \nfetch-and-run 2", **sign).problems
        self.assertIn("nothing in it matches '^fetch-and-run$'", problem)
        sign["power_off_sign"] = ""
        self.assertEqual((), self.judge("rocky-9", "anything", **sign).problems)


class HintTest(JudgeTestCase):
    """What `os show` prints, pasted into a file of the family's, is good."""

    def test_each_entry(self) -> None:
        for name, entry in ENTRIES.items():
            text = HINTED[entry.family].format(entry.report_hint)
            found = self.judge(name, text)
            self.assertEqual(((), ()), tuple(found), name)
            request = Request(name="x", os=name, source="http://m/x", answer_file=text)
            made = answers.render(entry, request, "0" * 32, "http://m/x").answer
            again = self.judge(name, made).problems
            self.assertEqual((), again, f"{name}, with the report in its place")


class WarningsTest(JudgeTestCase):
    """What does not keep a file from being used, with its line."""

    def warned(self, os: str, *cases: tuple[str, str]) -> None:
        """Compare warnings; '' for none."""
        for text, wanted in cases:
            found = " / ".join(self.judge(os, text).warnings)
            self.assertIn(wanted, found, text)
            self.assertEqual(bool(wanted), bool(found), f"{text}: {found}")

    def test_report(self) -> None:
        """The words count where something is done with them."""
        late = "d-i preseed/late_command string"
        self.warned(
            "debian-13",
            (f"{OFF}{late} in-target sh -c '@REPORT@'", ""),
            (f"{OFF}d-i preseed/run string http://x/@BUILD_ID@.sh", ""),
            (f"{OFF}# @REPORT@\n", "nor @BUILD_ID@ outside of comments"),
            (OFF, "neither @REPORT@ nor @BUILD_ID@ in it"),
        )
        self.warned(
            "rocky-9",
            ("poweroff\n%post\n@REPORT@\n%end", ""),
            ("poweroff\n%post\n# @REPORT@\ntrue\n%end", "outside of comments"),
        )
        self.warned(
            "opensuse-leap-16",
            ("{ a: 'x' /* @REPORT@ */ }", "outside of comments"),
            ("{ a: 'x', b: |||\n  sh\n  @REPORT@\n||| }", ""),
        )

    def test_secrets(self) -> None:
        """Never the secret itself."""
        self.warned(
            "debian-13",
            (
                f"{OFF}d-i passwd/root-password password s3cr3t @BUILD_ID@",
                "line 2: a se",
            ),
            (f"{OFF}d-i passwd/root-password-crypted password $6$@BUILD_ID@", ""),
            (f"{OFF}d-i passwd/root-password password\nx y/z string @REPORT@", ""),
        )
        start = "poweroff\n%post\n@REPORT@\n%end\n"
        self.warned(
            "rocky-9",
            (f"{start}rootpw s3cr3t", "line 5: a secret in plain text"),
            (f"{start}rootpw --plaintext s3cr3t", "the password of rootpw"),
            (f"{start}user --name=a --password=s3cr3t", "the password of user"),
            (f"{start}rootpw --iscrypted $6$a$b\nuser --name=a --iscrypted", ""),
            (f"{start}rootpw --lock", ""),
        )
        start = f"{CLOUD}  shutdown: poweroff\n  identity: {{username: a, hostname: b, "
        self.warned(
            "ubuntu-24.04",
            (f"{start}password: s3cr3t}}", "line 6: a secret in plain text"),
            (f"{start}password: '$6$abc$def'}}", ""),
            (f"{start}password: '$y$j9T$abc$def'}}", ""),
        )
        user = "<users><user><user_password>{}</user_password>{}</user></users>"
        shown = yast(true("halt"), script("chroot-scripts", "@REPORT@") + user)
        self.warned(
            "sles-15",
            (shown.format("s3cr3t", ""), "user_password of user"),
            (shown.format("s3cr3t", true("encrypted", "false")), "user_password"),
            (shown.format("$6$x", true("encrypted")), ""),
            (shown.format("!", ""), ""),
        )
        password = (
            "<AutoLogon><Password><Value>s3cr3t</Value>{}</Password></AutoLogon></comp"
        )
        text = command("shutdown /s").replace("</comp", password)
        self.warned(
            "windows-11",
            (text.format("<PlainText>true</PlainText>"), "Password"),
            (text.format("<PlainText>false</PlainText>"), "which base64 alone hides"),
            (text.format("").replace("s3cr3t", ""), ""),
        )
        post = '"scripts": {"post": [{"name": "x", "content": "@REPORT@"}]}'
        self.warned(
            "sles-16",
            (f'{{"root": {{"password": "s3cr3t"}}, {post}}}', "the password"),
            (f'{{"root": {{"password": "x", "hashedPassword": true}}, {post}}}', ""),
        )
        for os, text in (
            ("rocky-9", "rootpw s3cr3t"),
            ("debian-13", "d-i a/b password s3cr3t"),
        ):
            self.assertNotIn("s3cr3t", " ".join(self.judge(os, text).warnings))

    def test_words_of_other_tools(self) -> None:
        """In settings any; where a shell runs, only what no shell takes."""
        late = "d-i preseed/late_command string @REPORT@;"
        self.warned(
            "debian-13",
            (
                f"{OFF}d-i passwd/username string ${{username}}\n{late} x",
                "line 2: ${us",
            ),
            (f"{OFF}d-i a/b string {{{{ .HTTPIP }}}}\n{late} x", "{{ .HTTPIP }} looks"),
            (f"{OFF}{late} echo ${{HOME}} ${{x:-y}} ${{#a}}", ""),
            (f"{OFF}{late} echo ${{var.name}}", "${var.name} looks like a word"),
            (f"{OFF}{late} docker ps --format '{{{{.Names}}}}'", ""),
            (f"{OFF}{late} echo {{{{ user `name` }}}}", "another tool"),
            (f"{OFF}{late} echo {{{{ ssh_key }}}}", "{{ ssh_key }} looks like"),
            (
                f"{OFF}d-i partman-auto/x string $primary{{ }} method{{ a }}\n{late} x",
                "",
            ),
        )
        start = "poweroff\n%post\n@REPORT@\n%end\n"
        self.warned(
            "fedora-44",
            (f"{start}lang ${{var.lang}}", "line 5: ${var.lang} looks like"),
            (f"{start}%pre\nx=${{1}}\n%end", ""),
        )
        self.warned(
            "ubuntu-24.04",
            (f"{CLOUD}  shutdown: poweroff\n  locale: ${{locale}}\n", "line 6: ${loc"),
            (
                f"{CLOUD}  shutdown: poweroff\n  locale: '%{{ if x }}'\n",
                "line 6: %{ if",
            ),
            (
                f"## template: jinja\n{CLOUD}  shutdown: poweroff\n  locale: {{{{ x }}}}",
                "",
            ),
        )
        path = '<RunSynchronousCommand><Path>powershell "${{env:x}}"</Path></RunSynchronousCommand>'
        text = command("shutdown /s").replace("<Fi", f"<Time>{{}}</Time>{path}<Fi")
        self.warned(
            "windows-11",
            (text.format("UTC"), ""),
            (text.format("${var.zone}"), "${var.z"),
        )

    def test_scripts_that_no_shell_reads(self) -> None:
        late = f"{OFF}d-i preseed/late_command string @REPORT@;"
        self.warned(
            "debian-13",
            (f"{late} if true; then x", "line 2: no shell script: "),
            (f"{late} echo 'x", "line 2: no shell script: "),
            (f"{late} if true; then x; fi", ""),
        )
        post = "poweroff\n%post{}\n@REPORT@\n{}\n%end\n"
        self.warned(
            "rocky-9",
            (post.format("", "x() {\ntrue\n"), "no shell script: "),
            (post.format("", "done"), "line 4: no shell script: syntax error near"),
            (post.format("", "a=(1 2)\ncat <(echo)"), ""),
            (post.format(" --interpreter=/usr/bin/python3", "if"), ""),
        )

    def test_nothing_in_a_script_is_run(self) -> None:
        """And one that is too long for the shell is given up."""
        marker = self.useFixture(fixtures.TempDir()).path + "/ran"
        for text in (f"touch {marker}", f": > {marker}\n$(touch {marker})"):
            self.assertEqual([], sh_syntax.mistakes([Script(1, text)]))
        self.assertFalse(Path(marker).exists())
        for language in ("", "windows"):
            self.assertEqual([], sh_syntax.mistakes([Script(1, "if", language)]))

    def test_autoinstall(self) -> None:
        start = f"{CLOUD}  shutdown: poweroff\n"
        self.warned(
            "ubuntu-24.04",
            (
                f"{start}  late_commands: [x]\n",
                "line 6: the installer has no key late_",
            ),
            (f"{start}  shutdown: poweroff\n", "line 6: shutdown is there twice"),
            (start.replace("  version: 1\n", ""), "version: 1 is missing"),
            (f"{start}  interactive-sections: [storage]\n", "lets the installer ask"),
            (f"{start}  interactive-sections: []\n", ""),
            (f"{start}  early-commands: x\n", "early-commands takes a list"),
        )

    def test_documents(self) -> None:
        """Namespaces, and what stands where it is not read."""
        good = yast(true("halt"), script("chroot-scripts", "@REPORT@"))
        self.warned(
            "sles-15",
            (good, ""),
            (
                good.replace("yast2ns", "yast2"),
                "line 3: the first element is profile of",
            ),
            (good.replace(' config:type="boolean"', ""), 'have config:type="boolean"'),
            (
                good.replace("<scripts>", "<x/>").replace("</scripts>", ""),
                "is read insi",
            ),
            (
                yast(
                    true("halt") + true("second_stage", "false"),
                    script("post-scripts", "@REPORT@"),
                ),
                "post-scripts are of the second stage, which second_stage false leaves",
            ),
        )
        good = command("shutdown /s")
        audit = good.replace("oobeSystem", "auditUser")
        self.warned(
            "windows-11",
            (good, ""),
            (good.replace("oobeSystem", "oobe"), "Windows Setup has no pass 'oobe'"),
            (good.replace('language="neutral" ', ""), "a component without language"),
            (audit, "the pass auditUser is run in audit mode alone"),
        )
