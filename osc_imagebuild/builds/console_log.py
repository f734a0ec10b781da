"""Read and follow the console of a build's server."""

from __future__ import annotations

from collections.abc import Iterator

from osc_imagebuild.builds import record_store
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import picture_files, remote_console, servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import Message, NextStep, RecordError, ScreenError, Verb
from osc_imagebuild.model.names import build_tag
from osc_imagebuild.model.resources import Server
from osc_imagebuild.monitors.console import clean
from osc_imagebuild.monitors.console.window import added

FOLLOW_S = 10.0


def running(api: Api, build: Record) -> Server | None:
    """Return the build's server, the newest where there are two.

    :raises: CloudError
    """
    listed = servers.tagged(api, build_tag(build.id))
    return listed[-1] if listed else None


def shown(text: str, lines: int | None, *, raw: bool) -> str:
    """Return the last ``lines`` of a console, all where None, ending in a newline."""
    if not raw:
        text = clean.tail(text, lines or servers.WHOLE_CONSOLE)
    elif lines is not None:
        text = "".join(text.splitlines(keepends=True)[-lines:])
    return text if text.endswith("\n") or not text else f"{text}\n"


def read(api: Api, build: Record) -> str:
    """Return the whole console, '' where there is none to read.

    :raises: CloudError
    """
    server = running(api, build)
    if server is None:
        return ""
    return servers.console(api, server.id, servers.WHOLE_CONSOLE) or ""


def follow(api: Api, build: Record, lines: int | None, *, raw: bool) -> Iterator[str]:
    """Yield what the console says, from its last ``lines`` on, until the build ends.

    No line is left out or comes twice as long as less than the window that Nova
    keeps is written between two looks.

    :raises: CloudError, RecordError where the build is deleted meanwhile
    """
    seen, rest, server_id = "", "", ""
    has_shown = False
    while True:
        server = running(api, build)
        text = server and servers.console(api, server.id, servers.WHOLE_CONSOLE)
        if server and text:
            if server.id != server_id:
                seen, server_id = "", server.id
            new = added(seen, text) if seen else text
            seen = text
            if not has_shown:
                new, has_shown = shown(new, lines, raw=True) if lines else new, True
            whole, rest = _whole_lines(rest + new, raw=raw)
            yield whole
        if record_store.load(api, build.id).is_over:
            break
        api.clock.sleep(FOLLOW_S)
    if rest:
        yield shown(rest, None, raw=raw)
    if not has_shown:
        yield shown(record_store.load(api, build.id).console_tail, lines, raw=raw)


def _whole_lines(text: str, *, raw: bool) -> tuple[str, str]:
    """Split off the line that is still being written."""
    if raw:
        return text, ""
    whole, _, rest = text.rpartition("\n")
    return shown(whole, None, raw=False), rest


def screenshot(api: Api, build: Record) -> bytes:
    """Return a PNG file of the screen of the build's server.

    :raises: ScreenError, RecordError where it has no server, CloudError
    """
    server = running(api, build)
    if server is None:
        raise RecordError(
            f"build {build.id} has no server any more",
            resolution="a build that is created with --keep-on-failure keeps it",
            build_id=build.id,
            step=build.step,
        )
    if server.is_off or server.status != "ACTIVE":
        raise ScreenError(
            f"the server is {server.status}, and shows nothing",
            resolution=Message("see its console with: ", NextStep(Verb.LOG, build.id)),
            build_id=build.id,
            step=build.step,
        )
    return picture_files.png(remote_console.picture(api, server.id))
