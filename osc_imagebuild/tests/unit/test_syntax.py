"""Own answer files that are not well formed."""

from __future__ import annotations

import testtools

from osc_imagebuild import guests, syntax
from osc_imagebuild.catalog import BUILT_IN, Catalog
from osc_imagebuild.model import Request

ENTRIES = Catalog([BUILT_IN])
RECIPE = "d-i partman-auto/expert_recipe string"


class SyntaxTest(testtools.TestCase):
    """Told with their line; what is well formed is not complained of."""

    def check(self, kind: str, *cases: tuple[str, str]) -> None:
        """Compare what is said of each text; '' for nothing."""
        for text, wanted in cases:
            found = syntax.mistakes(kind, text)
            self.assertEqual(bool(wanted), bool(found), f"{text!r}: {found}")
            self.assertIn(wanted, " ".join(found), text)

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

    def test_kickstart(self) -> None:
        whole = "text\n%packages\na\n%end\n%include /tmp/x\n%post --nochroot\nb\n%end\n"
        self.check(
            "kickstart",
            (whole, ""),
            ("%packages\na\n%post\nb\n%end", "line 1: %packages has no %end before"),
            ("%post\nb\n", "line 1: %post has no %end"),
            ("text\n%end\n", "line 2: %end ends nothing"),
        )

    def test_documents(self) -> None:
        self.check("AutoYaST", ("<a><b/></a>", ""), ("<a><b></a>", "line 1, column 8"))
        self.check("autounattend", ("<a/>", ""), ("", "no element found"))
        self.check("autoinstall", ("#cloud-config\na: 1", ""), ("a: [1", "no YAML"))
        self.check(
            "autoinstall", ("a: 2026-02-30", "no YAML: day"), ("[" * 5000, "no YAML")
        )
        self.check(
            "Agama profile", ("{}", ""), ("local a = 1; a", ""), ("{1}", "no JSON")
        )
        self.check("", ("anything", ""))

    def test_our_own(self) -> None:
        """Nothing is wrong in any answer file that is made here."""
        for name in ENTRIES.names():
            entry = ENTRIES.entry(name)
            request = Request(name="x", os=name, lvm=entry.family == "debian")
            made = guests.render(entry, request, "0" * 32, "http://m/x").answer
            self.assertEqual([], syntax.mistakes(entry.answer_format, made), name)
