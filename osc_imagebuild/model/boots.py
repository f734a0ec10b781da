"""Boots of a result beside the first one: on which flavor, network and firmware.

Standard library only.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

# Of all combinations that are asked for; each is a server of its own.
MOST = 12
FIRMWARES = ("bios", "uefi")
# A flavor's name and a network's together; each has 255 characters at most.
_LONGEST_TITLE = 600


@dataclass(frozen=True, kw_only=True)
class Boot:
    """One more boot of the result; '' stands for what the first one has.

    ``config_drive`` is whether servers on its network need one.
    """

    flavor_id: str = ""
    flavor_name: str = ""
    network_id: str = ""
    network_name: str = ""
    config_drive: bool = False
    firmware: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """What Nova knows its flavor and its network by."""
        return tuple(filter(None, (self.flavor_id, self.network_id)))

    @property
    def title(self) -> str:
        """Which combination it is, in words, such as 'flavor m1.small, firmware uefi'."""
        parts = (
            ("flavor", self.flavor_name or self.flavor_id),
            ("network", self.network_name or self.network_id),
            ("firmware", self.firmware),
        )
        return ", ".join(f"{what} {value}" for what, value in parts if value)


# As the first one is.
FIRST = Boot()


def combinations(
    flavors: Sequence[Boot], networks: Sequence[Boot], firmware: Sequence[str]
) -> tuple[Boot, ...]:
    """Return each of ``flavors`` on each of ``networks`` with each ``firmware``.

    Of a list that is empty each has what the first boot has.
    """
    return tuple(
        dataclasses.replace(
            flavor,
            network_id=network.network_id,
            network_name=network.network_name,
            config_drive=network.config_drive,
            firmware=kind,
        )
        for flavor, network, kind in itertools.product(
            flavors or (FIRST,), networks or (FIRST,), firmware or ("",)
        )
    )


def wrong(boots: Sequence[Boot]) -> str:
    """Return what is wrong with boots as a record keeps them, '' for nothing."""
    if len(boots) > MOST:
        return f"its result is to be booted again {len(boots)} times"
    for boot in boots:
        if boot.firmware not in ("", *FIRMWARES):
            return f"no server has the firmware {boot.firmware!r:.60}"
        if not boot.title.isprintable() or len(boot.title) > _LONGEST_TITLE:
            return f"no boot is on {boot.title!r:.60}"
    return ""


def problems(
    flavors: Sequence[str], networks: Sequence[str], firmware: Sequence[str]
) -> list[str]:
    """Return what is wrong with the lists as the user gives them."""
    found = [
        f"verify.firmware takes {' and '.join(FIRMWARES)}, not {word!r:.60}"
        for word in firmware
        if word not in FIRMWARES
    ]
    found += [
        f"verify.{what} has an empty name"
        for what, names in (("flavors", flavors), ("networks", networks))
        if not all(names)
    ]
    many = 1
    for names in (flavors, networks, firmware):
        many *= max(1, len(dict.fromkeys(names)))
    if many > MOST:
        found.append(
            f"verify.flavors, networks and firmware are {many} combinations, and each is a "
            f"boot of its own: there can be {MOST}"
        )
    return found
