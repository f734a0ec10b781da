"""Build Debian with its real installer on the devcloud, boot it, and log in.

Shows what a build costs: time by step, bytes through the client, API calls.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import openstack
from openstack.connection import Connection

from devcloud import login, settings
from devcloud.media import outcome
from osc_imagebuild.builder import Builder
from osc_imagebuild.builds.record import Record
from osc_imagebuild.engine.events import Event
from osc_imagebuild.errors import ImageBuildError, InstallError
from osc_imagebuild.guests.catalog import Catalog, default_directories
from osc_imagebuild.model.request import Request
from osc_imagebuild.v1.console_files import Files
from osc_imagebuild.v1.progress import Progress

NAME = "debian-13"
COMMAND = "cat /etc/debian_version; uname -r; cloud-init status; df -h / | tail -1"


def main() -> int:
    """Run the demo; 0 where the image was built, booted and logged in to."""
    if reason := outcome.missing("debian"):
        print(f"the demo cannot build Debian: {reason}", file=sys.stderr)
        return 1
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(settings.CLOUDS)
    key = login.key_pair(settings.HOME / "demo")
    connection = openstack.connect(cloud="demo")
    progress = Progress()
    catalog = Catalog((*default_directories(), *settings.CATALOGS))
    files = Files(None)

    def listen(event: Event) -> None:
        progress(event)
        files.save(event.build_id, event.evidence)

    builder = Builder(connection, listener=listen, catalog=catalog)
    public = key.with_suffix(".pub").read_text()
    request = Request(name=NAME, os="debian-13", ssh_public_keys=(public,))
    try:
        plan = builder.plan(request)
        for line in (*plan.choices, *plan.warnings):
            progress.note(line)
        build = builder.start(plan)
    except ImageBuildError as error:
        progress.end()
        print(error, file=sys.stderr)
        _save_consoles(progress.build_id, error)
        return 1
    progress.end()
    _show_cost(builder, build)
    return _log_in(connection, build, key)


def _save_consoles(build_id: list[str], error: ImageBuildError) -> None:
    """Keep what the guest said, in the working directory, for whoever asks why."""
    if isinstance(error, InstallError) and build_id:
        for name in Files(None).save(build_id[0], error.evidence):
            print(f"saved: {name}", file=sys.stderr)


def _show_cost(builder: Builder, build: Record) -> None:
    image = builder.api.get("image", f"/images/{build.result_id}")
    print(f"\nimage {build.spec.result.name} ({build.result_id})")
    print(
        f"  {image['size'] / 2**20:.0f} MiB of {image['disk_format']}, "
        f"virtual size {image['virtual_size'] / 2**30:.0f} GiB"
    )
    for key in sorted(build.spec.result.properties):
        print(f"  {key} = {build.spec.result.properties[key]}")
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


def _log_in(cloud: Connection, build: Record, key: Path) -> int:
    """Boot a server of the image as anybody would, and run a command in it."""
    print("\nbooting a server of the image to log in:", flush=True)
    began = time.monotonic()
    network = build.spec.network.networks[0]
    server = cloud.create_server(
        "debian-13-demo",
        image=build.result_id,
        flavor=build.spec.hardware.flavor_id,
        network=network,
        wait=True,
        timeout=300,
    )
    try:
        address = next(iter(server.addresses.values()))[0]["addr"]
        ssh = login.ssh(cloud, network, address, key)
        print(login.run(ssh, COMMAND))
    except (TimeoutError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        cloud.delete_server(server.id, wait=True, timeout=120)
    print(f"logged in {time.monotonic() - began:.0f} s after the server was ordered")
    print("\nthe image stays; to look around in it by hand:")
    print('  . .venv/bin/activate; eval "$(/usr/bin/python3 -m devcloud env)"')
    print(
        f"  openstack server create --image {build.result_id} --flavor "
        f"{build.spec.hardware.flavor_name} --network {network} --wait my-debian"
    )
    print("  " + " ".join([*ssh[:-1], "root@ADDRESS"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
