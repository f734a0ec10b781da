"""nova-compute, with what this machine needs of it otherwise."""

from __future__ import annotations

import sys

# The command first: it sets up its threads before anything else is imported.
from nova.cmd import compute  # type: ignore[import-not-found]

from devcloud.agent import brick, firmware, taps

if __name__ == "__main__":
    for changed in (brick, firmware, taps):
        changed.install()
    sys.argv[0] = "nova-compute"
    compute.main()
