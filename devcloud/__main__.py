"""python3 -m devcloud up|down|status|wipe|env"""

from __future__ import annotations

import sys

from devcloud.errors import DevcloudError
from devcloud.up import up


def main() -> int:
    try:
        {"up": up}[sys.argv[1]]()
    except DevcloudError as exc:
        print(f"devcloud: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
