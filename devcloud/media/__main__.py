"""python3 -m devcloud.media build|check: make the installer media by hand.

``check`` tells in two minutes at most whether Debian's can be made.
"""

from __future__ import annotations

import argparse
import sys

from devcloud import media, settings
from devcloud.errors import DevcloudError


def main() -> int:
    """Build or check; 0 where all parts are there, or can be made."""
    parser = argparse.ArgumentParser(prog="devcloud.media", description=__doc__)
    parser.add_argument("action", choices=["build", "check"])
    action = parser.parse_args().action
    try:
        failed = (media.build if action == "build" else media.check)(
            settings.HOME, _say
        )
    except (DevcloudError, OSError) as exc:
        print(exc, file=sys.stderr)
        return 1
    if failed and action == "check":
        print(
            "The demo builds Debian, so it would fail in the end. What was fetched is "
            f"kept; try again later. Log: {settings.LOG / 'media.log'}",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
