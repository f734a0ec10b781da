"""Catalogues whose author means harm: their files, their values, their templates."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

import fixtures
import testtools
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import catalog_schema, rendering, sandbox
from osc_imagebuild.guests.catalog import BUILT_IN, ENVIRONMENT, Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import numbers
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import offline, request_checks
from osc_imagebuild.template import schema

SECRET = "hunter2:x:0:0:horse"
BIG = "x" * 200_000
# What would take all memory, or all time there is.
COSTLY = (
    "{{ 'a' * 10**10 }}",
    "{{ 10**10 * 'a' }}",
    "{{ [1] * 10**10 }}",
    "{{ 7**(10**9) }}",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{% set n = namespace(x='a') %}"
    "{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "{% set n = namespace(x='a') %}"
    "{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x=['a']) %}"
    "{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
    "{{ '%9999999999d' % 1 }}",
    "{{ '%*d' % (9999999999, 1) }}",
    "{{ '%.*f' % (9999999999, 1) }}",
    "{{ '{:9999999999}'.format(1) }}",
    "{{ '{:{w}}'.format(1, w=9999999999) }}",
    "{{ '%9999999999d' | format(1) }}",
    "{{ 'a' | center(9999999999) }}",
    "{{ 'a'.ljust(9999999999) }}",
    "{{ '\t'.expandtabs(9999999999) }}",
    "{{ big.replace('x', big) }}",
    "{{ big | replace('x', big) }}",
    "{{ big.translate({120: big}) }}",
    "{{ big | list | join(big) }}",
    "{{ range(99999) | map('string') | join(big) }}",
    "{{ big | indent(99999999) }}",
    "{{ big | tojson(indent=99999999) }}",
    "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{% set rest = [1] * 60 %}{% include 'twice.j2' %}",
    "{% set x %}{% for i in range(99999) %}" + "y" * 9000 + "{% endfor %}{% endset %}",
    "{% set x %}{% for i in range(99999) %}{{ big }}{% endfor %}{% endset %}",
    "{% for i in range(99999) %}{{ '" + "y" * 9000 + "' }}{% endfor %}",
)
# What would leave the sandbox, or Python's stack.
REFUSED = (
    "{{ ''.__class__.__mro__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ 'a' | attr('__class__') }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ [].append(1) }}",
    "{% include '/etc/passwd' %}",
    "{% include '../../../etc/passwd' %}",
    "{% include 'link.j2' %}",
    "{% include 'pipe.j2' %}",
    "{% include 'itself.j2' %}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "{{ 10**5000 }}",
    "{{ 1 // 0 }}",
    "{{ lipsum(n=10000) }}",
)


class HostileTestCase(testtools.TestCase):
    """A stranger's catalogue."""

    def setUp(self) -> None:
        """Have its directory, and one that is not the stranger's."""
        super().setUp()
        top = Path(self.useFixture(fixtures.TempDir()).path)
        self.site, self.outside = top / "site", top / "out"
        self.outside.mkdir()
        (self.site / "families").mkdir(parents=True)

    def refused(self, text: str | bytes, name: str = "x.yaml") -> str:
        """Return what is told of a file in it."""
        data = text.encode() if isinstance(text, str) else text
        (self.site / name).write_bytes(data)
        return self.refusal()

    def refusal(self) -> str:
        """Return what is told of the catalogue, soon."""
        began = time.process_time()
        error = self.assertRaises(SpecError, Catalog, [self.site])
        self.assertLess(time.process_time() - began, 10)
        self.assertNotRegex(str(error), "hunter2|horse")
        return str(error)


class FilesTest(HostileTestCase):
    """What its files may be."""

    def test_links(self) -> None:
        """They stay in its directory."""
        (self.outside / "x").write_text(f"title: {SECRET}", encoding="utf-8")
        for name in ("x.yaml", "families/x.yaml"):
            for target in (self.outside / "x", "/etc/passwd", "/proc/self/environ"):
                (self.site / name).symlink_to(target)
                self.assertIn("outside of where files may be read", self.refusal())
                (self.site / name).unlink()

    def test_links_inside(self) -> None:
        """And may lead anywhere in it; the directory itself may be a link."""
        (self.site / "real").write_text("title: mine", encoding="utf-8")
        (self.site / "x.yaml").symlink_to("real")
        (self.outside / "link").symlink_to(self.site)
        for directory in (self.site, self.outside / "link"):
            self.assertEqual(["x"], Catalog([directory]).names())

    def test_kinds(self) -> None:
        """Pipes, devices, directories: nothing waits."""
        os.mkfifo(self.site / "x.yaml")
        self.assertIn("it is a pipe", self.refusal())
        (self.site / "x.yaml").unlink()
        (self.site / "x.yaml").mkdir()
        self.assertIn("it is a directory", self.refusal())

    def test_how_much(self) -> None:
        """The size of a file, and the number of them."""
        with (self.site / "x.yaml").open("wb") as file:
            file.truncate(1 << 40)
        self.assertIn("larger than", self.refusal())
        (self.site / "x.yaml").unlink()
        for number in range(1001):
            (self.site / f"{number}.yaml").touch()
        self.assertIn("more than 1000 files", self.refusal())

    def test_a_directory_that_may_not_be_read(self) -> None:
        """Is as one that is not there, and so is one that cannot be."""
        for path in ("/proc/1/root/x", "a\0b", str(self.site / ("x" * 300))):
            self.assertEqual([], Catalog([Path(path)]).names())

    def test_yaml(self) -> None:
        """What costs, what is none, and values that Python refuses."""
        for text in (
            "a: " + "[" * 5_000,
            "? " * 10_000,
            "a: &a [*a]",
            "".join(f"k{n}: 1\n" for n in range(10_001)),
            "a: &a0 [x]\n"
            + "".join(
                f"k{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(9)
            ),
            "stall_min: 0x" + "f" * 9000,
            "stall_min: 1" + ":1" * 9000,
            "stall_min: 1" + ":1" * 9000 + ".5",
            "stall_min: " + "9" * 9000,
            "title: 2001-99-99",
            f"title: !!bool {SECRET}",
            f"title: !!int {SECRET}",
            "title: !!float ''",
            f"title: !!timestamp {SECRET}",
            f"title: !!binary {SECRET}",
            f"title: !!python/object/apply:os.system [{SECRET}]",
            f"? [{SECRET}]\n: 1",
            f"{SECRET}: '",
            f"a: *{SECRET}",
            SECRET,
            "",
            b"\xff\xfe\xff",
            b"a: \x01",
        ):
            self.assertIn("catalogue file", self.refused(text), repr(text[:30]))


class ValuesTest(HostileTestCase):
    """What its entries may say."""

    @given(st.data())
    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    def test_any_value(self, data: st.DataObject) -> None:
        """Whatever stands in an entry is refused in words, or does no harm."""
        keys = sorted(catalog_schema.schema()["properties"])
        inner = st.recursive(VALUES, _in_more, max_leaves=5)
        entry = data.draw(st.dictionaries(st.sampled_from(keys), inner, max_size=4))
        catalog = Catalog([BUILT_IN])
        catalog.add("debian-13", yaml.safe_load(yaml.safe_dump(entry)))
        try:
            offline.check(catalog, Request(name="x"))
        except SpecError as error:
            self.assertNotEqual("", str(error))

    def test_numbers(self) -> None:
        """Those of a machine that nobody has."""
        for key in ("min_ram_mib", "min_disk_gib", "timeout_min", "stall_min"):
            for number in (0, -1, 131_000_000, 10**100):
                catalog = Catalog([BUILT_IN])
                catalog.add("debian-13", {key: number})
                error = self.assertRaises(SpecError, catalog.entry, "debian-13")
                self.assertIn(f"{key} takes a whole number from 1 to", str(error))

    def test_numbers_are_the_same_everywhere(self) -> None:
        """In both schemas, and where requests are checked."""
        catalogue = catalog_schema.schema()["$defs"]
        for name, most in (
            ("gib", numbers.MOST_GIB),
            ("mib", numbers.MOST_MIB),
            ("minutes", numbers.MOST_MINUTES),
        ):
            self.assertEqual(most, catalogue[name]["maximum"])
            self.assertIn(f" {most}", catalogue[name]["x-takes"])
        template: Any = schema.schema()["properties"]
        build, answers = template["build"]["properties"], template["answers"]
        self.assertEqual(numbers.MOST_GIB, build["disk_gib"]["maximum"])
        self.assertEqual(numbers.MOST_MINUTES, build["timeout_min"]["maximum"])
        swap = answers["properties"]["swap_mib"]
        self.assertEqual(numbers.MOST_SWAP_MIB, swap["maximum"])
        wishes: tuple[tuple[dict[str, Any], str], ...] = (
            ({"disk_gib": 131_000_000}, "--disk takes 65536 GiB at most"),
            ({"swap_mib": 1 << 21}, "--swap takes 0 to 1048576 MiB"),
            ({"swap_mib": -1}, "--swap takes 0 to 1048576 MiB"),
            ({"timeout_min": 1441}, "--timeout takes 1 to 1440 minutes"),
            ({"stall_min": 0}, "--stall-timeout takes 1 to 1440 minutes"),
        )
        for wrong, words in wishes:
            request = dataclasses.replace(Request(name="x"), **wrong)
            self.assertEqual([words], request_checks.validate_request(request))

    def test_the_environment_may_name_anything(self) -> None:
        """Directories that are none of a catalogue."""
        for named in ("/dev", "/proc/self", "/dev/null", ":", "\udcff"):
            self.useFixture(fixtures.EnvironmentVariable(ENVIRONMENT, named))
            self.assertIn("debian-13", Catalog().names())


class TemplatesTest(HostileTestCase):
    """What its templates may do."""

    def setUp(self) -> None:
        """Have an entry, and templates in the directory."""
        super().setUp()
        entry = Catalog([BUILT_IN]).entry("debian-13")
        directories = (self.site, *entry.directories)
        self.entry: Entry = dataclasses.replace(entry, directories=directories)
        (self.outside / "x").write_text(SECRET, encoding="utf-8")
        (self.site / "link.j2").symlink_to(self.outside / "x")
        os.mkfifo(self.site / "pipe.j2")
        twice = "{% include 'twice.j2' %}"
        for name, text in (
            ("itself.j2", "{% include 'itself.j2' %}"),
            (
                "twice.j2",
                "{% set rest = rest[1:] %}{% if rest %}" + twice * 2 + "{% endif %}",
            ),
            (
                "plain.j2",
                "{% for x in 'ab' %}{{ loop.index }}/{{ loop.length }}{{ x ~ 1 }};"
                "{% endfor %}{{ none_such | default('n') }}<&",
            ),
            ("plain.xml.j2", "{{ '<' ~ word }}<{{ ('<' ~ '>') | e }}"),
        ):
            (self.site / name).write_text(text, encoding="utf-8")

    def test_costly(self) -> None:
        """Each ends soon, and says why."""
        self.patch(sandbox, "WORK", 1 << 23)
        for text in COSTLY:
            began = time.process_time()
            error = self.assertRaises(
                SpecError, rendering.text, self.entry, text, {"big": BIG}
            )
            self.assertLess(time.process_time() - began, 15, text)
            self.assertIn("it makes more than 8388608", str(error), text[:60])

    def test_refused(self) -> None:
        """And no secret with it."""
        for text in REFUSED:
            error = self.assertRaises(SpecError, rendering.text, self.entry, text, {})
            self.assertNotRegex(str(error), "hunter2|root:x", text[:60])

    def test_each_rendering_has_its_own(self) -> None:
        """What one has used is not missing for the next."""
        for _ in range(3):
            made = rendering.text(self.entry, "{{ big * 300 }}", {"big": BIG})
            self.assertEqual(300 * len(BIG), len(made))

    def test_what_it_should_do(self) -> None:
        """As without bounds."""
        made = rendering.file(self.entry, "plain.j2", {})
        self.assertEqual("1/2a1;2/2b1;n<&", made)
        made = rendering.file(self.entry, "plain.xml.j2", {"word": "&"})
        self.assertEqual("&lt;&amp;<&lt;&gt;", made)

    def test_a_changed_file_is_read_anew(self) -> None:
        path = self.site / "plain.j2"
        self.assertNotEqual("new", rendering.file(self.entry, "plain.j2", {}))
        path.write_text("new", encoding="utf-8")
        os.utime(path, ns=(1, 1))
        self.assertEqual("new", rendering.file(self.entry, "plain.j2", {}))


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.binary(max_size=4)
    | st.text(max_size=8)
    | st.sampled_from(("{{ x }}", "(", "a{", "{%", "http://[", "\0", "oz", "x86_64"))
)


def _in_more(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.none() | st.integers(0, 3) | st.text(max_size=4)
    words = ("x86_64", "kernel", "iso", "variables", "packages", "static", "sign")
    keys |= st.sampled_from(words)
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
