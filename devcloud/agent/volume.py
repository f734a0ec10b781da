"""cinder-volume, which leaves /etc of the machine alone."""

from __future__ import annotations

import sys

# The command first: it sets up its threads before anything else is imported.
from cinder.cmd import volume  # type: ignore[import-not-found]

from devcloud.agent import brick

if __name__ == "__main__":
    brick.install()
    sys.argv[0] = "cinder-volume"
    volume.main()
