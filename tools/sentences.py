"""Write the sentences of the verdicts into the documentation: make sentences.

A unit test tells when that has to be done again.
"""

from __future__ import annotations

from pathlib import Path

from osc_imagebuild.monitors.console import sentences

PAGE = Path(__file__).parents[1] / "doc" / "source" / "user" / "sentences.inc"


def main() -> None:
    """Write the page."""
    PAGE.write_text(sentences.page(), encoding="utf-8")


if __name__ == "__main__":
    main()
