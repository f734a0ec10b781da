"""The verbs of the cloud: python3 -m devcloud up|down|status|wipe|env."""

from __future__ import annotations

import sys

from devcloud import ground, lock
from devcloud.down import down, wipe
from devcloud.errors import DevcloudError
from devcloud.status import env, status
from devcloud.up import up

LOCKED = {"up": up, "down": down, "wipe": wipe}
READING = {"status": status, "env": env}


def main(argv: list[str]) -> int:
    """Run one verb; return the exit status."""
    verb = argv[0] if len(argv) == 1 else ""
    try:
        if verb in READING:
            READING[verb]()
        elif verb in LOCKED:
            if verb == "up":
                ground.check()
            else:
                ground.root()
            with lock.held(verb):
                LOCKED[verb]()
        else:
            print(f"usage: {__doc__.partition(': ')[2]}", file=sys.stderr)
            return 2
    except DevcloudError as exc:
        print(f"devcloud: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("devcloud: stopped; run it again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
