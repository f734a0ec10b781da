"""Check the syntax of shell scripts with this machine's shells; run nothing of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable

from osc_imagebuild.guests.answer_lint.reading import Finding, Script

# Scripts of an answer file, which has no more than 48 KiB.
MOST = 30
# A shell that only reads can do no more than compute: so many seconds, 1 GiB.
_BOUNDED = 'ulimit -t 5; ulimit -v 1048576; exec "$0" -n'
_LINE = re.compile(r"(?:line )?(\d+): ?")


def mistakes(scripts: Iterable[Script]) -> list[Finding]:
    """Return what the shell cannot read, [] for what is no shell's.

    A script for bash, which is /bin/sh in many systems, is not given to another shell.
    """
    wanted = [s for s in scripts if s.language in ("sh", "bash") and s.text.strip()]
    judged = (_mistake(script) for script in wanted[:MOST])
    return [finding for finding in judged if finding]


def _mistake(script: Script) -> Finding | None:
    shell = shutil.which(script.language)
    if shell is None:
        return None
    try:
        done = subprocess.run(
            [shell, "-c", _BOUNDED, shell],
            input=script.text.replace("\r\n", "\n"),
            capture_output=True,
            text=True,
            errors="replace",
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            check=False,
        )
    except (OSError, ValueError):
        return None
    if not done.returncode:
        return None
    complaint = (done.stderr.strip().splitlines() or ["no reason given"])[0]
    complaint = re.sub(r"^\S*?sh: ", "", complaint)
    line = script.line
    if (match := _LINE.match(complaint)) and script.whole:
        line += int(match[1]) - 1
    return Finding(line, f"no shell script: {_LINE.sub('', complaint, count=1)}")
