"""Tell whether an installer began a second time because the server restarted. Pure.

Many installers say their first words more than once in one run: a client prints what
it missed, a service is started again. So the words alone prove nothing; the kernel
or the firmware must have started again as well.
"""

from __future__ import annotations

import itertools

from osc_imagebuild.monitors.console.scan import COMMAND_LINE, KERNEL, Scan
from osc_imagebuild.monitors.console.text import Found, Spot, quote

AGAIN = (
    "the installer started a second time: the server reboots instead of powering off; "
    "correct the end of the answer file, or see above on the console why it crashed: "
    "{line}"
)


def loop(scan: Scan) -> Found | None:
    """Return the installer's begin after a restart, None where it began once."""
    restarts = [spot.start for sign in scan.signs.restarts for spot in scan.spots(sign)]
    kernels = _kernels(scan)

    def between(places: list[int], first: Spot, second: Spot) -> bool:
        return any(first.end <= place < second.start for place in places)

    for banner in scan.signs.banners:
        for first, second in itertools.pairwise(scan.spots(banner)):
            if between(restarts + kernels, first, second):
                return quote(AGAIN, second, scan.text)
    for first, second in itertools.pairwise(scan.spots(COMMAND_LINE)):
        # What dmesg prints again has the very same times.
        anew = scan.shown(first) != scan.shown(second)
        if first.words == second.words and (
            between(restarts, first, second)
            or (anew and between(kernels, first, second))
        ):
            return quote(AGAIN, second, scan.text)
    return None


def _kernels(scan: Scan) -> list[int]:
    """Where a kernel began: not where its words are only printed again.

    Its own line has its time, /proc/version has none, the journal another name; and
    what dmesg prints again goes on with the very same line of the command.
    """
    lines = {scan.text.line(s.start): scan.shown(s) for s in scan.spots(COMMAND_LINE)}
    seen: set[str] = set()
    starts = []
    for spot in scan.spots(KERNEL):
        number = scan.text.line(spot.start)
        after = next((n for n in lines if number < n <= number + 5), None)
        again = after is not None and lines[after] in seen
        if after is not None:
            seen.add(lines[after])
        own = scan.text.starts[number] == spot.start and scan.shown(spot)[0] == "["
        if own and not again:
            starts.append(spot.start)
    return starts
