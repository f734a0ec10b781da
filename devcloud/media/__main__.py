"""python3 -m devcloud.media build: make the installer media by hand."""

from __future__ import annotations

import argparse
import sys

from devcloud import media, settings
from devcloud.errors import DevcloudError


def main() -> int:
    parser = argparse.ArgumentParser(prog="devcloud.media", description=__doc__)
    parser.add_argument("action", choices=["build"])
    parser.parse_args()
    try:
        media.build(settings.HOME, print)
    except DevcloudError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
