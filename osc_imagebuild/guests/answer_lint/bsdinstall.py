"""Read a script for bsdinstall. Pure.

Source: freebsd-src, usr.sbin/bsdinstall/scripts/script: a preamble that is sourced, and
behind the first line that begins with #! a script for the new system.
"""

from __future__ import annotations

import re

from osc_imagebuild.guests.answer_lint.reading import Reading, Script


def read(text: str) -> Reading:
    """Take a script apart."""
    reading = Reading(default_end="bsdinstall would reboot")
    line = 1
    for part in re.split(r"(?m)^(?=#!)", text):
        first = part.partition("\n")[0].rstrip()
        shell = not first.startswith("#!") or first.endswith("sh")
        if part.strip():
            language = "sh" if shell else ""
            reading.scripts.append(Script(line, part, language, system="freebsd"))
        line += part.count("\n")
    return reading
