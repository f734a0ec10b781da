"""Build Debian with its real installer on the devcloud, boot it, and log in.

Shows what a build costs: time by step, bytes through the client, API calls.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import openstack

from devcloud import settings
from osc_imagebuild.builder import Builder
from osc_imagebuild.catalog import Catalog, default_directories
from osc_imagebuild.errors import ImageBuildError
from osc_imagebuild.model import Request
from osc_imagebuild.record import Record
from osc_imagebuild.v1.progress import Progress

NAME = "debian-13"
LOGIN_LIMIT_S = 900


def main() -> int:
    """Run the demo; 0 where the image was built, booted and logged in to."""
    key = _key_pair()
    connection = openstack.connect(cloud="demo")
    progress = Progress()
    catalog = Catalog((*default_directories(), settings.CATALOG))
    builder = Builder(connection, listener=progress, catalog=catalog)
    request = Request(
        name=NAME, os="debian-13", ssh_public_key=key.with_suffix(".pub").read_text()
    )
    try:
        plan = builder.plan(request)
        for line in (*plan.choices, *plan.warnings):
            progress.note(line)
        build = builder.start(plan)
    except ImageBuildError as error:
        progress.end()
        print(error, file=sys.stderr)
        return 1
    progress.end()
    _show_cost(builder, build)
    return _log_in(connection, build, key)


def _key_pair() -> Path:
    """Return the demo's private key, made once."""
    key = settings.HOME / "demo" / "id_ed25519"
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "demo", "-f"]
        subprocess.run([*command, str(key)], check=True)
    return key


def _show_cost(builder: Builder, build: Record) -> None:
    image = builder.api.get("image", f"/images/{build.result_id}")
    print(f"\nimage {build.spec.name} ({build.result_id})")
    print(
        f"  {image['size'] / 2**20:.0f} MiB of {image['disk_format']}, "
        f"virtual size {image['virtual_size'] / 2**30:.0f} GiB"
    )
    for key in sorted(build.spec.result_properties):
        print(f"  {key} = {build.spec.result_properties[key]}")
    print("time by step:")
    ends = [at for _, at in build.steps[1:]] + [build.marks["complete"].at]
    for (step, began), ended in zip(build.steps, ends, strict=True):
        print(f"  {step:22} {ended - began:6.0f} s")
    print(f"  {'in all':22} {ends[-1] - build.steps[0][1]:6.0f} s")
    calls = builder.api.calls
    print(f"bytes through the client: {builder.api.bytes_sent / 2**20:.1f} MiB")
    print(f"API calls: {calls.total()}")
    for kind, count in sorted(calls.items()):
        print(f"  {kind:22} {count:6}")


def _log_in(
    connection: openstack.connection.Connection, build: Record, key: Path
) -> int:
    """Boot a server of the image as anybody would, and run a command in it."""
    print("\nbooting a server of the image to log in:", flush=True)
    began = time.monotonic()
    server = connection.create_server(
        "debian-13-demo",
        image=build.result_id,
        flavor=build.spec.flavor_id,
        network=build.spec.networks[0],
        wait=True,
        timeout=300,
    )
    try:
        address = next(iter(server.addresses.values()))[0]["addr"]
        ssh = [*_in_router(connection, build), "ssh", "-i", str(key)]
        for option in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"):
            ssh += ["-o", option]
        ssh += ["-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10", f"root@{address}"]
        command = (
            "cat /etc/debian_version; uname -r; cloud-init status; df -h / | tail -1"
        )
        done = _until(lambda: subprocess.run([*ssh, command]).returncode == 0)
        if not done:
            print(f"no login within {LOGIN_LIMIT_S} s", file=sys.stderr)
            return 1
    finally:
        connection.delete_server(server.id, wait=True, timeout=120)
    print(f"logged in {time.monotonic() - began:.0f} s after the server was ordered")
    print("\nto do the same by hand, boot a server of the image and log in with:")
    print("  " + " ".join(ssh))
    return 0


def _in_router(connection: openstack.connection.Connection, build: Record) -> list[str]:
    """How this machine reaches a tenant network: from inside its router."""
    ports = connection.network.ports(
        network_id=build.spec.networks[0], device_owner="network:router_interface"
    )
    return ["ip", "netns", "exec", f"qrouter-{next(ports).device_id}"]


def _until(attempt: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LOGIN_LIMIT_S
    while time.monotonic() < deadline:
        if attempt():
            return True
        time.sleep(5)
    return False


if __name__ == "__main__":
    sys.exit(main())
