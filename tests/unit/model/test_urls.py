"""Addresses, as others may see them."""

from __future__ import annotations

import testtools

from osc_imagebuild.model.urls import shown_text, shown_url


class ShownTest(testtools.TestCase):
    """What is left of an address."""

    def test_url(self) -> None:
        """Scheme, host, port and path are."""
        for url, wanted in (
            ("", ""),
            ("image 1234?x", "image 1234?x"),
            ("debian.iso", "debian.iso"),
            ("/srv/a?b.iso", "/srv/a?b.iso"),
            ("http://h/a.iso", "http://h/a.iso"),
            ("https://h:8443/a.iso?X-Amz-Signature=f00", "https://h:8443/a.iso"),
            ("https://h/a.iso?sig=a/b@c#d", "https://h/a.iso"),
            ("https://h/a.iso#token", "https://h/a.iso"),
            ("https://h?sig=1", "https://h"),
            ("https://u:p@h/a@b", "https://h/a@b"),
            ("https://u:p@x@[::1]:80/a", "https://[::1]:80/a"),
        ):
            self.assertEqual(wanted, shown_url(url))

    def test_text(self) -> None:
        """Each address in it, and what urllib3 tells of one."""
        for text, wanted in (
            ("no address? none", "no address? none"),
            ("https://h/a?s=1: gone.", "https://h/a: gone."),
            ("(see https://h/a?s=1), b", "(see https://h/a), b"),
            ("'http://u:p@h/?t' -> \"ftp://x/#y\"", "'http://h/' -> \"ftp://x/\""),
            (
                "pool(host='h', port=443): exceeded with url: /a.iso?sig=1 (Caused by x)",
                "pool(host='h', port=443): exceeded with url: /a.iso (Caused by x)",
            ),
            ("[GET /images?tag=x]", "[GET /images?tag=x]"),
            ("inst.repo=https://h/a?s=1 quiet", "inst.repo=https://h/a quiet"),
        ):
            self.assertEqual(wanted, shown_text(text))
