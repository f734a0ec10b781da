"""Tell how much of the pure code the tests reach, and fail where it is too little.

The tests have run under ``coverage run``; what is pure is named in pyproject.toml.
Each package must have the share `ENOUGH` of its branches and of its lines.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "osc_imagebuild"
ENOUGH = 95.0
COVERAGE = (sys.executable, "-m", "coverage")


def main() -> int:
    """Print the shares in one line, what is not reached where that is too much."""
    try:
        files = measured()
    except subprocess.CalledProcessError as error:
        print(f"nothing was measured ({error.stderr.strip()}); run: make cover")
        return 1
    shares = by_package(files, named())
    print("branches reached:", ", ".join(f"{p} {s:.1f} %" for p, s in shares.items()))
    if too_little := [p for p, share in shares.items() if share < ENOUGH]:
        print(f"less than {ENOUGH:g} %: {', '.join(too_little)}")
        subprocess.run([*COVERAGE, "report"], cwd=ROOT, check=False)
    return 1 if too_little else 0


def named() -> list[str]:
    """Return what pyproject.toml says is pure."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    whole: list[str] = settings["tool"]["coverage"]["run"]["source_pkgs"]
    return [name.removeprefix(f"{PACKAGE}.") for name in whole]


def measured() -> Mapping[str, Any]:
    """Put together what the processes of the tests noted; return it by file.

    :raises: CalledProcessError where they noted nothing
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "coverage.json")
        for command in (("combine", "--quiet"), ("json", "--quiet", "-o", str(path))):
            subprocess.run(
                [*COVERAGE, *command],
                cwd=ROOT,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        files: Mapping[str, Any] = json.loads(path.read_bytes())["files"]
    return files


def by_package(files: Mapping[str, Any], packages: list[str]) -> dict[str, float]:
    """Return the percentage of each package, that of its branches or of its lines.

    The lower one counts; what has no branches has its lines alone, and what no test
    imports has nothing.
    """
    counted: dict[str, Counter[str]] = {}
    for name, data in files.items():
        package = _package(Path(name), packages)
        if package is None:
            continue  # a test's own, found on the path of one of them
        counted.setdefault(package, Counter()).update(
            {k: v for k, v in data["summary"].items() if isinstance(v, int)}
        )
    return {p: _share(counted[p]) if p in counted else 0.0 for p in packages}


def _package(path: Path, packages: list[str]) -> str | None:
    """Which of ``packages`` a file belongs to, None for none of them."""
    module = ".".join(path.with_suffix("").parts).partition(f"{PACKAGE}.")[2]
    return next((n for n in packages if f"{module}.".startswith(f"{n}.")), None)


def _share(counts: Mapping[str, int]) -> float:
    pairs = (
        (counts["covered_branches"], counts["num_branches"]),
        (counts["covered_lines"], counts["num_statements"]),
    )
    return min((100 * part / whole for part, whole in pairs if whole), default=100.0)


if __name__ == "__main__":
    sys.exit(main())
