"""Clean up after a failed build, and say why it failed and what to do next."""

from __future__ import annotations

import contextlib

from osc_imagebuild import outputs
from osc_imagebuild.builds import record
from osc_imagebuild.builds.teardown import teardown
from osc_imagebuild.cloud import picture_files, remote_console, servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.engine import retry_points
from osc_imagebuild.errors import (
    CloudError,
    Evidence,
    InstallError,
    Message,
    NextStep,
    ScreenError,
    TransientError,
    Verb,
)
from osc_imagebuild.model.names import Role
from osc_imagebuild.model.resources import Server


def gather_evidence(api: Api, role: str, server: Server | None, seen: str) -> Evidence:
    """Return what still shows why, before the server is removed.

    Nothing of it must keep a failed build from ending: what cannot be had is
    left out.
    """
    if server is None:
        return Evidence(role or Role.INSTALL, console=seen)
    text, picture, url = "", b"", ""
    with contextlib.suppress(CloudError):
        text = servers.console(api, server.id, servers.WHOLE_CONSOLE) or ""
    try:
        if server.status == "ACTIVE" and not server.is_off:
            url = servers.screen_url(api, server.id) or ""
            picture = (
                picture_files.png(remote_console.picture(api, server.id))
                if url
                else b""
            )
    except (CloudError, ScreenError):
        pass  # the failure itself is what the user must hear of
    return Evidence(role, server.id, text or seen, picture, url)


def _clean(api: Api, build: record.Record) -> None:
    """Remove what a failed build need not keep.

    A result that did not boot stays hidden, tagged, for inspection.
    """
    if build.spec.conduct.keep_on_failure:
        return
    teardown(api, build.id, keep=build.made)


def end_failed(
    api: Api, build: record.Record, evidence: Evidence | None = None
) -> InstallError:
    """Clean up after a failed build; return why it failed, and what to do next.

    :raises: TransientError where it had better be tried again
    """
    remains = ""
    try:
        _clean(api, build)
    except TransientError:
        raise
    except CloudError as error:
        # Why the build failed must not go under in why its server stays.
        remains = Message("not all that it made could be removed: ", error.message)
    return _failure(build, evidence, remains, _points(api, build))


def _points(api: Api, build: record.Record) -> tuple[str, ...]:
    """Where the build can be tried again from, as far as can be seen."""
    try:
        return retry_points.points(api, build)
    except CloudError:
        return (retry_points.INSTALL,)


def _failure(
    build: record.Record,
    evidence: Evidence | None,
    remains: str,
    points: tuple[str, ...],
) -> InstallError:
    details: list[str] = []
    next_steps = [_next_steps(build, points)]
    if build.evidence and build.evidence not in build.reason:
        details.append(f"the console shows: {build.evidence}")
    if build.spec.conduct.keep_on_failure:
        seen = evidence or Evidence()
        server = seen.server_id or f"imagebuild-{build.id}-{seen.role}"
        details += _kept(server, seen)
        next_steps.insert(0, _look_again(build, server))
    elif build.made and retry_points.VERIFY in points:
        output = outputs.find(build.spec.result.output)
        hidden = "hidden " if output and output.is_hidden else ""
        details.append(
            f"the {build.spec.result.output} that did not pass stays {hidden}for "
            f"inspection: {build.made[0]}"
        )
    return InstallError(
        f"build {build.id} failed in step {build.step}: {build.reason}",
        details=Message.lines((*details, remains)),
        resolution=Message.lines(next_steps),
        build_id=build.id,
        step=build.step,
        console_tail=build.console_tail,
        evidence=evidence,
    )


def _next_steps(build: record.Record, points: tuple[str, ...]) -> Message:
    """How to go on with a failed build, or to get rid of it."""
    return Message(
        f"try again, from {' or '.join(points)} on, with: ",
        NextStep(Verb.RETRY, build.id),
        "; see its console with: ",
        NextStep(Verb.LOG, build.id),
        "; remove it with: ",
        NextStep(Verb.DELETE, build.id),
    )


def _kept(server: str, evidence: Evidence) -> list[str]:
    """What was kept of a failed build, and where its screen is to be seen."""
    lines = [f"its resources were kept; the server is {server}"]
    if evidence.screen_url:
        lines.append(f"look at its screen, for some minutes: {evidence.screen_url}")
    return lines


def _look_again(build: record.Record, server: str) -> Message:
    """How to see the screen of a server that was kept."""
    return Message(
        f"its screen again with: openstack console url show --novnc {server}; "
        "a picture of it with: ",
        NextStep(Verb.SCREENSHOT, build.id),
    )
