"""Whether sweeps try all that they can, which takes longer: make proof NAME=sweeps."""

import os

VARIABLE = "IMAGEBUILD_WHOLE_SWEEPS"
WANTED = os.environ.get(VARIABLE) == "1"
