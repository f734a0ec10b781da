"""Debian packages, and the one virtual environment with everything OpenStack."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from devcloud import settings, switches
from devcloud.errors import CommandError, DevcloudError
from devcloud.patience import Patience, apt_options, why
from devcloud.process import run

APT = """
qemu-system-x86 qemu-utils libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system
libvirt-clients libvirt-dev mariadb-server rabbitmq-server memcached openvswitch-switch
dnsmasq-base dnsmasq-utils haproxy ipset conntrack iputils-arping iptables nftables ebtables
apt-cacher-ng novnc pkg-config gcc python3-dev python3-venv libffi-dev libssl-dev iproute2
iputils-ping ethtool nfs-common procps
busybox-static extlinux syslinux-common isolinux cpio e2fsprogs xorriso mmdebstrap
squashfs-tools ipxe xz-utils genisoimage ovmf grub-common grub-efi-amd64-bin mtools
""".split()
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# made by devcloud while it installs packages\nexit 101\n"
VENV_STAMP = settings.VENV / "devcloud-stamp"
PIP_LOG = settings.LOG / "pip.log"


def missing() -> list[str]:
    """The packages that are not installed."""
    # `|| true`: dpkg-query fails when one of them is unknown, and still names the others.
    script = "dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' \"$@\" 2>/dev/null || true"
    lines = run("sh", "-c", script, "sh", *APT).splitlines()
    installed = {line.split()[-1] for line in lines if line.startswith("ii")}
    return [name for name in APT if name not in installed]


def install() -> None:
    """Install what is missing; none of the packages' own daemons is started.

    :raises: DevcloudError with what apt says, also of lists that it could not renew
    """
    wanted = missing()
    if not wanted:
        return
    log = settings.LOG / "apt.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    stale = _update(log)
    # Another apt may hold dpkg's lock for a while.
    lock = ("-o", "DPkg::Lock::Timeout=300")
    options = ("-y", "-q", "--no-install-recommends", *apt_options(), *lock)
    get = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", *options)
    try:
        # Downloads apart from the rest: they can be broken off and gone on with.
        Patience(try_s=600).run(*get, "--download-only", *wanted, log=log)
        with _no_daemons():
            run(*get, *wanted, log=log, seconds=1800)
    except DevcloudError as exc:
        lists = f"\nbefore that, apt-get update failed: {stale}" if stale else ""
        raise DevcloudError(
            f"the packages of the cloud could not be installed: {why(exc)}{lists}\n"
            f"All of it: {log}. Mend it until `apt-get update` ends without an error, "
            "and run this again: what was downloaded is kept"
        ) from exc


def _update(log: Path) -> str:
    """Renew apt's lists; what of them could not be, which may not matter.

    A machine may have sources that have nothing to do with us, or be off the network
    with all packages in its cache.
    """
    # Without it, apt calls it a success when it keeps old lists, or has none.
    strict = ("-o", "APT::Update::Error-Mode=any")
    try:
        Patience().run("apt-get", "update", "-q", *apt_options(), *strict, log=log)
    except DevcloudError as exc:
        return why(exc)
    return ""


@contextlib.contextmanager
def _no_daemons() -> Iterator[None]:
    """A policy that keeps packages from starting their daemons, unless there is one already."""
    ours = not POLICY.exists() or POLICY.read_text() == POLICY_TEXT
    if ours:
        POLICY.write_text(POLICY_TEXT)
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)


def environment() -> None:
    """Make the virtual environment what the lock file says, and nothing else."""
    wanted = hashlib.sha256(settings.LOCK_FILE.read_bytes()).hexdigest()
    if VENV_STAMP.exists() and VENV_STAMP.read_text() == wanted:
        return
    PIP_LOG.parent.mkdir(parents=True, exist_ok=True)
    # Cleared: what another lock file put there must not be found.
    run("/usr/bin/python3", "-m", "venv", "--clear", settings.VENV, log=PIP_LOG)
    _install(settings.LOCK_FILE)
    VENV_STAMP.write_text(wanted)


def stamp(switch: str) -> Path:
    """What tells that a switch's own packages are there, and which."""
    return settings.VENV / f"devcloud-stamp-{switch}"


def more() -> None:
    """Add what the services of switches need; it stays when they are off again."""
    for switch in switches.added():
        if not switch.lock_file.exists():
            raise DevcloudError(
                f"{switch.name} has no versions for this cloud: {switch.lock_file} is missing"
            )
        wanted, there = switch.lock_file.read_text(), stamp(switch.name)
        if not there.exists() or there.read_text() != wanted:
            _install(switch.lock_file)
            there.write_text(wanted)


def _install(lock_file: Path) -> None:
    # pip keeps what it fetched in a cache of its own.
    network = ("--retries", "5", "--timeout", "30")
    pip = (settings.VENV / "bin/pip", "install", "--quiet", "--no-deps", *network)
    try:
        Patience(try_s=900).run(*pip, "-r", lock_file, log=PIP_LOG)
    except CommandError as exc:
        lines = [line for line in exc.output.splitlines() if line.startswith("ERROR")]
        raise DevcloudError(
            f"pip could not install what {lock_file} names: "
            f"{' '.join(lines) or why(exc)}\nAll of it: {PIP_LOG}. Run this again when the "
            "package index answers: what was downloaded is kept"
        ) from exc
