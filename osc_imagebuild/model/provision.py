"""What configures a system once it is installed: a playbook, a hardening profile.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# Stands for a secret where that is shown.
HIDDEN = "(secret)"


@dataclass(frozen=True, kw_only=True)
class TreeFile:
    """A file of a directory that goes to the guest; ``path`` is relative to it."""

    path: str
    content: bytes = field(repr=False)
    executable: bool = False


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Bytes that the guest needs while it is configured, and the path that they go to."""

    path: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Ansible:
    """A playbook that runs in the guest.

    ``playbook`` and ``requirements`` are paths in ``tree``. ``variables`` are what JSON
    takes; those of its texts that are in ``secrets`` are shown to nobody. ``version`` is of
    ansible-core, which pip then installs from ``pip_index``; '' is the one of the system's
    packages, and pip's own index.
    """

    playbook: str
    tree: tuple[TreeFile, ...] = field(default=(), repr=False)
    requirements: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    extra_args: tuple[str, ...] = ()
    version: str = ""
    pip_index: str = ""

    def hidden(self) -> Ansible:
        """Return the same with other words for its secrets, to be shown and not to be run."""
        variables = {n: self._hidden(value) for n, value in self.variables.items()}
        return replace(self, variables=variables, secrets=())

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._hidden(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._hidden(item) for item in value]
        return HIDDEN if isinstance(value, str) and value in self.secrets else value


@dataclass(frozen=True, kw_only=True)
class Guide:
    """A guide of OpenSCAP's that the guest fetches: a data stream, or what has it in it."""

    url: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Hardening:
    """A profile of the distribution's security guide that is applied at the end.

    ``guide`` takes the place of the distribution's own, ``tailoring`` is a tailoring file
    of XCCDF's. The build fails where the score, 0 to 100, is below ``min_score``.
    """

    profile: str
    tailoring: str = ""
    guide: Guide | None = None
    min_score: int = 0
