"""Texts without addresses."""

from __future__ import annotations

import testtools

from osc_imagebuild.model.urls import without_places


class PlacesTest(testtools.TestCase):
    """What is taken out of a text that everybody may read, and what stays."""

    def test_texts(self) -> None:
        """Addresses of every form; neither versions nor times nor sizes."""
        for text, wanted in (
            ("no answer from https://me:x@glance.lan:9292/v2?a=b.", "from <address>"),
            ("HTTPConnectionPool(host='nova.lan', port=8774): x", "Pool(<address>): x"),
            ("it leads to 10.0.0.1:80, 192.168.7.0/24", "to <address>, <address>"),
            ("fe80::a9fe:a9fe and 2001:db8:0:1:2:3:4:5.", "<address> and <address>."),
            ("::1 or fd00::/8", "<address> or <address>"),
            ("for keystone.lan:None", "for <address>:None"),
        ):
            self.assertIn(wanted, without_places(text, {"keystone.lan", ""}))
        for text in (
            "2.1 to 2.104",
            "version 33.0.0",
            "at 12:30:45",
            "0.1.0.dev763",
            "images: disks",
            "Builder.copy('x')",
            "GET /v2/images (image, HTTP 403)",
        ):
            self.assertEqual(text, without_places(text))
