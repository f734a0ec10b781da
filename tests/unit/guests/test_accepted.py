"""Values that an installer does not take, and what is said of them."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Any

import fixtures
import testtools

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import accepted, answers, families
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.request import Request

CATALOG = Catalog([BUILT_IN])
# Some of the names that Agama answers with UnknownTimezone.
# Source: agama, rust/agama-locale-data/src/deprecated_timezones.rs.
REFUSED_BY_AGAMA = (
    *("Etc/UTC", "Etc/GMT", "GMT", "UCT", "Zulu", "Europe/Kyiv", "US/Pacific"),
    *("CET", "Asia/Calcutta", "Europe/Kirov", "Asia/Tomsk", "America/Nuuk", "Turkey"),
)


def found(name: str, **fields: Any) -> list[str]:
    """What planning says."""
    entry = CATALOG.entry(name)
    machine: dict[str, Any] = {"firmware": "uefi", "tpm": True, "secure_boot": True}
    request = Request(**(machine | {"name": "x", "os": name} | fields))
    return families.family(entry.family).problems(entry, request)


class RefusedTest(testtools.TestCase):
    """Each with the nearest that is taken, or without."""

    def check(self, name: str, field: str, value: str, words: str) -> None:
        [text] = found(name, **{field: value})
        self.assertIn(f"'{value}'", text)
        self.assertTrue(text.endswith(words), f"{name}: {text}")

    def test_time_zones(self) -> None:
        """Old names where the new system has none; misspelled ones everywhere."""
        for names, value, words in (
            ("debian-13 ubuntu-24.04 ubuntu-26.04", "Europe/Kiev", "as Europe/Kyiv"),
            ("opensuse-leap-16 sles-16", "Europe/Kyiv", "write it as Europe/Kiev"),
            ("debian-13 ubuntu-26.04 sles-16", "US/Pacific", "as America/Los_Angeles"),
            ("debian-13 ubuntu-24.04 sles-16", "Asia/Calcutta", "as Asia/Kolkata"),
            ("sles-16 opensuse-leap-16", "Zulu", "write it as UTC"),
            ("sles-16", "Asia/Tomsk", "Asia/Tomsk /etc/localtime'"),
            ("debian-12 rocky-9 sles-15 freebsd-14", "Berlin", "as Europe/Berlin"),
            ("fedora-44 ubuntu-22.04 sles-16", "europe/berlin", "as Europe/Berlin"),
            ("freebsd-14 debian-13", "America/Berlin", "as Europe/Berlin"),
            ("debian-13 fedora-44", "Europe/Pariss", "write it as Europe/Paris"),
            ("debian-13 rocky-9", "Nowhere/Land", "as one such as Europe/Berlin"),
            ("windows-11", "Europe/Berlin", "as W. Europe Standard Time"),
            ("windows-server-2025", "US/Pacific", "as Pacific Standard Time"),
            ("windows-server-2022", "W Europe Standard Time", "Europe Standard Time"),
        ):
            for name in names.split():
                self.check(name, "timezone", value, words)

    def test_keyboards(self) -> None:
        """What one system calls so, the other calls otherwise."""
        for names, value, words in (
            ("ubuntu-24.04 ubuntu-22.04 debian-13", "uk", "write it as gb"),
            ("rocky-9 opensuse-leap-16 sles-16", "uk", "write it as gb"),
            ("ubuntu-26.04 debian-12 fedora-44", "cf", "write it as ca"),
            ("freebsd-14", "gb", "write it as uk"),
            ("freebsd-14", "latam", "write it as latinamerican"),
            ("debian-13 ubuntu-24.04 sles-16", "de-latin1", "write it as de"),
            ("ubuntu-24.04 rocky-9", "ch-fr", "write it as ch(fr)"),
            ("sles-15 opensuse-leap-15.6", "ch(fr)", "write it as ch-fr"),
            ("opensuse-tumbleweed", "German", "write it as de"),
            ("sles-15", "qwert", "write it as one such as us or de"),
            ("rocky-10", "in", "write it as one such as us or de"),
        ):
            for name in names.split():
                self.check(name, "keyboard", value, words)

    def test_locales(self) -> None:
        """Of languages and territories that nobody has put together."""
        for names, value, words in (
            ("debian-13 rocky-9 sles-15", "en_UK.UTF-8", "write it as en_GB.UTF-8"),
            ("ubuntu-24.04 sles-16", "de_FR.UTF-8", "as de_DE.UTF-8 or de_LU.UTF-8"),
            ("freebsd-14", "de_LU.UTF-8", "write it as de_DE.UTF-8"),
            ("sles-16 opensuse-leap-16", "C", "C.UTF-8"),
        ):
            for name in names.split():
                [text] = found(name, locale=value)
                self.assertIn(f"no locale '{value}'", text)
                if value != "C":
                    self.assertIn(words.rpartition(" ")[2], text)


class TakenTest(testtools.TestCase):
    """No build is refused for what works."""

    def test_defaults_of_every_entry(self) -> None:
        """The catalogue's own values are on the installers' lists."""
        for name in CATALOG.names():
            self.assertEqual([], found(name), name)

    def test_by_each_family(self) -> None:
        """Where the old names are still there, they are no fault."""
        for name, fields in (
            ("debian-12", {"timezone": "US/Pacific"}),
            ("ubuntu-22.04", {"timezone": "Europe/Kiev"}),
            ("rocky-9", {"timezone": "US/Pacific", "keyboard": "ch(fr)"}),
            ("sles-15", {"timezone": "GB", "keyboard": "uk", "locale": "C"}),
            ("opensuse-leap-15.6", {"keyboard": "english-uk"}),
            ("opensuse-leap-16", {"timezone": "Europe/Kiev", "keyboard": "gb"}),
            ("sles-16", {"timezone": "Etc/UTC"}),
            ("freebsd-14", {"timezone": "US/Pacific", "keyboard": "de.noacc"}),
            ("debian-13", {"keyboard": "fr(latin9)", "locale": "ast_ES.UTF-8"}),
            ("ubuntu-24.04", {"keyboard": "us(dvorak)", "locale": "C.UTF-8"}),
            ("windows-11", {"timezone": "Mountain Standard Time (Mexico)"}),
            ("windows-11", {"timezone": "UTC-02"}),
        ):
            self.assertEqual([], found(name, **fields), f"{name} {fields}")

    def test_agama_takes_none_of_its_old_names(self) -> None:
        """Nor of the new ones that it calls so."""
        for timezone in REFUSED_BY_AGAMA:
            self.assertFalse(accepted.takes("timezone", "agama", timezone), timezone)

    def test_keyboards_of_a_release(self) -> None:
        """What its own console-setup has: some came later, some are gone."""
        for value, taken, refused in (
            ("nz(mao)", "debian-13", "debian-12"),
            ("us(colemak_dh_wide)", "debian-13", "debian-12"),
            ("tr(otf)", "debian-12", "debian-13"),
            ("mao", "debian-12", "debian-13"),
        ):
            self.assertEqual([], found(taken, keyboard=value), value)
            [text] = found(refused, keyboard=value)
            self.assertIn(f"knows no keyboard '{value}'", text)
        self.assertEqual([], found("debian-12", keyboard="ch(fr)"))

    def test_variants_are_written_as_each_installer_wants(self) -> None:
        """A variant of a keyboard's layout."""
        for name, line in (
            ("ubuntu-24.04", 'keyboard: {layout: "ch", variant: "fr"}\n'),
            ("rocky-9", "keyboard --vckeymap=ch-fr --xlayouts='ch (fr)'\n"),
            ("debian-13", "keyboard-configuration/xkb-keymap select ch(fr)\n"),
            ("opensuse-leap-16", '"keyboard": "ch(fr)"'),
        ):
            request = Request(name="x", os=name, keyboard="ch(fr)")
            answer = answers.render(
                CATALOG.entry(name), request, "id", "http://m"
            ).answer
            self.assertIn(line, answer)


class ListsTest(testtools.TestCase):
    """The files, and who names them."""

    def test_each_file_is_well_formed(self) -> None:
        """Says where it was read, and offers only what it has."""
        place = importlib.resources.files("osc_imagebuild.guests") / "accepted"
        files = [item for item in place.iterdir() if item.name.endswith(".txt")]
        self.assertGreater(len(files), 10)
        for item in files:
            text = item.read_text(encoding="utf-8")
            self.assertRegex(text, r"(?m)^# .*Source: ", item.name)
            if item.name == "keyboard-names.txt":
                continue
            field, _, where = item.name.removesuffix(".txt").partition("-")
            known = accepted.read(field, where)
            self.assertLessEqual(set(known.others.values()), known.names)
            self.assertEqual(set(), known.names & set(known.others), item.name)

    def test_a_site_s_own_values(self) -> None:
        """A wrong one in its catalogue is found before a build, and named so."""
        site = Path(self.useFixture(fixtures.TempDir()).path)
        for text, words in (
            ("variables: {timezone: US/Pacific}", "variable timezone of the catalogue"),
            ("variables: {keyboard: uk}", "the variable keyboard of the catalogue"),
        ):
            (site / "ubuntu-26.04.yaml").write_text(text)
            entry = Catalog([BUILT_IN, site]).entry("ubuntu-26.04")
            [problem] = families.family("ubuntu").problems(entry, Request(name="x"))
            self.assertIn(words, problem)
        (site / "ubuntu-26.04.yaml").write_text("variables: {accepts: {locale: mine}}")
        entry = Catalog([BUILT_IN, site]).entry("ubuntu-26.04")
        error = self.assertRaises(
            SpecError, families.family("ubuntu").problems, entry, Request(name="x")
        )
        self.assertIn("locale-mine.txt", str(error))
