"""Look whether what the guest is to download is there, as far as that is seen from here."""

from __future__ import annotations

from collections.abc import Iterator

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.guests import provision
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.media import http
from osc_imagebuild.media.backoff import retry_answered
from osc_imagebuild.media.door import Door
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.stage import Stage


def find_downloads(
    clock: Clock, request: Request, entry: Entry, door: Door
) -> Stage[None]:
    """Ask for each file that has a URL of its own, so that no build ends for lack of it."""
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    for wanted, url, advice in _files(request, entry):
        try:
            warnings += look_at(clock, door, url)
        except SpecError as error:
            problems += tuple(f"{wanted}: {line}{advice}" for line in error.problems)
    return Stage(warnings=warnings, problems=problems)


def _files(request: Request, entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Yield what each file is for, its URL, and what helps where it is gone."""
    for item in request.contents:
        if item.url:
            yield f"content {item.path!r:.60}", item.url, ""
    guide = provision.fetched_guide(entry, request)
    if guide and request.hardening:
        own = request.hardening.guide is not None
        advice = "" if own else "; name another one as customise.hardening.guide"
        yield f"the security guide for {entry.title}", guide.url, advice


def look_at(clock: Clock, door: Door, *urls: str) -> tuple[str, ...]:
    """Return warnings of what the guest is to fetch and this machine does not reach.

    :raises: SpecError where a server has it not
    """
    try:
        for url in urls:
            retry_answered(clock, http.check, url, door)
    except TransientError as error:
        return (f"not reachable from here, perhaps for guests: {error}",)
    return ()
