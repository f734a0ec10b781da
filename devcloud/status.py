"""`status`: each daemon, whether it is up, and where it writes."""

from __future__ import annotations

from devcloud import services, settings, switches
from devcloud.daemon import Service, pid_of
from devcloud.errors import DevcloudError
from devcloud.media import outcome


def _word(service: Service) -> str:
    if pid_of(service) is None:
        return "down"
    return "up" if service.answers() else "no answer"


def status() -> None:
    """Print one line a daemon and one a part of the media; fail when a daemon is not up."""
    missing = 0
    added = (service for service in services.ADDED.values() if service.record.exists())
    wanted = (*services.ALL, *added)
    for service in wanted:
        word = _word(service)
        missing += word != "up"
        pid = pid_of(service) or "-"
        print(f"{service.name:<26}{word:<10} {pid!s:>8}  {service.log}")
    for part in outcome.NAMES:
        word, rest = outcome.line(part)
        print(f"{f'media for guests: {part}':<26}{word:<10} {rest}")
    if names := switches.noted():
        print(f"with {names}")
    if missing:
        raise DevcloudError(f"{missing} of {len(wanted)} services are not up")


def env() -> None:
    """Print what a shell needs to be a user of this cloud."""
    print(f"export OS_CLIENT_CONFIG_FILE={settings.CLOUDS}")
    print("export OS_CLOUD=demo")
    # What differs for the operating systems that can be installed here.
    catalogs = ":".join(map(str, settings.CATALOGS))
    print(f"export OSC_IMAGEBUILD_CATALOG={catalogs}")
