"""Write what a build's tests came to as JUnit XML, for a CI to show. Pure.

Source: github.com/windyroad/JUnit-Schema, JUnit.xsd: which attributes there must be, and
in which order the elements come.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from osc_imagebuild.model.checks import Check
from osc_imagebuild.model.names import Status

if TYPE_CHECKING:
    from osc_imagebuild.builds.record import Record

# Of a name that is to be one word or more.
_NAMELESS = "image"


def junit(build: Record) -> bytes:
    """Return the tests of a build as a document.

    A build that failed otherwise has an error more, so that no CI takes it for a good one.
    """
    return document(
        build.checks,
        name=build.spec.result.name,
        at=build.updated_at,
        properties={
            "build": build.id,
            "os": build.spec.installer.os,
            "result": build.result_id or "".join(build.made[:1]),
            "tool_version": build.tool_version,
        },
        error=build.reason if build.status == Status.FAILED else "",
        step=build.step,
    )


def document(
    checks: Sequence[Check],
    *,
    name: str,
    at: float,
    properties: dict[str, str],
    error: str = "",
    step: str = "",
) -> bytes:
    """Return checks of an image as a document; ``at`` is when they were over.

    ``error`` is why there may be more that is not as it should be, met in ``step``.
    """
    failed = sum(not check.passed for check in checks)
    errors = int(bool(error) and not failed)
    label = _token(name) or _NAMELESS
    counts = {
        "tests": len(checks) + errors,
        "failures": failed,
        "errors": errors,
    }
    root = ElementTree.Element("testsuites")
    seconds = sum(check.seconds or 0.0 for check in checks)
    suite = _suite(root, label, at, counts, seconds)
    told = ElementTree.SubElement(suite, "properties")
    for key, value in properties.items():
        ElementTree.SubElement(told, "property", name=key, value=_plain(value))
    for check in checks:
        _case(suite, label, check)
    if errors:
        case = _testcase(suite, label, step or "build", None)
        _trouble(case, "error", error, "")
    out = (f"{check.title}:\n{check.output}\n" for check in checks if check.output)
    ElementTree.SubElement(suite, "system-out").text = _plain("\n".join(out))
    ElementTree.SubElement(suite, "system-err")
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(
    root: ElementTree.Element,
    label: str,
    at: float,
    counts: Mapping[str, int],
    seconds: float,
) -> ElementTree.Element:
    moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    attributes = {
        "name": label,
        "package": "osc_imagebuild",
        "id": "0",
        "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S"),
        "hostname": "localhost",
        **{name: str(count) for name, count in counts.items()},
        "time": _time(seconds),
    }
    return ElementTree.SubElement(root, "testsuite", attributes)


def _case(suite: ElementTree.Element, label: str, check: Check) -> None:
    case = _testcase(suite, label, check.title, check.seconds)
    if not check.passed:
        _trouble(case, "failure", check.detail, check.output)


def _testcase(
    suite: ElementTree.Element, label: str, name: str, seconds: float | None
) -> ElementTree.Element:
    return ElementTree.SubElement(
        suite,
        "testcase",
        name=_token(name) or _NAMELESS,
        classname=label,
        time=_time(seconds or 0.0),
    )


def _trouble(case: ElementTree.Element, kind: str, message: str, text: str) -> None:
    trouble = ElementTree.SubElement(case, kind, message=_plain(message), type=kind)
    trouble.text = _plain(text)


def _time(seconds: float) -> str:
    return f"{seconds:.1f}"


def _token(text: str) -> str:
    return " ".join(_plain(text).split())


def _plain(text: str) -> str:
    """Return text without what XML has no way to write.

    Source: Extensible Markup Language (XML) 1.0, 2.2: Char.
    """
    return "".join(c if _is_char(ord(c)) else "?" for c in text)


def _is_char(code: int) -> bool:
    return (
        code in (0x9, 0xA)
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )
