"""Press a key for an ISO whose boot loader asks for one. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.model.actions import Act, Decision, PressKey, SetMark, Wait
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import Milestone, Role
from osc_imagebuild.model.spec import Spec

# From the start of a server to the end of the five seconds in which Windows' CD waits.
# Later on a key might be taken by what runs then.
WINDOW_S = 60.0
LOOK_S = 1.0
TOO_LATE = "too late"


def was_missed(facts: Facts) -> bool:
    """Whether nobody is known to have pressed a key in time.

    A client that was suspended, or died, may have missed it: another start may not.
    """
    mark = facts.marks.get(Milestone.KEY)
    return mark is not None and mark.data.get("trouble") == TOO_LATE


@dataclass(frozen=True)
class EnsureKey:
    """Press a key while the boot loader may ask for one, if that is possible."""

    name: str = "press-key"
    sees: frozenset[str] = frozenset({"server:install"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return Milestone.KEY in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """As soon as the server runs; where it is gone others say so."""
        server = facts.servers.get(Role.INSTALL)
        if server is not None and server.status == "BUILD":
            return Wait("Nova starts the server", LOOK_S)
        if server is None or server.status != "ACTIVE":
            return Act(
                SetMark(Milestone.KEY, {"trouble": "no server"}), "the server is not up"
            )
        until = (server.launched_at or facts.now) + WINDOW_S
        if facts.now >= until:
            return Act(
                SetMark(Milestone.KEY, {"trouble": TOO_LATE}), "it runs for long"
            )
        return Act(PressKey(server.id, until), "its CD may ask for a key")
