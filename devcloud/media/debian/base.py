"""The base system that the installer copies: a Debian cloud image's, as a squashfs."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from devcloud import process
from devcloud.media.apt import ARCH, Apt
from devcloud.media.parts import Work
from devcloud.patience import APT_OPTIONS

HERE = Path(__file__).parent
SUITE = "trixie"
FILE = "filesystem.squashfs"
SOURCES = (HERE / "base.py", HERE / "customize.sh", HERE / "image")
PACKAGES = ("mmdebstrap", "squashfs-tools")
# Of all tries; one that hangs leaves time for another.
BOOTSTRAP_LIMIT_S = 1800
BOOTSTRAP_TRY_S = 1200

INCLUDE = (
    *("systemd-sysv", "systemd-resolved", "udev", "dbus", "libpam-systemd", "kmod"),
    *("linux-image-cloud-amd64", "initramfs-tools", "lz4", "zstd", "grub-pc"),
    *("cloud-init", "cloud-guest-utils", "openssh-server", "sudo", "python3"),
    *("e2fsprogs", "fdisk", "mount", "login", "passwd", "procps", "less", "apt-utils"),
    *("iproute2", "iputils-ping", "netbase", "ca-certificates", "tzdata"),
)
# mmdebstrap mounts /proc, /sys and more below the root that it fills. In name spaces
# of its own they go when it is killed, or when we are; else the next build would
# delete into them.
CONTAINED = (
    *("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork"),
    *("--kill-child", "--mount-proc"),
)
# Documentation and translations are most of the files, and the guest copies them
# one by one.
DROP = (
    *(f"/usr/share/{name}/*" for name in ("doc", "man", "info", "locale", "i18n")),
    *("/usr/share/lintian/*", "/usr/share/bug/*", "/usr/lib/udev/hwdb.d/*"),
)


def make(work: Work, out: Path) -> None:
    """mmdebstrap, then a squashfs that is quick to read rather than small."""
    apt = Apt(work.cache, SUITE, "main", work.log, work.patience)
    root = work.scratch / "base"
    packages = apt.home / "base"
    packages.mkdir(exist_ok=True)
    # The last try does without what is kept: that may be what is wrong.
    kept = iter([packages] * len(work.patience.pauses_s))
    work.patience.within(BOOTSTRAP_TRY_S, BOOTSTRAP_LIMIT_S).again(
        lambda limit: bootstrap(work, apt.source_line, root, next(kept, None), limit)
    )
    # live-installer copies extended attributes, and a squashfs without any makes it
    # log an error for each of its files.
    with contextlib.suppress(OSError):
        os.setxattr(root, "user.devcloud", b"base system")
    process.run(
        *("mksquashfs", root, out / FILE, "-comp", "lz4", "-Xhc", "-noappend"),
        *("-quiet", "-no-progress"),
        log=work.log,
    )
    kernel = next((root / "boot").glob("vmlinuz-*")).name
    work.versions["kernel"] = kernel.removeprefix("vmlinuz-")


def bootstrap(
    work: Work, source_line: str, root: Path, kept: Path | None, limit: float
) -> None:
    """Fill root anew, in so many seconds.

    Its packages are downloaded into ``kept``, which stays.
    """
    shutil.rmtree(root, ignore_errors=True)
    excludes = [f"--dpkgopt=path-exclude={path}" for path in DROP]
    archives = '"$1/var/cache/apt/archives"'
    mount = f"mkdir -p {archives} && mount --bind {kept} {archives}"
    # The mount is over before mmdebstrap empties the directory in its root.
    keep = ("--skip=essential/unlink", f"--setup-hook={mount}")
    let_go = (f"--customize-hook=umount {archives}",)
    process.run(
        *CONTAINED,
        *("mmdebstrap", "--variant=minbase", "--mode=root", "--format=directory"),
        *(f"--architectures={ARCH}", "--skip=output/dev", "--quiet"),
        *('--aptopt=APT::Install-Recommends "false"',),
        *('--aptopt=Acquire::Languages "none"', *proxy_option()),
        *(f'--aptopt={name} "{value}"' for name, value in APT_OPTIONS.items()),
        *excludes,
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        f"--include={','.join(INCLUDE)}",
        f'--essential-hook=cp -rT {HERE / "image"} "$1"',
        f'--customize-hook={HERE / "customize.sh"} "$1"',
        *((*keep, *let_go) if kept else ()),
        *(SUITE, root, source_line),
        log=work.log,
        seconds=limit,
    )


def proxy_option() -> list[str]:
    """The machine's own apt proxy; mmdebstrap does not read /etc/apt."""
    script = 'eval "$(apt-config shell proxy Acquire::http::Proxy)"; printf %s "$proxy"'
    proxy = process.run("sh", "-c", script).strip()
    return [f'--aptopt=Acquire::http::Proxy "{proxy}"'] if proxy else []
