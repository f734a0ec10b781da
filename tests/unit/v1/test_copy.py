"""openstack image build copy"""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import testtools
from osc_lib import exceptions

from osc_imagebuild import v1
from osc_imagebuild.builds.copies import Copied
from osc_imagebuild.errors import CloudError
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.v1.copy import CopyImageBuild


class Builder:
    """One that has made these copies."""

    def __init__(self, *made: Copied) -> None:
        self.made, self.asked = made, ()
        self.listener: Any = None

    def copy(self, *asked: Any, **more: Any) -> tuple[Copied, ...]:
        """Remember what is asked for."""
        self.asked = (*asked, more)
        return self.made


class CopyTest(testtools.TestCase):
    """What is typed, and what is shown."""

    def typed(self, builder: Builder, *words: str) -> Any:
        """Type it, and return columns and rows."""
        manager = SimpleNamespace(**{v1.API_NAME: builder})
        app: Any = SimpleNamespace(
            client_manager=manager,
            options=SimpleNamespace(verbose_level=0),
            stderr=io.StringIO(),
        )
        command = CopyImageBuild(app, None)
        return command.take_action(command.get_parser("copy").parse_args(words))

    def test_shown(self) -> None:
        """Where it is, and under which ID."""
        builder = Builder(Copied(Copy("two", "R"), "i-1"), Copied(Copy("three"), "i-2"))
        columns, rows = self.typed(
            builder, "golden", "--copy-to=two/R", "--copy-to=three", "--verify"
        )
        self.assertEqual(("Cloud", "Image ID"), columns)
        self.assertEqual([("two/R", "i-1"), ("three", "i-2")], rows)
        self.assertEqual(
            ("golden", ["two/R", "three"], {"verify": True}), builder.asked
        )

    def test_failed(self) -> None:
        """Each that failed, with its reason."""
        error = CloudError("no room", service="image", status=413)
        builder = Builder(
            Copied(Copy("two"), "i-1"), Copied(Copy("three"), trouble="x", error=error)
        )
        failed = self.assertRaises(
            exceptions.CommandError, self.typed, builder, "golden"
        )
        self.assertEqual("no copy in three: no room (image, HTTP 413)", str(failed))

    def test_options_that_do_not_go(self) -> None:
        """--verify is of clouds that are named."""
        failed = self.assertRaises(
            exceptions.CommandError, self.typed, Builder(), "golden", "--verify"
        )
        self.assertIn("--verify is for --copy-to", str(failed))
