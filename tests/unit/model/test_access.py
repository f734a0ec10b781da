"""Proxies, CA certificates and logins by themselves."""

from __future__ import annotations

import testtools

from osc_imagebuild.model import access
from osc_imagebuild.model.access import CaCertificate, Proxy
from tests.unit.wanted import CA

KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
BEGIN, END = CA.splitlines()[0], CA.splitlines()[-1]
# What breaks out of one format or another.
HOSTILE = (
    *(
        "http://p:3128\nAcquire::x",
        "http://p:3128/'; reboot",
        'http://p"',
        "http://p p",
    ),
    *("http://$(reboot)", "http://p/%0a", "http://p\\", "http://<p>", "http://p#x"),
    *("http://p?x", "http://p/x", "http://p:99999", "http://p:0", "http://p:x"),
    *(
        "https://p",
        "socks5://p",
        "p:3128",
        "",
        "http://",
        "http://-p",
        "http://[::1]:1",
    ),
    "http://\N{SNOWMAN}",
)


class ProxyTest(testtools.TestCase):
    """What is asked through it, and how it is written."""

    def test_which_hosts(self) -> None:
        """As curl understands no_proxy; the metadata is never asked through it."""
        rules = ("In.example", ".lab.example", "10.0.0.0/8", "192.0.2.7")
        proxy = Proxy(url="http://Proxy.example:3128/", no_proxy=rules)
        for host, through in (
            ("deb.debian.org", True),
            ("in.example", False),
            ("a.in.example", False),
            ("main.example", True),
            ("lab.example", False),
            ("x.LAB.example", False),
            ("10.1.2.3", False),
            ("11.1.2.3", True),
            ("192.0.2.7", False),
            ("192.0.2.77", True),
            ("169.254.169.254", False),
            ("localhost", False),
        ):
            self.assertEqual(through, proxy.is_for(f"http://{host}:80/x"), host)

    def test_forms(self) -> None:
        """Small letters, because Agama makes them so; a login is escaped."""
        proxy = Proxy(
            url="http://Proxy.example/",
            no_proxy=("in.example", "10.0.0.1"),
            username="me",
            password="a:b/c@d'%",
        )
        self.assertEqual("http://proxy.example", proxy.plain_url)
        self.assertEqual("http://me:a%3Ab%2Fc%40d%27%25@proxy.example", proxy.login_url)
        self.assertEqual(("proxy.example", 80), (proxy.host, proxy.port))
        self.assertEqual(
            ("169.254.169.254", "in.example", "10.0.0.1"), proxy.metadata_direct
        )
        self.assertEqual(
            ("in.example", "*.in.example", "10.0.0.1"), proxy.windows_direct[-3:]
        )
        self.assertNotIn("a:b", repr(proxy))
        self.assertEqual([], access.proxy_problems(proxy))

    def test_addresses_that_are_none(self) -> None:
        """Nothing gets out of the place where it is written."""
        for url in HOSTILE:
            found = access.proxy_problems(Proxy(url=url))
            self.assertEqual(1, len(found), url)
            self.assertIn("http://proxy.example:3128", found[0])
        found = access.proxy_problems(Proxy(url="http://me:secret@p:3128"))
        self.assertIn("give them as username and password", found[0])
        self.assertNotIn("secret", str(found))
        for url in ("http://p", "http://10.0.0.1:3142/", "http://a-b.c:65535"):
            self.assertEqual([], access.proxy_problems(Proxy(url=url)), url)

    def test_no_proxy(self) -> None:
        """Hosts, domains, networks: no more of them than anybody has."""
        for rule in ("*", "a b", "a,b", "", "a;b", "10.0.0.0/99", "x/8", "$(x)", "a\n"):
            found = access.proxy_problems(Proxy(url="http://p", no_proxy=(rule,)))
            self.assertIn("no_proxy takes hosts", found[0], rule)
        many = tuple(f"h{n}" for n in range(access.MOST + 1))
        found = access.proxy_problems(Proxy(url="http://p", no_proxy=many))
        self.assertEqual(["no_proxy takes 64 entries at most"], found)

    def test_logins(self) -> None:
        """Words that every package manager takes; never repeated."""
        for username, password, told in (
            ("me", "", "need each other"),
            ("", "hunter2", "need each other"),
            ("me", "hunter 2", "the password of x takes"),
            ("me", "hunter2\n[main]", "the password of x takes"),
            ("me", "hunter2\N{SNOWMAN}", "the password of x takes"),
            ("m e", "hunter2", "the username of x takes"),
            ("m:e", "hunter2", "the username of x has no colon"),
            ("me", "hunter2" * 99, "the password of x takes"),
        ):
            found = access.login_problems("x", username, password)
            self.assertEqual(1, len(found), str(found))
            self.assertIn(told, found[0])
            self.assertNotIn("hunter2", found[0])
        self.assertEqual([], access.login_problems("x", "", ""))
        self.assertEqual([], access.login_problems("x", "me", "!\"#$%&'()*+~"))


class CertificateTest(testtools.TestCase):
    """PEM as it may be given, and as it is written."""

    def test_each_once(self) -> None:
        """Explanations are left out; kept anywhere is kept."""
        text = f"Subject: somebody\n{CA.replace(chr(10), chr(13) + chr(10))}\n{CA}"
        [found] = access.trusted([CaCertificate(pem=text)])
        self.assertEqual((CA.strip(), False), (found.pem, found.keep))
        self.assertRegex(found.name, "^imagebuild-build-[0-9a-f]{16}$")
        self.assertRegex(found.sha1, "^[0-9a-f]{40}$")
        [kept] = access.trusted(
            [CaCertificate(pem=CA), CaCertificate(pem=CA, keep=True)]
        )
        self.assertEqual(found.name.replace("-build-", "-"), kept.name)
        self.assertEqual((True, found.pem), (kept.keep, kept.pem))

    def test_what_is_none(self) -> None:
        """A sentence each, and no key goes anywhere."""
        body = "".join(CA.split("\n")[1:-2])
        for pem, told in (
            ("", "it takes lines such as"),
            ("END\nreboot\n", "it takes lines such as"),
            (CA + KEY, "a private key in it"),
            (CA + KEY.replace("PRIVATE", "PUBLIC"), "nothing else encoded so"),
            (f"{BEGIN}\nAAAA\n{END}", "it was cut, or is no certificate"),
            (f"{BEGIN}\n{body[:200]}\n{END}", "it was cut, or is no certificate"),
            (f"{BEGIN}\n{body}AAAA\n{END}", "not base64"),
            (f"{BEGIN}\nAAA\n{END}", "not base64"),
            (f"{BEGIN}\n$(reboot)\n{END}", "it takes lines such as"),
        ):
            found = access.certificate_problems([CaCertificate(pem=pem)])
            self.assertEqual(1, len(found), pem)
            self.assertIn("CA certificate 1: ", found[0])
            self.assertIn(told, found[0])
        self.assertEqual([], access.certificate_problems([CaCertificate(pem=CA)]))

    def test_lengths(self) -> None:
        """Of a sequence: the short form, the long one, and what is neither."""
        for der, whole in (
            (b"\x30\x01\x00", False),
            (b"\x30\x81\x01\x00", True),
            (b"\x30\x82\x00\x01\x00", True),
            (b"\x30\x82\x00\x02\x00", False),
            (b"\x30\x89" + b"\0" * 20, False),
            (b"\x31\x81\x01\x00", False),
            (b"\x30", False),
        ):
            self.assertEqual(whole, access.is_sequence(der), str(der))
