"""Give every kind of answer file to the vendors' parsers and schemas.

``python -m tools.vendor [--schemas DIRECTORY] [--whole] [--os NAME ...]`` renders each entry of the
catalogue with many wishes and ways, and prints a table: files and refusals by tool.
The exit status is 1 where one refuses. A tool that is not here is named as skipped.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.unit.wanted import CATALOG
from tools.vendor_checks import Check, checks, refusals
from tools.vendor_matrix import Case, cases

# Of one reason so many cases are told.
SHOWN = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Render, check, and print; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--schemas", type=Path, help="directory with the vendors' schemas"
    )
    parser.add_argument(
        "--whole",
        action="store_true",
        help="every wish in every way (the default with schemas)",
    )
    parser.add_argument("--os", nargs="*", default=[], help="of these entries alone")
    given = parser.parse_args(arguments)
    if given.schemas and not given.schemas.is_dir():
        print(f"{given.schemas} is no directory", file=sys.stderr)
        return 2
    began = time.monotonic()
    names = given.os or CATALOG.names()
    found = list(cases(names, whole=given.whole or given.schemas is not None))
    _counts(found)
    print(f"rendered in {time.monotonic() - began:.0f} s\n")
    return _table(checks(given.schemas), found)


def _counts(found: list[Case]) -> None:
    """Files by family."""
    total = Counter(case.entry.family for case in found)
    different: dict[str, set[str]] = {}
    for case in found:
        different.setdefault(case.entry.family, set()).add(case.answer)
    print(f"{'family':<12}{'files':>8}{'different':>12}")
    for family, count in sorted(total.items()):
        print(f"{family:<12}{count:>8}{len(different[family]):>12}")
    unlike = sum(len(texts) for texts in different.values())
    print(f"{'all':<12}{len(found):>8}{unlike:>12}")


def _table(wanted: list[Check], found: list[Case]) -> int:
    """Run the checks; a line for each, and what it refuses below it."""
    print(f"{'tool':<44}{'files':>8}{'refused':>10}{'s':>6}")
    bad = 0
    for check in wanted:
        if check.missing:
            print(f"{check.tool:<44}skipped: {check.missing}")
            continue
        began = time.monotonic()
        count, refused = refusals(check, found)
        texts = {check.key(case) for same in refused.values() for case in same}
        bad += len(texts)
        spent = time.monotonic() - began
        print(f"{check.tool:<44}{count:>8}{len(texts):>10}{spent:>6.0f}", flush=True)
        for why, same in sorted(refused.items()):
            names = "; ".join(case.name for case in same[:SHOWN])
            more = f" and {len(same) - SHOWN} more" if len(same) > SHOWN else ""
            print(f"  {why}\n    {names}{more}")
    print(f"{bad} refused")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
