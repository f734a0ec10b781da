"""Gather what is known of a server for the verdict. Pure."""

from __future__ import annotations

from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import Role
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.monitors import (
    console_activity,
    diagnostics,
    metrics,
    signals,
    trouble,
)
from osc_imagebuild.monitors.console.verdict import GuestView


def cut_off(facts: Facts, role: str) -> bool:
    """Whether counters show that the server of ``role`` never had a network.

    No other evidence is good enough: a project cannot ask whether an answer file was
    fetched, and a console that is silent says nothing of the network.
    """
    seen = facts.signals.get(role, {})
    for name in (diagnostics.NAME, metrics.NAME):
        if name in seen:
            return bool(seen[name].value.cut_off)
    return False


def guest_view(spec: Spec, facts: Facts, role: str) -> GuestView:
    """Return what is known of the server of ``role``, which is there."""
    seen = facts.signals.get(role, {})
    return GuestView(
        console=facts.consoles.get(role, ""),
        boots=role == Role.VERIFY or bool(spec.media.parent),
        off=facts.servers[role].is_off,
        quiet_s=signals.since_s(seen, console_activity.NAME, facts.now),
        flat_s=signals.flat_s(seen, facts.now),
        trouble_s=signals.since_s(seen, trouble.NAME, facts.now),
        stall_s=spec.conduct.stall_s,
        signals=signals.names(seen),
    )
