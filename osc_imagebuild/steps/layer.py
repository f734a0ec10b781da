"""Judge an image that is changed: it boots, does as it is told, and goes off. Pure."""

from __future__ import annotations

import re

from osc_imagebuild.model.spec import Parent
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.verdict import (
    FAILED,
    NO_LIFE,
    RUNNING,
    STALLED,
    GuestView,
    Verdict,
    judge,
)

START = "start the image that is changed"
CHANGING = "changing the image"
# The first word of the user data, on the console.
SIGN = "IMAGEBUILD-LAYER"
# cloud-init runs user data at the end of a boot, mostly after the login prompt, and says
# much on the console until then.
UNHEARD_S = 300.0
# FreeBSD's has no name before it.
_LOGIN = re.compile(r"^(?:\S+ )?login:", re.M)


def judge_layer(signs: Signs, view: GuestView, parent: Parent) -> Verdict:
    """Return the verdict on the guest of ``parent``, of which ``view`` is all that is known.

    It is a system that boots, but one that must not be silent for ever, and that comes to
    its end.
    """
    verdict = judge(signs, view)
    if verdict.state != RUNNING:
        return verdict
    heard, last = SIGN in view.console, verdict.evidence
    if view.off:
        what = "its user data reported success" if heard else "it ran any user data"
        return Verdict(FAILED, f"the server went off before {what}", last)
    up = bool(_LOGIN.search(view.console))
    if up and not heard and view.quiet_s >= UNHEARD_S:
        return Verdict(
            FAILED,
            f"image {_named(parent)} does not run user data (cloud-init is missing or "
            "disabled in it, or got no metadata): it shows a login prompt and nothing "
            f"else for {view.quiet_s / 60:.0f} minutes",
            last,
        )
    if view.flat_s < view.stall_s:
        return verdict
    reason = NO_LIFE.format(view.flat_s / 60, ", ".join(view.signals))
    if not heard:
        reason += (
            f"; nothing on its console shows that image {_named(parent)} runs user data "
            "(cloud-init)"
        )
    return Verdict(STALLED, reason, last)


def late(seconds: int) -> str:
    """Return what a user is told where the time for the changes is over."""
    return (
        f"the image was not changed within {seconds // 60} minutes; give a longer "
        "--timeout where it was only slow"
    )


def _named(parent: Parent) -> str:
    return parent.name or parent.image_id
