"""Read a script for bsdinstall. Pure.

Source: freebsd-src, usr.sbin/bsdinstall/scripts/script: a preamble that is sourced, and
behind the first line that begins with #! a script for the new system; usr.bin/split:
such a line in the first place splits nothing off.
"""

from __future__ import annotations

import re

from osc_imagebuild.guests.answer_lint.reading import Reading, Script

_NO_PREAMBLE = (
    "nothing stands before the line that begins with #!: bsdinstall runs the whole file "
    "in the installer, before it installs anything; set PARTITIONS above that line"
)
_CUT = (
    "a line that begins with #! once more, as in a here-document: bsdinstall cuts the "
    "script off before it, and what follows is not run; indent it, or write it by printf"
)


def read(text: str) -> Reading:
    """Take a script apart."""
    reading = Reading(default_end="bsdinstall would reboot")
    parts = [part for part in re.split(r"(?m)^(?=#!)", text) if part]
    if parts and parts[0].startswith("#!"):
        reading.mistake(1, _NO_PREAMBLE)
    line = 1
    for part in parts[:2]:
        first = part.partition("\n")[0].rstrip()
        shell = not first.startswith("#!") or first.endswith("sh")
        if part.strip():
            language = "sh" if shell else ""
            reading.scripts.append(Script(line, part, language, system="freebsd"))
        line += part.count("\n")
    if len(parts) > 2:
        reading.mistake(line, _CUT)
    return reading
