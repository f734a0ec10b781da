"""Own answer files, typed into the real shell: refused, warned of, or taken."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import fixtures

from tests import paths
from tests.fakes.guests import MINI_ISO as ISO_DATA
from tests.fakes.mirror import KERNEL
from tests.fakes.planning import flavor
from tests.unit.shell import Ran, ShellTestCase

# Cases from the field, as they were sent.
OWN = paths.DATA / "own"
ISO = "http://mirror.fake/windows.iso"

# File, system, and what is said: nothing, a refusal, or a warning.
CASES = (
    ("percent-in-heredoc.ks", "fedora-44", ""),
    ("indented.cfg", "debian-13", ""),
    ("profile.jsonnet", "opensuse-leap-16", ""),
    ("windows-shutdown-dash.xml", "windows-server-2022", ""),
    (
        "autoinstall-without-header.yaml",
        "ubuntu-24.04",
        "not read: its first line is not #cloud-config",
    ),
    (
        "autoinstall-poweroff-in-comment.yaml",
        "ubuntu-24.04",
        "does not power the server off at its end: line 7: it reboots",
    ),
    ("broken.ks", "rocky-9", "warning: the answer file, line 2: %post has no %end"),
)


class _Whole(dict[str, bytes]):
    """A mirror that has whatever an install tree may be asked for."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return a file by the end of its path."""
        known = {"vmlinuz": KERNEL, "windows.iso": ISO_DATA}
        return super().get(name, known.get(name, b"\x1f\x8b anything"))


class OwnAnswersTest(ShellTestCase):
    """`create --answer-file FILE --dry-run` and `template validate` say the same."""

    def setUp(self) -> None:
        """Have a flavor that is large enough for all of them."""
        super().setUp()
        self.cloud.nova.flavors.append(flavor("m1.large", 16384, 80, 4))
        self.cloud.mirror.files = _Whole(self.cloud.mirror.files)
        self.directory = Path(self.useFixture(fixtures.TempDir()).path)

    def dry_run(self, os: str, path: str) -> Ran:
        """Type a create that writes nothing."""
        source = ("--source", ISO) if os.startswith("windows") else ()
        words = ("--flavor", "m1.large", "--dry-run", "--answer-file", path, *source)
        ran = self.build("create", "--os", os, *words, "golden")
        writes = [c for c in self.cloud.log if c.method in ("PUT", "PATCH", "DELETE")]
        self.assertEqual([], writes)
        return ran

    def validated(self, os: str, path: str) -> Ran:
        """Type a validate of a template with the answer file in it."""
        template = self.directory / "t.yaml"
        more = f"source: {ISO}\n" if os.startswith("windows") else ""
        name = Path(shutil.copy(path, self.directory)).name
        template.write_text(f"version: 1\nos: {os}\n{more}answers: {{file: {name}}}\n")
        return self.typed("image", "build", "template", "validate", str(template))

    def test_cases_from_the_field(self) -> None:
        """Each as its file is, by both commands."""
        for name, os, wanted in CASES:
            path = str(OWN / name)
            for ran in (self.dry_run(os, path), self.validated(os, path)):
                self.assertIn(wanted, ran.err, name)
                refused = bool(wanted) and not wanted.startswith("warning: ")
                self.assertEqual(int(refused), ran.code, f"{name}: {ran.err}")
                if not wanted:
                    self.assertNotIn("the answer file", ran.err, name)

    def test_the_template_from_the_field(self) -> None:
        """It names its answer file, is warned of, and is still a good template."""
        ran = self.typed("image", "build", "template", "validate", str(OWN / "t2.yaml"))
        self.assertEqual((0, f"{OWN / 't2.yaml'}: ok\n"), (ran.code, ran.out), ran.err)
        self.assertIn("line 2: %post has no %end", ran.err)
