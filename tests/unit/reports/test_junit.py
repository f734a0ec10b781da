"""What came of tests, as JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import testtools

from osc_imagebuild.model.checks import Check
from osc_imagebuild.reports import junit

PASSED = Check("web", True, "exit code 0 after 1.5 s", 1.5, "ok <&> \u2603")
FAILED = Check("shop", False, "exit code 1 instead of 0", 0.2, "a\n]]> \x1b[2J\0\ufffe")
# What the schema asks of each element: attributes with their forms, those that may be
# left out with a question mark, and elements below it in their order, * for any number.
# Source: github.com/windyroad/JUnit-Schema, JUnit.xsd.
TOKEN, INT, DECIMAL, ANY = r"\S(.*\S)?", r"\d+", r"\d+(\.\d+)?", r"(?s).*"
TROUBLE: tuple[dict[str, str], list[str]] = ({"message?": ANY, "type": ANY}, [])
SCHEMA: dict[str, tuple[dict[str, str], list[str]]] = {
    "testsuites": ({}, ["testsuite*"]),
    "testsuite": (
        {
            **{"name": TOKEN, "package": TOKEN, "id": INT, "hostname": TOKEN},
            **{"tests": INT, "failures": INT, "errors": INT, "time": DECIMAL},
            "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
        },
        ["properties", "testcase*", "system-out", "system-err"],
    ),
    "properties": ({}, ["property*"]),
    "property": ({"name": TOKEN, "value": ANY}, []),
    "testcase": (
        {"name": TOKEN, "classname": TOKEN, "time": DECIMAL},
        ["error?", "failure?"],
    ),
    "error": TROUBLE,
    "failure": TROUBLE,
    "system-out": ({}, []),
    "system-err": ({}, []),
}


def wrong(element: ElementTree.Element) -> list[str]:
    """What of an element, and all below it, the schema does not take."""
    attributes, below = SCHEMA[element.tag]
    found = []
    known = {name.rstrip("?"): form for name, form in attributes.items()}
    for name, value in element.attrib.items():
        if not re.fullmatch(known.get(name, "(?!)"), value):
            found.append(f"{element.tag}: {name}={value!r}")
    needed = {name for name in attributes if not name.endswith("?")}
    found += [f"{element.tag}: no {n}" for n in needed - element.attrib.keys()]
    names = "".join(f"{child.tag} " for child in element)
    form = "".join(
        f"({name.rstrip('*?')} ){name[-1] if name[-1] in '*?' else ''}"
        for name in below
    )
    if not re.fullmatch(form, names):
        found.append(f"{element.tag}: has {names}")
    return found + [problem for child in element for problem in wrong(child)]


class JUnitTest(testtools.TestCase):
    """A document that CIs take."""

    def suite(self, *checks: Check, **fields: Any) -> ElementTree.Element:
        """The one suite of a document that the schema takes."""
        given: dict[str, Any] = {"name": "golden", "at": 0.0, "properties": {}}
        text = junit.document(checks, **{**given, **fields})
        self.assertTrue(text.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n"))
        root = ElementTree.fromstring(text)
        self.assertEqual([], wrong(root))
        [suite] = root
        return suite

    def counts(self, suite: ElementTree.Element) -> Sequence[str | None]:
        """Tests, failures, errors, and the time of all."""
        return [suite.get(key) for key in ("tests", "failures", "errors", "time")]

    def test_tests(self) -> None:
        """Each with its time; what failed with its reason and its last lines."""
        suite = self.suite(PASSED, FAILED, properties={"build": "x"})
        self.assertEqual(["2", "1", "0", "1.7"], self.counts(suite))
        self.assertEqual("1970-01-01T00:00:00", suite.get("timestamp"))
        web, shop = suite.findall("testcase")
        self.assertEqual(("web", "golden", "1.5"), tuple(web.attrib.values()))
        self.assertEqual([], list(web))
        [failure] = shop
        self.assertEqual("exit code 1 instead of 0", failure.get("message"))
        self.assertEqual("a\n]]> ?[2J??", failure.text)
        said = suite.findtext("system-out") or ""
        self.assertIn("web:\nok <&> \u2603\n", said)

    def test_failed_otherwise(self) -> None:
        """A build that failed is no good one, though no test did."""
        suite = self.suite(PASSED, error="no host\x07", step="verify")
        self.assertEqual(["2", "0", "1", "1.5"], self.counts(suite))
        case = suite.findall("testcase")[1]
        self.assertEqual("verify", case.get("name"))
        self.assertEqual("no host?", case[0].get("message"))
        # What is told already is not told twice.
        suite = self.suite(FAILED, error="1 of 1 tests was not passed", step="test")
        self.assertEqual(["1", "1", "0", "0.2"], self.counts(suite))
        self.assertEqual(["1", "0", "1", "0.0"], self.counts(self.suite(error="x")))

    def test_hostile(self) -> None:
        """Names and words of others: no markup of theirs, nothing that XML cannot have."""
        evil = '"><!DOCTYPE x [<!ENTITY y "z">]>&y;\x00\x1b\ud800\n\t'
        suite = self.suite(
            Check(evil, False, evil, None, evil),
            name=evil,
            properties={"build": evil},
            error=evil,
        )
        self.assertIn("DOCTYPE", suite.get("name") or "")
        self.assertEqual(1, len(suite.findall("testcase")))
        suite = self.suite(PASSED, name=" \n")
        self.assertEqual("image", suite.get("name"))
        self.assertEqual(["0", "0", "0", "0.0"], self.counts(self.suite()))
