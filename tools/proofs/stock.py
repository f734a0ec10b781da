"""Debian 13 by debootstrap, apt-setup and pkgsel, from a mirror as it is.

Needs a running devcloud. Everything but the installer's components, which are of a
tree of ours, comes from the machine's own mirror through the package proxy.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import openstack
from openstack.connection import Connection

from devcloud import login, settings
from devcloud.errors import DevcloudError
from devcloud.media.debian import stock
from osc_imagebuild.builder import Builder
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import ImageBuildError
from osc_imagebuild.guests.catalog import Catalog, default_directories
from osc_imagebuild.model.request import Request
from osc_imagebuild.v1.progress import Progress

NAME = "proof-stock"
# Without KVM, on a machine that has other things to do.
TIMEOUT_MIN = 300
STALL_MIN = 30
PACKAGE = "tree"
DEBIAN = f"http://{settings.GATEWAY}:{settings.PROXY_PORT}/debian"
# What must be so in the result: a command, and a line of its output.
CHECKS = (
    ("cloud-init status --wait", "status: done"),
    # apt-setup wrote these, and nobody has changed them.
    ("cat /etc/apt/sources.list", f"deb {DEBIAN} trixie main"),
    (
        "cat /etc/apt/sources.list",
        f"deb {DEBIAN}-security trixie-security main",
    ),
    (
        "cat /etc/apt/sources.list",
        f"deb {DEBIAN} trixie-updates main",
    ),
    # Of these debootstrap brings what has priority important.
    *(
        (f"dpkg-query -W -f '${{Status}}' {name}", "install ok installed")
        for name in (
            *("ifupdown", "linux-image-amd64", "grub-pc", "tasksel"),
            *("cloud-init", "cloud-guest-utils", "openssh-server", "sudo", PACKAGE),
        )
    ),
    # The sources are good, and signed by whom Debian's keys say.
    ("apt-get -q update && apt-get -q -y install hello && hello", "Hello, world!"),
)
FIGURES = (
    ("Debian", "cat /etc/debian_version"),
    ("kernel", "uname -r"),
    ("packages", "dpkg-query -f '.\\n' -W | wc -l"),
    ("disk used", "df -h --output=used / | tail -n 1"),
)


def main() -> int:
    """Run the proof; 0 where the image is what a stock installation makes."""
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(settings.CLOUDS)
    try:
        versions = stock.ensure(settings.HOME, print)
        print(f"installer {versions['netboot']}, its kernel {versions['kernel']}")
        cloud = openstack.connect(cloud="demo")
        with built(cloud, login.key_pair(settings.HOME / "demo")) as (build, key):
            show_times(build)
            return check(cloud, build, key)
    except (DevcloudError, ImageBuildError) as error:
        print(error, file=sys.stderr)
        return 1


@contextlib.contextmanager
def built(cloud: Connection, key: Path) -> Iterator[tuple[Record, Path]]:
    """An image that goes when it was looked at; a failed build goes at once.

    The console of the failed one stays in a file, as its error says.
    """
    progress = Progress()
    catalog = Catalog((*default_directories(), settings.CATALOG / "stock"))
    builder = Builder(cloud, listener=progress, catalog=catalog)
    request = Request(
        name=NAME,
        os="debian-13",
        packages=(PACKAGE,),
        ssh_public_keys=(key.with_suffix(".pub").read_text(),),
        timeout_min=TIMEOUT_MIN,
        stall_min=STALL_MIN,
    )
    plan = builder.plan(request)
    for line in (*plan.choices, *plan.warnings):
        progress.note(line)
    try:
        yield builder.start(plan), key
    finally:
        for build_id in progress.build_id:
            with contextlib.suppress(ImageBuildError):
                builder.delete(build_id, with_image=True)


def show_times(build: Record) -> None:
    """Print how long each step took."""
    ends = [at for _, at in build.steps[1:]] + [build.marks["complete"].at]
    for (step, began), ended in zip(build.steps, ends, strict=True):
        print(f"  {step:22} {ended - began:6.0f} s")
    print(f"  {'in all':22} {ends[-1] - build.steps[0][1]:6.0f} s", flush=True)


def check(cloud: Connection, build: Record, key: Path) -> int:
    """Boot a server of the image and look; the number of things that are wrong."""
    network = build.spec.network.networks[0]
    server = cloud.create_server(
        NAME,
        image=build.result_id,
        flavor=build.spec.hardware.flavor_id,
        network=network,
        wait=True,
        timeout=300,
    )
    try:
        address = next(iter(server.addresses.values()))[0]["addr"]
        ssh = login.ssh(cloud, network, address, key)
        for what, command in FIGURES:
            print(f"  {what:22} {login.run(ssh, command).strip()}")
        return sum(not _holds(ssh, *wanted) for wanted in CHECKS)
    except TimeoutError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        cloud.delete_server(server.id, wait=True, timeout=120)


def _holds(ssh: list[str], command: str, expected: str) -> bool:
    began = time.monotonic()
    try:
        output = login.run(ssh, command)
    except subprocess.CalledProcessError as error:
        output = f"{error.stdout}{error.stderr}"
    good = expected in (line.strip() for line in output.splitlines())
    verdict = "yes" if good else f"NO, but: {output.strip()}"
    seconds = time.monotonic() - began
    print(f"  {command!r} says {expected!r} ({seconds:.0f} s): {verdict}", flush=True)
    return good
