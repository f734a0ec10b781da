"""Which addresses may be asked: a table of who named them and where they lead."""

from __future__ import annotations

import testtools

from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import web_policy
from osc_imagebuild.media.web_policy import Place, Trust

# By what they are, in all the ways that they can be written as an address.
FORBIDDEN = {
    "the loop back": "127.0.0.1 127.255.0.9 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1 "
    "2002:7f00:1:: ::127.0.0.1",
    "link-local": "169.254.169.254 fe80::1 fe80::1%eth0 ::ffff:169.254.169.254",
    "private": "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fd12::1 ::ffff:10.0.0.1 "
    "64:ff9b::a00:1",
    "multicast": "224.0.0.1 239.1.1.1 ff02::1",
    "unspecified": "0.0.0.0 :: ::ffff:0.0.0.0",
    "reserved": "100.100.100.200 192.0.0.192 198.18.0.1 240.0.0.1 255.255.255.255 "
    "0.1.2.3 192.0.2.1 2001:db8::1 2001::1 64:ff9b:1::1 100::1",
    "a cloud's metadata": "fd00:ec2::254",
}
PUBLIC = "93.184.216.34 172.32.0.1 2606:2800:220:1::1 64:ff9b::5db8:d822 100.128.0.1"
ABROAD = Place("93.184.216.34", 80)


def place(address: str, port: int = 80) -> Place:
    """Somewhere."""
    return Place(address, port)


class KindTest(testtools.TestCase):
    """What an address is."""

    def test_kinds(self) -> None:
        """Attack: addresses of one's own network, written so that nobody sees it."""
        for kind, texts in FORBIDDEN.items():
            for text in texts.split():
                self.assertEqual(kind, web_policy.kind_of(web_policy.meant(text)), text)
        for text in PUBLIC.split():
            self.assertEqual("", web_policy.kind_of(web_policy.meant(text)), text)

    def test_names_that_are_addresses(self) -> None:
        """Attack: numbers that a proxy takes for an address."""
        for name, address in (
            ("localhost", "127.0.0.1"),
            ("LOCALHOST.", "127.0.0.1"),
            ("x.localhost", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("0177.0.0.01", "127.0.0.1"),
            ("0xa9fea9fe", "169.254.169.254"),
            ("10.1", "10.0.0.1"),
            ("[::1]", "::1"),
            ("mirror.example", ""),
            ("1.2.3.4.5", ""),
            ("1.256.1", ""),
            ("09.1", ""),
            ("256", "0.0.1.0"),
            ("\xb2", ""),
            ("", ""),
            ("9" * 5000, ""),
        ):
            self.assertEqual(address, web_policy.named(name), name[:40])

    def test_urls(self) -> None:
        """Attack: what is no web server's."""
        for url in (
            *(
                "file:///etc/passwd",
                "ftp://x/y",
                "/etc/passwd",
                "http:///x",
                "http://[::1/",
            ),
            *("gopher://x/", "HTTP", "", "//x/y", "http://"),
        ):
            error = self.assertRaises(SpecError, web_policy.require_web, url)
            self.assertIn("leads nowhere", str(error))
        for url in ("http://x", "https://x:1/y?z#a", "HTTP://x/"):
            web_policy.require_web(url)


class TrustTest(testtools.TestCase):
    """Who may lead where."""

    def test_records(self) -> None:
        """Attack: a record of somebody else's names what only this machine reaches."""
        for kind, texts in FORBIDDEN.items():
            for text in texts.split():
                for trail in ([], [ABROAD], [place(text)]):
                    refusal = web_policy.STRICT.refusal(place(text), trail)
                    self.assertIn(f"which is {kind}", refusal, text)
        for text in PUBLIC.split():
            self.assertEqual("", web_policy.STRICT.refusal(place(text)))

    def test_typed(self) -> None:
        """What the user named himself may be anywhere, and no redirect from outside."""
        for kind, texts in FORBIDDEN.items():
            for text in texts.split():
                self.assertEqual("", web_policy.TYPED.refusal(place(text)))
                again = web_policy.TYPED.refusal(place(text), [place(text), ABROAD])
                self.assertEqual("", again)
                for trail in ([ABROAD], [Place("", 80)], [place("10.9.9.9"), ABROAD]):
                    refusal = web_policy.TYPED.refusal(place(text), trail)
                    self.assertIn(f"led on to {web_policy.meant(text)}", refusal)
                    self.assertIn(kind, refusal)

    def test_neighbours(self) -> None:
        """Mirrors of an intranet share their load; other ports of this machine do not."""
        typed, intranet = web_policy.TYPED, place("10.0.0.1")
        self.assertEqual("", typed.refusal(place("192.168.0.1", 81), [intranet]))
        for there, trail in (
            (place("127.0.0.1"), [intranet]),
            (place("169.254.169.254"), [intranet]),
            (place("fd00:ec2::254"), [intranet]),
            (place("127.0.0.1", 81), [place("127.0.0.1")]),
            (place("169.254.169.254"), [place("169.254.1.1")]),
            (place("192.168.0.1"), [intranet, ABROAD]),
        ):
            self.assertNotEqual("", typed.refusal(there, trail), there)

    def test_allowed(self) -> None:
        """By the environment, or by the library's user; one address is a network too."""
        trust = web_policy.from_environment(
            {web_policy.VARIABLE: " 10.0.0.0/8, 127.0.0.1 ,fd00::/8,"},
            ["172.16.1.0/24"],
        )
        self.assertFalse(trust.typed)
        for text in (
            "10.255.0.1",
            "127.0.0.1",
            "::ffff:10.0.0.1",
            "fd12::1",
            "172.16.1.9",
        ):
            self.assertEqual("", trust.refusal(place(text), [ABROAD]), text)
        for text in ("127.0.0.2", "172.16.2.1", "169.254.169.254"):
            self.assertNotEqual("", trust.refusal(place(text)), text)
        self.assertEqual(Trust(), web_policy.from_environment({}))

    def test_no_networks(self) -> None:
        """It is said what is wrong, and where."""
        for text in ("10.0.0.0/99", "intranet", "10.0.0.0/8 127.0.0.1"):
            error = self.assertRaises(
                SpecError, web_policy.from_environment, {web_policy.VARIABLE: text}
            )
            self.assertIn(f"{web_policy.VARIABLE} has {text!r}", str(error))
        self.assertRaises(SpecError, web_policy.from_environment, {}, ["x"])
