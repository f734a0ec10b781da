"""Where the tests find things."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "osc_imagebuild"
DATA = ROOT / "tests" / "data"
GUIDE = ROOT / "doc" / "source" / "user"
DEVCLOUD_CATALOG = ROOT / "devcloud" / "catalog"
# The installer of a minute, with which most builds of the tests are made.
MINI_CATALOG = DEVCLOUD_CATALOG / "mini"
