"""Check a user's own tests, and pack them for the test server. Pure."""

from __future__ import annotations

import base64
import json
import zlib

from osc_imagebuild.guests import customization
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import boots, own_tests
from osc_imagebuild.model.request import Request

# What the user data of a test server have in them that runs tests.
_SIGN = "/var/lib/imagebuild-tests/run.py"
_WHY = {
    "windows": "they are commands of a Unix shell",
    "freebsd": "systemd starts them, which it does not have",
}


def problems(request: Request) -> list[str]:
    """Return what is wrong with the tests of a request, judged by themselves."""
    found = own_tests.problems(request.tests)
    found += boots.problems(
        request.test_flavors, request.test_networks, request.test_firmware
    )
    if request.boots_again and not request.verify:
        found.append(
            "verify: flavors, networks and firmware are what the result is booted on: "
            "leave out --no-verify"
        )
    if request.tests and not request.verify:
        found.append(
            "tests run in the server that the result is booted in: leave out --no-verify"
        )
    if not request.tests and (request.test_files or request.test_reboot):
        found.append("verify: files and reboot are for tests: give commands too")
    if len(request.test_files) > own_tests.MOST_FILES:
        found.append(f"tests can have {own_tests.MOST_FILES} files at most")
    paths = [file.path for file in request.test_files]
    found += [
        f"two files of tests have the path {path!r:.60}"
        for path in dict.fromkeys(paths)
        if paths.count(path) > 1
    ]
    return found + customization.files(request.test_files)


def unable(entry: Entry, request: Request, first_boot: str) -> list[str]:
    """Return why a system's test server runs no tests; nothing where none are wanted."""
    if not request.tests or _SIGN in first_boot:
        return []
    why = _WHY.get(
        entry.family, "the user data of its test server have no place for them"
    )
    return [f"{entry.title} cannot be given tests: {why}"]


def packed(request: Request) -> bytes:
    """Return tests and their files as the test server unpacks them, b'' for none."""
    if not request.tests:
        return b""
    plan = {
        "tests": [[t.run, t.timeout_s, t.expect_exit] for t in request.tests],
        "files": [
            [f.path, f.mode, f.owner, base64.b64encode(f.content).decode()]
            for f in request.test_files
        ],
        "reboot": request.test_reboot,
    }
    return zlib.compress(json.dumps(plan).encode(), 9)
