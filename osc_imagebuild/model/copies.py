"""Where a result is copied to. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Names of clouds and regions, which keep out of each other's way in 'cloud/region'.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@:+ -]{0,126}[A-Za-z0-9_.+-]|[A-Za-z0-9_]")
# Stores are sections of Glance's configuration.
STORE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,126}")
MOST_COPIES, MOST_STORES = 16, 32


@dataclass(frozen=True)
class Copy:
    """A copy of the image in another cloud, or region, of clouds.yaml.

    With ``verify`` a server boots from it there before it gets the image's name: with
    this flavor, on these networks, which are IDs of that cloud, '' and () until they are
    chosen.
    """

    cloud: str
    region: str = ""
    verify: bool = False
    flavor_id: str = ""
    networks: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The cloud's name as users write it: 'cloud' or 'cloud/region'."""
        return f"{self.cloud}/{self.region}" if self.region else self.cloud


def parse(target: str, *, verify: bool = False) -> Copy:
    """Return the copy that 'cloud' or 'cloud/region' asks for."""
    cloud, _, region = target.partition("/")
    return Copy(cloud, region, verify)


def problem(copy: Copy) -> str:
    """Return what is wrong with the names in a copy, '' where nothing is."""
    for what, name in (("cloud", copy.cloud), ("region", copy.region or "-")):
        if not NAME.fullmatch(name) and name != "-":
            return f"no {what} is named {name!r:.60}"
    return ""
