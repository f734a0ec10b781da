"""Own answer files by the grammar of their format."""

from __future__ import annotations

import sys
from unittest import mock

import testtools

from osc_imagebuild.guests import answer_lint, answers, own_file
from osc_imagebuild.guests.answer_lint import (
    ending,
    executed,
    kickstart,
    markup,
    vendor_kickstart,
)
from osc_imagebuild.guests.answer_lint.reading import Script
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.request import Request

ENTRIES = Catalog([BUILT_IN])
RECIPE = "d-i partman-auto/expert_recipe string"
YAST = '<profile xmlns="http://www.suse.com/1.0/yast2ns">{}</profile>'
WINDOWS = '<unattend xmlns="urn:schemas-microsoft-com:unattend">{}</unattend>'


# Scripts that power off, and such that do nothing of this kind.
OFF = """\
poweroff
/usr/sbin/poweroff -f
halt -p
halt --poweroff
reboot -p
shutdown
shutdown -h +1
shutdown --poweroff now
systemctl isolate poweroff.target
systemctl --no-block poweroff
init 0
sudo -n poweroff
env A=b poweroff
A=b exec poweroff
bash -ec 'poweroff'
sh -c "sleep 1; poweroff"
timeout -k 1 9 poweroff
nohup poweroff
chroot /mnt /bin/sh -c poweroff
kill -USR2 1
in-target poweroff
curtin in-target --target=/target -- poweroff
eval 'poweroff'
for i in 1; do poweroff; done
while :; do poweroff; done
x || { poweroff; }
$(poweroff)
echo poweroff | sh
printf 'sleep 9\\npoweroff\\n' | at now
""".splitlines()
NOTHING = """\
echo poweroff
shutdown -c
# poweroff
poweroff=1
poweroff --help
systemctl mask poweroff.target
case x in poweroff) a;; esac
grep poweroff /x
'power off'
sed s/a/poweroff/
poweroffs
for poweroff in 1; do a; done
echo "a; poweroff"
""".splitlines()

# What is run, by functions, conditions and ends; and what is not.
RUN = r"""
${OFF:-poweroff}
${OFF:-shutdown -h} now
off() { poweroff; }; ${1-off}
((1)) && poweroff
((x)) && poweroff
if /usr/bin/true; then poweroff; fi
[ 1 -lt 2 -a -e /x ] && poweroff
exec > >(tee /x) 2>&1; poweroff
( set -x; sleep 1; poweroff ) 2>&1 | tee /x
off() { poweroff; }; off
off() { poweroff; }; a() { off; }; a
function off { poweroff; }; off
off() (poweroff); off
trap poweroff EXIT
trap 'sleep 1; poweroff' 0 INT
off() { poweroff; }; trap off EXIT; exit 0
off() { poweroff; }; eval off
off() { poweroff; }; x=$(off)
off() { poweroff; }; off | cat
off() { poweroff; }; true && off
off() { poweroff; }; if x; then off; fi
off() { poweroff; }; export -f off; bash -c off
off() { poweroff; }; for f in a off; do $f; done
off() { poweroff; }; $1
run() { echo "$@"; "$@"; }; run poweroff
run() { shift; "$@"; }; run "a b" poweroff -f
run() { "$@"; }; off() { poweroff; }; run off
run() { "$@"; }; run sh -c "sleep 1; poweroff"
if [ -e /x ]; then poweroff; fi
if [ "$x" = y ]; then poweroff; fi
if true; then poweroff; fi
if [ 1 = 1 ]; then poweroff; fi
if false; then a; else poweroff; fi
if x; then exit 1; fi; poweroff
x || exit 1; poweroff
x && exit 1; poweroff
(exit 0); poweroff
exit 0 & poweroff
exit | cat; poweroff
x=$(exit 1); poweroff
f() { return; }; f; poweroff
f() { x && exit; }; f; poweroff
while x; do exit; done; poweroff
while true; do x && break; done; poweroff
while :; do poweroff; done
until false; do poweroff; done
until [ -e /x ]; do sleep 1; done; poweroff
for i in $x; do exit; done; poweroff
for i in a b; do break; done; poweroff
case $x in a) exit;; esac; poweroff
case $x in a) exit;; *) poweroff;; esac
case a in b) exit;; a) poweroff;; esac
exec >/log 2>&1; poweroff
exec 3>&1; poweroff
[ 1 -eq 2 ] || poweroff
! false && poweroff
cmd=poweroff; $cmd
$SUDO poweroff
echo o > /proc/sysrq-trigger
echo o >> /proc/sysrq-trigger
echo -n o | tee /proc/sysrq-trigger
printf o > /proc/sysrq-trigger
tee /proc/sysrq-trigger <<< o
echo o | dd of=/proc/sysrq-trigger
echo o | sudo tee /proc/sysrq-trigger >/dev/null
echo 'poweroff' > /tmp/x; sh /tmp/x
a=(1 2); [[ $x =~ (a|b) && $y < c ]] && poweroff
for ((i=0;i<3;i++)); do poweroff; done
((i++)); poweroff
echo "don't $(echo "it's")"; poweroff
if ! x; then poweroff; fi
{ sleep 5; poweroff; } &
(sleep 5; poweroff) &
time poweroff
x=${y:-a;b}; poweroff
set -e; poweroff
""".strip().splitlines()
NOT_RUN = r"""
if ((0)); then poweroff; fi
/bin/false && poweroff
if [ 1 = 2 ] && [ -e /x ]; then poweroff; fi
off() { poweroff; }
function off { poweroff; }
off() { poweroff; }; off2
a() { off; }; off() { poweroff; }
off() { poweroff; }; off() { true; }; off
if false; then poweroff; fi
if [ 1 = 2 ]; then poweroff; fi
if [[ a == b ]]; then poweroff; fi
if test 1 -gt 2; then poweroff; fi
if [ -n "" ]; then poweroff; fi
if ! true; then poweroff; fi
if [ ! 1 = 1 ]; then poweroff; fi
if true; then a; else poweroff; fi
if true; then a; elif b; then poweroff; fi
while false; do poweroff; done
until true; do poweroff; done
for i in; do poweroff; done
exit 0; poweroff
exit; poweroff
exec /bin/true; poweroff
return 0; poweroff
{ exit 1; }; poweroff
if true; then exit; fi; poweroff
if x; then exit 1; else exit 0; fi; poweroff
x && exit 0 || exit 1; poweroff
true && exit; poweroff
false || exit; poweroff
f() { exit; }; f; poweroff
f() { return; poweroff; }; f
while true; do sleep 1; done; poweroff
while :; do x; exit; done; poweroff
for i in a b; do exit; done; poweroff
for i in 1 2; do continue; poweroff; done
while x; do break; poweroff; done
false && poweroff
true || poweroff
: || poweroff
case a in b) poweroff;; esac
case $x in *) exit;; esac; poweroff
trap poweroff INT
trap poweroff EXIT; trap - EXIT
trap poweroff ERR
echo b > /proc/x
cat /proc/sysrq-trigger
echo h > /proc/sysrq-trigger
[ 1 -eq 2 ] && poweroff
[ -z "" ] || poweroff
exit 0; off() { poweroff; }; off
poweroff() { echo no; }; poweroff
""".strip().splitlines()


class SyntaxTestCase(testtools.TestCase):
    """Tables of texts, and of what is said of them."""

    def check(self, kind: str, *cases: tuple[str, str], release: str = "") -> None:
        """Compare what is said of each text; '' for nothing."""
        for text, wanted in cases:
            found = answer_lint.mistakes(kind, text, release)
            self.assertEqual(bool(wanted), bool(found), f"{text!r}: {found}")
            self.assertIn(wanted, " ".join(found), text)


class SyntaxTest(SyntaxTestCase):
    """Told with their line; what is well formed is not complained of."""

    def test_preseed(self) -> None:
        self.check(
            "preseed",
            ("# a\n\nd-i a/b string\n d-i a/c boolean true\nx a/d seen true", ""),
            (f"{RECIPE} \\\n a :: \\\n 1 2 -1 ext4 f{{ }} . 64 1 100% swap .\n", ""),
            ("d-i a/b string x\nnonsense\n", "line 2: not 'owner question type value'"),
            ("d-i a/b sting x", "line 1: no type 'sting'"),
            ("d-i partman-auto/method regular", "no type 'regular'"),
            ("d-i a/b boolean yes", "to be true or false, not 'yes'"),
            (f"\n{RECIPE} \\\n a :: 1 2 ext4 .", "line 2: a partition begins with"),
            (f"{RECIPE} a :: 1 2 -1 ext4 method{{ format .", "closes its braces"),
            (f"{RECIPE} a :: 1 2 -1 ext4", "each end in ' .'"),
            (f"{RECIPE} 1 2 -1 ext4 .", "a recipe is 'label ::'"),
            ("x\n" * 20, "has 10 more of these"),
        )

    def test_preseed_lines_as_the_installer_joins_them(self) -> None:
        """Its comments are gone before it looks at a backslash."""
        self.check(
            "preseed",
            ("d-i a/b string x \\\n# inside\\\n  y\nd-i a/c note\n", ""),
            ("tasksel tasksel/first multiselect\npopularity-contest a/b seen true", ""),
            ("  # an indented comment of five words\n", ""),
            (
                "d-i a/b",
                "line 1: not 'owner question type value': d-i a/b; Debian's inst",
            ),
            ("d-i a/b \nx", "line 1: not 'owner question type value'"),
            ("d-i a/b\tnote\r\n", ""),
            (
                "\n  # short\n",
                "line 2: not 'owner question type value': # short (a com",
            ),
            (
                "d-i a/b string x \\\n\nd-i a/c string y\n",
                "empty line 2 joins line 3 to",
            ),
            (
                "d-i a/c string y\nd-i a/b string x \\\n",
                "line 2: the last line ends in",
            ),
            ("d-i locale string en_US", "questions have a slash"),
        )

    def test_kickstart(self) -> None:
        whole = "text\n%packages\na\n%end\n%include /tmp/x\n%post --nochroot\nb\n%end\n"
        self.check(
            "kickstart",
            (whole, ""),
            ("%post\ncat <<EOF\n%wheel ALL=(ALL)\n%d %s\nEOF\n  %end\n", ""),
            ("%pre\n#!/bin/sh\n%include x\n%end\n%addon com_redhat_kdump\n%end\n", ""),
            ("%packages\na\n%post\nb\n%end", "line 1: %packages has no %end before"),
            ("%post\nb\n", "line 1: %post has no %end"),
            ("text\n%end\n", "line 2: %end ends nothing"),
            ("text\n%pots\nb\n", "line 2: there is no section %pots"),
            ('\nbootloader --append="a b\n', "line 2: no closing quotation"),
        )

    def test_kickstart_by_its_vendor(self) -> None:
        """Where pykickstart is installed it knows commands and options by release."""
        self.check(
            "kickstart",
            ("text\nkeybord us\n", "line 2: Unknown command: keybord"),
            ("timezone --utc=x UTC\n", "line 1: argument --utc"),
            ("install\n", "line 1: install has been removed"),
            ("%include /tmp/x\npart / --size=1 --fstype=xfs\n", ""),
            (
                "%packages --nosuch\na\n%end\nlang x y\n",
                "line 1: unrecognized arguments",
            ),
            release="RHEL9",
        )
        self.check("kickstart", ("keybord us\n", ""), release="F1999")

    def test_kickstart_without_its_vendor(self) -> None:
        """The sections are seen to all the same."""
        with mock.patch.dict(sys.modules, {"pykickstart.parser": None}):
            self.assertFalse(vendor_kickstart.is_installed())
            found = kickstart.read("keybord us\n%post\n", "RHEL9").mistakes
        self.assertEqual([(2, "%post has no %end")], found)

    def test_documents(self) -> None:
        self.check(
            "AutoYaST",
            (YAST.format("<b/>"), ""),
            ("<a><b></a>", "line 1, column 8"),
            ("<profile/>", "line 1: the first element is profile of the namespace ''"),
        )
        self.check(
            "autounattend",
            (WINDOWS.format(""), ""),
            ("", "no element found"),
            (WINDOWS.format("<a wcm:action='add'/>"), "unbound prefix"),
            ("<unattend/>", "and not unattend of"),
        )
        self.check(
            "autoinstall",
            ("#cloud-config\nautoinstall: {version: 1}", ""),
            ("#cloud-config\na: [1", "no YAML"),
            ("#cloud-config\na: 2026-02-30", "no YAML: day"),
            ("#cloud-config\n" + "[" * 5000, "no YAML"),
            ("#cloud-config\na: 1", "no key autoinstall"),
        )
        self.check("", ("anything", ""))

    def test_what_grows_is_given_up(self) -> None:
        """No entity is followed, no file is read, no alias is multiplied."""
        bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 9}">' for n in range(1, 30))
        for text in (
            f'<!DOCTYPE profile [<!ENTITY a0 "x">{bomb}]>{YAST.format("&a29;")}',
            f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{YAST.format("&x;")}',
        ):
            self.check("AutoYaST", (text, "an entity is declared"))
        error = self.assertRaises(markup.BadMarkup, markup.parse, "<a>" * 9999)
        self.assertIn("inside each other", error.text)
        grows = "\n".join(
            f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)
        )
        text = f"#cloud-config\nautoinstall:\n  version: 1\n  a0: &a0 [x]\n{grows}\n"
        self.check("autoinstall", (text, "the installer has no key a0"))
        for kind in ("Agama profile", "autoinstall"):
            self.assertNotEqual([], answer_lint.mistakes(kind, '{"a":' * 90_000))

    def test_our_own(self) -> None:
        """Nothing is wrong in any answer file that is made here."""
        for name in ENTRIES.names():
            entry = ENTRIES.entry(name)
            request = Request(name="x", os=name, lvm=entry.family == "debian")
            made = answers.render(entry, request, "0" * 32, "http://m/x").answer
            release = own_file.release(entry)
            found = answer_lint.mistakes(entry.answer_format, made, release)
            self.assertEqual([], found, name)


class AgamaTest(SyntaxTestCase):
    """JSON, and what can be Jsonnet."""

    def test_good(self) -> None:
        for text in (
            "{}",
            '{"storage": [1, 2.5e3, true, null]}',
            "local a = 1; { a: a }",
            "{ a: 'b', \"c\": \"d\", ['e']: 1, f(x):: x + 1, g+: {}, h: self.f(2), }",
            "{ a: |||\n  it's {text\n||| }",
            "// {\n{ a: 1 } # }\n/* { */ + { b:: if 1 > 2 then 'x' else 'y' }",
            "{ [k]: v for k in std.objectFields(x) for v in [1, 2] if v > 1 }",
            "{ a: @'c:\\', b: 'it\\'s', c: $.a[0:2:1], assert self.a != '', d: !true }",
            "function(x=1) { a: x tailstrict }",
            "{ a: 1,// comment\n  b: local c = 1, d = 2; c + d, e:|||\n x\n|||,/* */ }",
            "local a = {x: -1}, b = a.x; [a { x+: 2 }, b,-1, !true, ''] # end",
            "local f(x, y=2) = x + y; {a: f(1), b: [f(z) for z in [1]][0:1], c(d):: d}",
            "assert true : 'x'; local a = 1_000; {a+: if a == 1 then a else self.b}",
            "(import 'x.libsonnet') { a: importstr 'b', local c = 2, c: c }",
        ):
            self.check("Agama profile", (text, ""))

    def test_bad(self) -> None:
        self.check(
            "Agama profile",
            ("{1}", "no JSON"),
            ('{"a": 1 "b": 2}', "nothing stands before 'b'"),
            ('{"a": 1\n', "{ is never closed"),
            ('{"a": [1, 2}}', "} closes nothing"),
            ("{ a: 'b }", "this does not end"),
            ("{ a: |||\n x\n}", "the text block ||| does not end"),
            ("{ a = 1 }", "no field of an object: 'a'"),
            ("just some words", "nothing stands before"),
            ("", "there is nothing in it"),
            ("[1]", "no profile: a profile is an object"),
            ("{product: {id: SLES}}", "SLES has no value: texts stand in quotes"),
            ("{a: 1, b: yes}", "yes has no value"),
            ("{a: [1, b]}", "b has no value"),
            ("{a: f(b)}", "f has no value"),
        )

    def test_keys(self) -> None:
        """What Agama's schema refuses, and nothing of what it takes."""
        scripts = '{"scripts": {%s}}'
        self.check(
            "Agama profile",
            ('{"product": {"id": "SLES"}, "l10n": {}, "$schema": "x"}', ""),
            (
                '{\n"prodct": {"id": "SLES"}}',
                "line 2: Agama has no key prodct; did you",
            ),
            ('{"xyz": 1}', "Agama has no key xyz"),
            (scripts % '"post": [{"name": "x", "url": "http://x/y.sh"}]', ""),
            (
                scripts % '"post": [{"content": "true"}]',
                "script of scripts.post has no",
            ),
            (scripts % '"init": [{"name": "x"}]', "has no content or url"),
            (scripts % '"late": []', "Agama has no key late"),
            (scripts % '"pre": {"name": "x"}', "scripts.pre takes a list"),
        )


class BsdinstallTest(SyntaxTestCase):
    """Where bsdinstall cuts its script."""

    def test_parts(self) -> None:
        body = "#!/bin/sh\npoweroff\n"
        self.check(
            "bsdinstall script",
            (f"PARTITIONS=DEFAULT\n{body}", ""),
            (f"# mine\n{body}", ""),
            ("PARTITIONS=DEFAULT\n", ""),
            (body, "line 1: nothing stands before the line that begins with #!"),
            (f"x=1\n{body}cat > /y <<'E'\n #!/bin/sh\nE\n", ""),
            (f"x=1\n{body}cat > /y <<'E'\n#!/bin/sh\nE\n", "line 5: a line that beg"),
        )
        cut = f"x=1\n#!/bin/sh\ncat > /y <<'E'\n{body}E\n"
        self.assertEqual(2, len(answer_lint.read("bsdinstall script", cut).scripts))


class ShellTest(testtools.TestCase):
    """Which commands a script runs."""

    def test_commands(self) -> None:
        for text, wanted in (
            ("a b; c && d | e & f", ["a b", "c", "d", "e", "f"]),
            ("# a\nb # c\n  #d\ne#f", ["b", "e#f"]),
            ("a 'b;c' \"d|e\" f\\;g", ["a b;c d|e f;g"]),
            ("a <<X\nb\nX\nc", ["a", "c"]),
            ("a <<-'X' | d\n\tb\n\tX\nc", ["a", "d", "c"]),
            ("if a; then b; else ! c; fi", ["a", "b", "c"]),
            ("case $x in a|b) c;; d) e;; esac; f", ["c", "e", "f"]),
            ('x=$(a "$(b)") `c` d', ["a ", "b", "c", "x=  d"]),
            ("a 2>&1 >/x &>/y\nb", ["a", "b"]),
            ("a \\\n  b\nc", ["a b", "c"]),
            ("f() { a; }; b", ["b"]),
            ("f() { a; }; f b", ["a"]),
            ("a=(b; c) d && [[ e < f || (g) ]]", ["a=(b; c) d", "[[ e < f || (g) ]]"]),
            ("a <(b) >(c; d)", ["a  ", "b", "c", "d"]),
            ("((a)) && ( (b) )", ["((a))", "b"]),
            ("a ${b:-c;d} $((1 << 2)) $'e'", ["a ${b:-c;d} $((1 << 2)) e"]),
            ('a "$(b "c)")" d', ["a  d", "b c)"]),
            ("for ((a;b;c)); do d; done; select e in f; do g; done", ["d", "g"]),
            ("if a; then b", ["a", "b"]),
            ("fi; done; a; } ) b", ["fi", "done", "a", "}", "b"]),
            ("a &&\n b |\n c", ["a", "b", "c"]),
            ("a <<X || b\nX\nc", ["a", "b", "c"]),
            ("(a; b)", ["a", "b"]),
        ):
            found = [" ".join(c.words) for c in executed.commands(text) if c.words]
            self.assertEqual(sorted(wanted), sorted(found), text)

    def test_lines(self) -> None:
        text = "a\n'b\nc' d\nx <<E\n1\n2\nE\ny \\\n z\nw"
        found = {c.words[0]: c.line for c in executed.commands(text, 10)}
        self.assertEqual({"a": 10, "b\nc": 11, "x": 13, "y": 17, "w": 19}, found)

    def test_ends(self) -> None:
        """OFF, HALT, REBOOT, or nothing of this kind."""
        for kind, texts in (
            ("off", OFF),
            ("halt", ("halt", "halt -f", "shutdown -H now", "systemctl halt")),
            ("reboot", ("reboot", "shutdown -r now", "systemctl reboot", "init 6")),
            ("", NOTHING),
        ):
            for text in texts:
                found = {end.kind for end in ending.ends(Script(1, text))}
                self.assertEqual({kind} - {""}, found, text)

    def test_what_is_run(self) -> None:
        """Functions where they are called, conditions of constants, nothing behind an end."""
        for wanted, texts in (({"off"}, RUN), (set(), NOT_RUN)):
            for text in texts:
                found = {end.kind for end in ending.ends(Script(1, text))}
                self.assertEqual(wanted, found, text)

    def test_freebsd(self) -> None:
        """Where shutdown -h only halts, and shutdown alone ends in single-user mode."""
        for kind, texts in (
            (
                "off",
                (
                    *("shutdown -p now", "poweroff", "halt -p", "shutdown -op now"),
                    *("init 0", "kill -USR2 1", "reboot -p", "shutdown -p +1 bye"),
                ),
            ),
            (
                "halt",
                ("shutdown -h now", "halt", "halt -l", "fasthalt", "kill -USR1 1"),
            ),
            ("single", ("shutdown now", "shutdown +1", "init 1", "kill -s TERM 1")),
            ("reboot", ("reboot", "shutdown -r now", "shutdown -c now", "fastboot")),
            ("", ("shutdown -k now", "shutdown -p", "systemctl poweroff", "kill -1 1")),
        ):
            for text in texts:
                found = {
                    end.kind for end in ending.ends(Script(1, text, system="freebsd"))
                }
                self.assertEqual({kind} - {""}, found, text)

    def test_scripts_in_scripts(self) -> None:
        for text, wanted in (
            ("sh <<E\npoweroff\nE", "off"),
            ("chroot /x bash -s <<E\npoweroff\nE", "off"),
            ("cat <<E | sh\npoweroff\nE", "off"),
            ("cat > /tmp/x <<E\npoweroff\nE\nsh /tmp/x", "off"),
            (
                "cat > /mnt/x.sh <<E\npoweroff\nE\nchmod +x /mnt/x.sh\nchroot /mnt /x.sh",
                "off",
            ),
            ("cat > /usr/lib/finish-install.d/99x <<E\npoweroff\nE", "off"),
            ("cat > /tmp/x <<E\npoweroff\nE\n", ""),
            ("cat > /tmp/x <<E\noff() { poweroff; }\nE\n. /tmp/x; off", "off"),
            ("cat > /tmp/x <<E\noff() { poweroff; }\nE\n. /tmp/x", ""),
            ("echo poweroff > /tmp/x; sh /tmp/x", "off"),
            ("tee /tmp/x <<E\npoweroff\nE\nsh /tmp/x", "off"),
            ("sh <<< poweroff", "off"),
            ("cat <<E\npoweroff\nE", ""),
            ("echo 'poweroff' | tee /x", ""),
            ("echo 'sleep 1; poweroff' | at now", "off"),
            ("sh -c 'sh -c \"poweroff\"'", "off"),
        ):
            found = {end.kind for end in ending.ends(Script(1, text))}
            self.assertEqual({wanted} - {""}, found, text)

    def test_anything_ends(self) -> None:
        """Unfinished quotes and brackets, and much of them."""
        for text in (
            *("'", '"', "`", "$(", "<<X", "case x in", "\\", "a <<'", '"$('),
            *(
                "(",
                "((",
                "{ ",
                "if ",
                "if x; then ",
                "for ",
                "while x; do ",
                "${",
                "[[ ",
            ),
            *("f() { ", "function ", "&&", "| ", "! ", "a() { a; a; }; a; ", "case "),
            *(
                "x=$x; $x ",
                "eval ",
                "trap 'trap a 0' 0;",
                ")",
                ";;",
                "case $(a) in a) ",
            ),
        ):
            for times in (1, 500):
                self.assertIsInstance(ending.ends(Script(1, text * times)), list)
