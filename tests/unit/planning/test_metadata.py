"""What an image tells by SCS-0102: derived of what is known, or the user's own words."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import machine
from osc_imagebuild.model.provision import Hardening
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import inputs, metadata, request_checks
from tests import scs_rules
from tests.unit.base import CloudTestCase

CATALOG = Catalog([BUILT_IN])
SOURCE = "http://user:secret@mirror/debian"
# What is asked for, and what follows of it.
ROWS: tuple[tuple[dict[str, Any], dict[str, str]], ...] = (
    (
        {},
        {
            "os_purpose": "generic",
            "image_original_user": "debian",
            "replace_frequency": "never",
            "uuid_validity": "none",
            "provided_until": "2028-08-09",
            "image_source": "private",
            "hw_disk_bus": "virtio",
        },
    ),
    ({"replace": True}, {"replace_frequency": "critical_bug"}),
    ({"replace": True}, {"uuid_validity": "last-3"}),
    ({"replace": True, "keep": 7, "old": "community"}, {"uuid_validity": "last-7"}),
    ({"replace": True, "keep": 0}, {"uuid_validity": "none"}),
    ({"replace": True, "old": "delete"}, {"uuid_validity": "none"}),
    ({"replace": True, "old": "deactivate"}, {"uuid_validity": "none"}),
    ({"packages": ("vim",)}, {"os_purpose": "custom"}),
    ({"ssh_public_keys": ("ssh-ed25519 AAAA",)}, {"os_purpose": "custom"}),
    ({"hardening": Hardening(profile="cis")}, {"os_purpose": "custom"}),
    ({"from_image": "base"}, {"os_purpose": "custom"}),
    ({"timezone": "Europe/Berlin"}, {"os_purpose": "generic"}),
    (
        {"properties": {"os_purpose": "k8snode", "provided_until": "notice"}},
        {"os_purpose": "k8snode", "provided_until": "notice"},
    ),
    ({"properties": {"hotfix_hours": "48"}}, {}),
    ({"os": "windows-server-2022"}, {"image_original_user": "Administrator"}),
    ({"os": "windows-server-2022"}, {"hw_disk_bus": "sata"}),
    ({"os": "opensuse-tumbleweed"}, {"provided_until": "none"}),
    ({"os": "debian-12"}, {"provided_until": "2026-07-11"}),
    ({"os": "fedora-45"}, {"provided_until": "none", "image_original_user": "fedora"}),
    ({"os": "rocky-9"}, {"image_original_user": "cloud-user"}),
)
# What is asked for, and how the problem begins; None for none.
REFUSED: tuple[tuple[dict[str, Any], str | None], ...] = (
    ({"metadata": "scs"}, None),
    ({"metadata": "iso"}, "no metadata standard 'iso'; there are: scs"),
    ({"metadata": "scs", "output": "volume"}, "--metadata scs is for images"),
    ({"metadata": "scs", "output": "snapshot"}, "--metadata scs is for images"),
    (
        {"metadata": "scs", "properties": {"os_purpose": "desktop"}},
        "SCS-0102 takes one of generic, ",
    ),
    # Without the standard the word is free.
    ({"properties": {"os_purpose": "desktop"}}, None),
    (
        {"metadata": "scs", "visibility": "public", "replace": True, "old": "keep"},
        "SCS-0102 wants one public image",
    ),
    (
        {
            "metadata": "scs",
            "visibility": "public",
            "replace": True,
            "old": "deactivate",
        },
        "SCS-0102 wants one public image",
    ),
    ({"metadata": "scs", "visibility": "public", "replace": True}, None),
    ({"metadata": "scs", "replace": True, "old": "keep"}, None),
)


def asked(**fields: Any) -> Request:
    """Return a request with metadata."""
    return Request(
        **({"name": "golden", "os": "debian-13", "metadata": "scs"} | fields)
    )


def told(request: Request) -> dict[str, str]:
    """Return what its image is to tell."""
    return metadata.properties(request, CATALOG.entry(request.os), SOURCE)


class DerivedTest(testtools.TestCase):
    """Tables: a request, and some properties."""

    def test_rows(self) -> None:
        """Each is as expected; what nobody asked for is not promised."""
        for fields, wanted in ROWS:
            found = told(asked(**fields))
            self.assertEqual(wanted, {k: found.get(k, "") for k in wanted}, str(fields))
            self.assertNotIn("hotfix_hours", found)

    def test_not_wanted(self) -> None:
        """Nothing is said then."""
        self.assertEqual({}, told(asked(metadata="")))

    def test_every_system(self) -> None:
        """All that the rules want is there, but for what the build itself tells."""
        later = {"image_build_date": "2026-01-01"}
        for name in CATALOG.names():
            entry = CATALOG.entry(name)
            has_drivers = bool(entry.driver_properties)
            request = asked(os=name, driver_iso="v.iso" if has_drivers else None)
            if has_drivers:
                drivers = {**entry.properties, **entry.driver_properties}
                entry = dataclasses.replace(entry, properties=drivers)
            found = {
                "architecture": "x86_64",
                **machine.properties(request, entry.properties),
                **metadata.properties(request, entry, SOURCE),
                **later,
            }
            rules = scs_rules.broken(found, 10, 1024, 1, 2e9)
            self.assertEqual([], rules, name)
            self.assertEqual((), metadata.check(request, found).problems, name)

    def test_description(self) -> None:
        """It opens no doors, and fits."""
        text = told(asked())["image_description"]
        self.assertIn("Debian 13 (trixie), installed from http://", text)
        self.assertNotIn("secret", text)
        entry = dataclasses.replace(
            CATALOG.entry("debian-13"), title="\0\U0001f600" * 300
        )
        text = metadata.properties(asked(), entry, SOURCE)["image_description"]
        self.assertLessEqual(len(text), 255)
        self.assertTrue(text.isprintable())

    def test_catalogue_does_not_tell(self) -> None:
        """Then the user must."""
        entry = dataclasses.replace(CATALOG.entry("debian-13"), login_user="")
        request = asked()
        found = {**entry.properties, **metadata.properties(request, entry, SOURCE)}
        [problem] = metadata.check(request, {"architecture": "x", **found}).problems
        self.assertIn("--property image_original_user=...", problem)

    def test_refused(self) -> None:
        """In planning, by the request alone."""
        for fields, begins in REFUSED:
            request = Request(**{"name": "golden", "os": "mini", **fields})
            problems = request_checks.validate_request(request)
            if begins is None:
                self.assertEqual([], problems, str(fields))
            else:
                self.assertEqual([begins], [p[: len(begins)] for p in problems])

    def test_of_tomorrow(self) -> None:
        """A build has no date later than itself."""
        for date, is_wrong in (("2026-01-01", False), ("2026-01-03", True)):
            request = asked(properties={"image_build_date": date})
            now = 1767312000.0  # 2026-01-02
            self.assertEqual(is_wrong, bool(metadata.dated_ahead(request, now)))
            other = dataclasses.replace(request, metadata="")
            self.assertEqual([], metadata.dated_ahead(other, now))


class InputsTest(CloudTestCase):
    """What decides a result: by default as before, and all that metadata are made of."""

    def digest(self, entry: Entry, **fields: Any) -> str:
        """Return what the template counts for."""
        return inputs._template(asked(**fields), entry)

    def test_what_counts(self) -> None:
        """Rotation counts where the image says it; an entry's words then do too."""
        entry = CATALOG.entry("debian-13")
        later = dataclasses.replace(entry, end_of_life="2030-01-01")
        plain: dict[str, Any] = {"metadata": ""}
        self.assertEqual(
            self.digest(entry, **plain), self.digest(later, replace=True, **plain)
        )
        self.assertNotEqual(self.digest(entry), self.digest(later))
        self.assertNotEqual(self.digest(entry), self.digest(entry, replace=True))
        self.assertNotEqual(self.digest(entry), self.digest(entry, **plain))
