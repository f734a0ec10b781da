"""A tree whose installer takes all but its own components from the mirror.

It runs debootstrap, apt-setup and pkgsel, as on any machine. `make devcloud` does not
make it; `make stock` does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from devcloud.apt_sources import stanzas
from devcloud.media import Media, parts
from devcloud.media.apt import Apt, components
from devcloud.media.debian import base, build, netboot
from devcloud.media.debian.udebs import WANTED, Collector
from devcloud.media.parts import Work
from devcloud.patience import Patience

HERE = Path(__file__).parent
NAME = "debian-stock"
SOURCES = (HERE, HERE.parent / "apt.py", HERE.parent / "parts.py")
LIVE = ("live-installer", "attr-udeb", "libattr1-udeb")
STOCK = (
    *("bootstrap-base", "debootstrap-udeb", "apt-setup-udeb", "apt-mirror-setup"),
    *("pkgsel", "rdate-udeb", "dosfstools-udeb"),
)
DEVIATIONS = (
    "The installer's components come from an unsigned suite of their own "
    "(trixie-devcloud); a stock installation checks signatures.",
    "Of the components only those are there that an installation onto one disk needs.",
)


class StockCollector(Collector):
    """Components for an installation by debootstrap."""

    wanted = tuple(name for name in (*WANTED, *STOCK) if name not in LIVE)


def ensure(home: Path, say: Callable[[str], None]) -> dict[str, str]:
    """Make the tree below home/media unless it is there; return its versions.

    :raises: DevcloudError
    """
    media, target = Media(home, say), home / "media" / NAME
    with parts.locked(media.cache):
        work = media.work("scratch", Patience())
        parts.ensure(target, parts.fingerprint(SOURCES, ()), make, work)
    stamp = json.loads((target / parts.STAMP).read_text())
    return dict(stamp["versions"])


def make(work: Work, out: Path) -> None:
    """The installer, its components, and the mirror's own Release."""
    packages = Apt(work.cache, base.SUITE, "main", work.log, work.patience)
    packages.update()
    installer = netboot.unpack(packages, work.scratch)
    installer.copy(out / "dists" / base.SUITE / build.IMAGES)
    udebs = components(work.cache, base.SUITE, work.log, work.patience, work.say)
    collector = StockCollector(
        packages, udebs, installer.kernel, work.scratch / "udebs", work.say
    )
    collector.fetch(installer.builtin)
    build.lay_out(out, collector.collect(installer.builtin), installer.builtin)
    as_on_mirrors(out / "dists", release(packages))
    lines = (*DEVIATIONS, *collector.notes())
    (out / "DEVIATIONS.txt").write_text("".join(f"{line}\n" for line in lines))
    work.versions.update(kernel=installer.kernel, netboot=installer.version)


def as_on_mirrors(dists: Path, text: str) -> None:
    """Put the mirror's Release into its code name's directory, and link to that.

    choose-mirror looks for `stable` and the like, and learns from them that trixie is
    stable; else apt-setup would leave out the updates.
    Source: choose-mirror, choose-mirror.c, find_releases and choose_suite; apt-setup,
    generators/90services-select
    """
    (dists / base.SUITE / "Release").write_text(text)
    for fields in stanzas(text):
        if (name := fields.get("suite", base.SUITE)) != base.SUITE:
            (dists / name).symlink_to(base.SUITE)


def release(packages: Apt) -> str:
    """The mirror's own Release without its signature."""
    [file] = (packages.home / "lists").glob("*_InRelease")
    signed = file.read_text().partition("\n\n")[2]
    return signed.partition("-----BEGIN PGP SIGNATURE-----")[0]
