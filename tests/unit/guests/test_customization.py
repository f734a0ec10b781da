"""Wishes: well formed or refused, honoured or refused."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild.guests import customization, families
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.request import File, Repository, Request, User

CATALOG = Catalog([BUILT_IN])

COMMENTS = (
    *("", "me@host", "me (laptop)", "it's mine", '"quoted"', "$(reboot) `x` ; #1 \\"),
    *("J\u00fcrgen", "100%", "<a@b.example>", "{{ x }} ${y}"),
)


class ProblemsTest(testtools.TestCase):
    """Each is one sentence that names what is wrong."""

    def found(self, entry: str, **fields: Any) -> list[str]:
        request = Request(name="x", os=entry, **fields)
        known = CATALOG.entry(entry)
        return families.family(known.family).problems(known, request)

    def test_everywhere(self) -> None:
        """In systems like Unix."""
        key = "the SSH public key is not one line"
        for fields, text in (
            ({"packages": ("vim; reboot",)}, "cannot be the name of a package"),
            ({"packages": ("-x",)}, "cannot be the name of a package"),
            ({"ssh_public_keys": ('ssh-rsa A" ; reboot',)}, key),
            ({"users": (User(name="a", ssh_public_keys=("no key",)),)}, key),
            ({"ssh_public_keys": ("ssh-rsa AAAA me\nssh-rsa BBBB you",)}, key),
            ({"ssh_public_keys": ("ssh-rsa AAAA me\x1b[2J",)}, key),
            ({"ssh_public_keys": ("ssh-rsa AAAA(me)",)}, key),
            ({"root_password": "a\nb"}, "the password of root is more than one line"),
            ({"users": (User(name="a", password="x\0"),)}, "the password of a is more"),
            ({"users": (User(name="A b"),)}, "name of a user or group: 'A b'"),
            ({"users": (User(name="root"),)}, "root is there already"),
            ({"users": (User(name="a"), User(name="a"))}, "user 'a' is there twice"),
            ({"files": (File(path="etc", content=b""),)}, "needs a whole path"),
            ({"files": (File(path="/a/../b", content=b""),)}, "needs a whole path"),
            ({"files": (File(path="/a", content=b"", mode="9"),)}, "the mode of /a"),
            ({"files": (File(path="/a", content=b"", owner=""),)}, "the owner of /a"),
            ({"commands": (" ",)}, "this is no command: ' '"),
            ({"commands": ("a\0b",)}, "this is no command"),
            ({"commands": ("caf\udce9",)}, "this is no command"),
            ({"locale": "german"}, "write it as de_DE.UTF-8"),
            ({"keyboard": "German;"}, "write it as us or de"),
            ({"keyboard": "German"}, "write it as de"),
            ({"timezone": "Berlin; x"}, "write it as Europe/Berlin"),
            ({"swap_mib": -1}, "swap space is given in MiB"),
        ):
            for entry in ("debian-13", "ubuntu-24.04", "fedora-44", "sles-15"):
                found = self.found(entry, **fields)
                self.assertEqual(1, len(found), f"{entry} {fields}: {found}")
                self.assertIn(text, found[0])

    def test_comments_of_keys(self) -> None:
        """They may be any text, as ssh-keygen takes it."""
        for comment in COMMENTS:
            keys = (f"ssh-ed25519 AAAA {comment}\n",)
            users = (User(name="a", ssh_public_keys=keys),)
            for entry in ("debian-13", "fedora-44", "sles-15", "windows-server-2025"):
                self.assertEqual([], self.found(entry, ssh_public_keys=keys), entry)
            self.assertEqual([], self.found("debian-13", users=users))

    def test_agama(self) -> None:
        """It refuses a profile with a locale of no country."""
        self.assertIn("no locale 'C'", self.found("sles-16", locale="C")[0])
        self.assertEqual([], self.found("sles-16", locale="de_DE.UTF-8"))
        self.assertEqual([], self.found("sles-15", locale="C"))

    def test_repositories(self) -> None:
        """apt wants suites, nobody else does."""
        plain = (Repository(name="extra", url="http://x.example/y"),)
        suites = (Repository(name="extra", url="http://x.example/y", suites=("s",)),)
        for entry in ("debian-13", "ubuntu-24.04"):
            self.assertIn("needs suites", self.found(entry, repositories=plain)[0])
            self.assertEqual([], self.found(entry, repositories=suites))
        for entry in ("rocky-9", "sles-16", "sles-15", "freebsd-14"):
            self.assertIn("are for apt", self.found(entry, repositories=suites)[0])
            self.assertEqual([], self.found(entry, repositories=plain))
        for url in ("ftp://x", "http://x/ y", "http://", "http://x/'"):
            wrong = (Repository(name="x", url=url),)
            self.assertIn("http(s) URL", self.found("rocky-9", repositories=wrong)[0])

    def test_packages(self) -> None:
        """As each family writes them."""
        for entry, good, bad in (
            ("debian-13", "vim:amd64", "@core"),
            ("ubuntu-24.04", "linux-generic/noble-updates", "@core"),
            ("rocky-9", "@^minimal-environment", "%end"),
            ("opensuse-leap-15.6", "vim-small", "@base"),
            ("opensuse-leap-16", "vim-small", "@base"),
            ("freebsd-14", "editors/vim", "-f"),
        ):
            self.assertEqual([], self.found(entry, packages=(good,)), entry)
            self.assertEqual(1, len(self.found(entry, packages=(bad,))), entry)

    def test_what_some_do_not_have(self) -> None:
        """Refused with a reason."""
        self.assertIn("none on FreeBSD", self.found("freebsd-14", lvm=True)[0])
        self.assertIn("needs --firmware uefi", self.found("windows-11")[0])
        for fields, text in (
            ({"root_password": "x"}, "a root password: Windows Setup takes no hashed"),
            ({"users": (User(name="x"),)}, "let cloudbase-init make users"),
            ({"packages": ("x",)}, "install with --run-command"),
            ({"repositories": (Repository(name="x", url=""),)}, "no package repos"),
            ({"swap_mib": 1}, "page file"),
            ({"lvm": True}, "none on Windows"),
            ({"locale": "german"}, "write it as de-DE"),
            ({"keyboard": "de"}, "write it as de-DE or 0407"),
            ({"timezone": "Europe/Berlin"}, "W. Europe Standard Time"),
            ({"files": (File(path="/etc/x", content=b""),)}, "a path such as C:\\x"),
            (
                {"files": (File(path="C:\\x", content=b"", mode="0600"),)},
                "neither modes nor owners",
            ),
        ):
            [found] = self.found("windows-server-2025", **fields)
            self.assertIn(text, found)

    def test_wishes_are_all_that_a_request_has(self) -> None:
        """Whoever adds one to a request finds the families that ignore it."""
        request = Request(name="x")
        self.assertEqual([], customization.given(request))
        fields = set(request.__dataclass_fields__)
        self.assertLessEqual(set(customization.FIELDS), fields)
