"""What is known of a server at the moment, as the verdict needs it. Pure."""

from __future__ import annotations

from osc_imagebuild.model import Facts, Spec
from osc_imagebuild.monitors import console, signals
from osc_imagebuild.monitors.verdict import Look


def look(spec: Spec, facts: Facts, role: str) -> Look:
    """Return what is known of the server of ``role``, which is there."""
    seen = facts.signals.get(role, {})
    return Look(
        console=facts.consoles.get(role, ""),
        boots=role == "verify",
        off=facts.servers[role].is_off,
        quiet_s=signals.since_s(seen, console.NAME, facts.now),
        flat_s=signals.flat_s(seen, facts.now),
        trouble_s=signals.since_s(seen, signals.TROUBLE, facts.now),
        stall_s=spec.stall_s,
        signals=signals.names(seen),
    )
