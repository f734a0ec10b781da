"""Run one of the longer proofs: python -m tools.proof NAME.

Each is a module of tools/proofs with a function main, which returns 0 where the
proof holds. What came of it, and when, is written into
doc/source/contributor/proofs.rst by hand.
"""

from __future__ import annotations

import importlib
import pkgutil
import signal
import sys
import time
from collections.abc import Sequence

from tools import proofs


def names() -> dict[str, str]:
    """Each proof's name, and what it shows: its module's first line."""
    found = {}
    for module in pkgutil.iter_modules(proofs.__path__):
        doc = importlib.import_module(f"tools.proofs.{module.name}").__doc__ or ""
        found[module.name] = doc.strip().partition("\n")[0]
    return found


def main(arguments: Sequence[str]) -> int:
    """Run the one that is named; its exit code, or 2 where there is none."""
    known = names()
    if len(arguments) != 1 or arguments[0] not in known:
        print("Which proof? make proof NAME=..., with one of:", file=sys.stderr)
        for name, shows in known.items():
            print(f"  {name:12} {shows}", file=sys.stderr)
        return 2
    [name] = arguments
    # So that a proof that is ended removes what it made.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.time()
    print(f"proof {name}, {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}")
    code = int(importlib.import_module(f"tools.proofs.{name}").main())
    minutes = (time.time() - began) / 60
    held = "FAILED" if code else "holds"
    print(f"proof {name} {held} after {minutes:.0f} min", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
