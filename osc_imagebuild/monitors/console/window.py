"""Find what is new in a console log, of which Nova keeps only the end. Pure.

Source: nova.virt.libvirt reads the last 100 KiB of a console
(MAX_CONSOLE_BYTES), other drivers as much or less.
"""

from __future__ import annotations

LOST = "\n[... some output was not seen ...]\n"


def added(old: str, new: str) -> str:
    """Return what window ``new`` has beyond what ``old`` ended with.

    Of several ways to join them the one with the longest overlap. Where they do
    not overlap, all of ``new`` behind a line that says so.
    """
    if new.startswith(old):
        return new[len(old) :]
    # The first line may be cut, in the middle of a character even.
    start = new.find("\n") + 1
    first = new[start : new.find("\n", start) + 1] or new[start:]
    at = old.find(first) if first else -1
    while at >= 0:
        common = len(old) - at
        if new.startswith(old[at:], start):
            return new[start + common :]
        at = old.find(first, at + 1)
    return LOST + new if new and not old.endswith(new) else ""
