"""The library: create builds, drive them, look at them, copy what they made, remove them."""

from __future__ import annotations

from osc_imagebuild.builder.checking import Checking
from osc_imagebuild.builder.keeping import Keeping
from osc_imagebuild.builder.removing import Removing
from osc_imagebuild.builder.reporting import Reporting
from osc_imagebuild.builder.testing import Testing


class Builder(Checking, Keeping, Removing, Reporting, Testing):
    """Builds images in the project that ``connection`` is for.

    ``listener`` is called with an `Event` for each step and each look; ``on_console``,
    if given, with a build's ID, a server's role and its console, at each look.
    ``allowed_networks`` are such as 10.0.0.0/8, whose web servers records may name too,
    ``allowed_files`` ISOs of this machine that they may name. ``connect`` logs in to other
    clouds, to accept what is shared with their projects: by clouds.yaml, by default.
    """
