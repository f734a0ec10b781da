"""What the cloud can be beyond its default: `make devcloud WITH=name,name`.

A switch is an entry of `SWITCHES` and a directory of its name in `with/`. A file there is
a template like those in `etc/`: it is added to the one of the same name, where an option
that is given again counts for the last time, or is one more file. So what reads it is
restarted, and nothing else.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from devcloud import settings
from devcloud.errors import DevcloudError

DIRECTORY = Path(__file__).with_name("with")
CHOSEN = settings.STATE / "switches"  # those that the last `up` was given


@dataclasses.dataclass(frozen=True)
class Switch:
    """One difference from the default cloud."""

    name: str
    shows: str  # in a line, for who asks which there are
    needs: tuple[str, ...] = ()
    # Where it adds a service: what the catalogue calls it. The service's user, database
    # and port, and the file of its packages, have the name of the switch.
    catalogue: str = ""

    @property
    def files(self) -> Path:
        return DIRECTORY / self.name

    @property
    def lock_file(self) -> Path:
        """What it needs beyond the packages of the cloud, of the same release."""
        return settings.LOCK_FILE.with_name(f"{self.name}.{settings.LOCK_FILE.name}")


SWITCHES = (
    Switch(
        "barbican",
        "a key manager, which Nova, Cinder and Glance ask for certificates",
        catalogue="key-manager",
    ),
    Switch(
        "signed-only",
        "Nova boots no image without a valid signature",
        needs=("barbican",),
    ),
)


def on() -> tuple[Switch, ...]:
    """The switches that are asked for, and those that they need.

    :raises: DevcloudError where there is none of a name
    """
    known = {switch.name: switch for switch in SWITCHES}
    names = settings.WITH.replace(",", " ").split()
    if unknown := set(names) - set(known):
        lines = [f"  {switch.name:<14}{switch.shows}" for switch in SWITCHES]
        raise DevcloudError(
            f"there is no switch {', '.join(sorted(unknown))}; there are:\n"
            + "\n".join(lines)
        )
    for name in names:
        names += known[name].needs
    return tuple(switch for switch in SWITCHES if switch.name in names)


def off() -> tuple[Switch, ...]:
    """All others."""
    return tuple(switch for switch in SWITCHES if switch not in on())


def added() -> tuple[Switch, ...]:
    """Those that are on and add a service."""
    return tuple(switch for switch in on() if switch.catalogue)


def note() -> None:
    """Keep which are on, for who wants to come back to them."""
    CHOSEN.parent.mkdir(parents=True, exist_ok=True)
    CHOSEN.write_text(",".join(switch.name for switch in on()))


def noted() -> str:
    """Which were on when the cloud was last brought up, as `WITH` takes them."""
    return CHOSEN.read_text() if CHOSEN.exists() else ""
