"""Compare a layer with what Packer makes of the same image, on the devcloud.

    . .venv/bin/activate; eval "$(/usr/bin/python3 -m devcloud env)"
    apt-get install packer
    python -m bench.peers --image family:base-debian

Both boot the image on the same flavor and network, copy one file into it and run the same
command, and make an image of the disk; neither boots that. Packer comes by SSH, through a
floating IP. Prints a table: seconds, API calls, addresses, what was left behind, and the
properties of the build's server on the image. Leaves nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openstack
from openstack.connection import Connection

from bench.bench import counted
from osc_imagebuild.builder import Builder
from osc_imagebuild.errors import ImageBuildError
from osc_imagebuild.model.request import File, Request
from osc_imagebuild.v1.progress import Progress

TEXT = "made by a comparison\n"
COMMAND = "mkdir -p /srv/peer && cp /etc/motd /srv/peer/motd"
# What Nova writes of a server onto the image of its disk, beside what the server's own
# image had. Source: nova.compute.api, snapshot; nova's image properties of a snapshot.
OF_A_SERVER = (
    "base_image_ref",
    "boot_roles",
    "image_location",
    "image_state",
    "image_type",
    "img_config_drive",
    "instance_uuid",
    "owner_id",
    "owner_project_name",
    "owner_user_name",
    "user_id",
)
LIMIT_S = 3600


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one of them came to; ``calls`` is None where nothing counted them."""

    seconds: float
    calls: int | None
    addresses: int
    left: tuple[str, ...]
    properties: tuple[str, ...]


def main() -> int:
    """Print the comparison; 0 where the layer was not slower and left nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--image", default="family:base-debian", help="name, ID or family:NAME"
    )
    parser.add_argument("--flavor", help="default: the smallest that the image fits")
    parser.add_argument("--user", default="debian", help="who Packer logs in as")
    args = parser.parse_args()
    if not shutil.which("packer"):
        print("there is no packer here: apt-get install packer", file=sys.stderr)
        return 2
    cloud = openstack.connect()
    bench = Bench(cloud, args.image, args.flavor)
    ours = bench.measured(bench.layer)
    theirs = bench.measured(lambda name: bench.packer(name, args.user))
    show(ours, theirs)
    return int(
        ours.seconds > theirs.seconds or bool(ours.left) or bool(ours.properties)
    )


class Bench:
    """Both ways to change one image, on the same flavor and network."""

    def __init__(self, cloud: Connection, image: str, flavor: str | None) -> None:
        self.cloud = cloud
        self.progress = Progress()
        self.builder = Builder(cloud, listener=self.progress)
        request = Request(
            name="peer", from_image=image, flavor=flavor, verify=False, update=False
        )
        self.spec = self.builder.plan(request).spec
        self.parent = self.spec.media.parent.image_id
        self.image = image

    def measured(self, way: Callable[[str], tuple[float, int | None, str]]) -> Outcome:
        """Change the image in one way; return what that took, and what was left."""
        name = f"peer-{uuid.uuid4().hex[:8]}"
        before = there(self.cloud)
        with watched_addresses(self.cloud) as addresses:
            seconds, calls, image_id = way(name)
        try:
            after = there(self.cloud) - before - {f"image {image_id}"}
            image = self.cloud.image.get_image(image_id)
            shown = self.cloud.image.get(f"/images/{image.id}").json()
            properties = tuple(key for key in OF_A_SERVER if key in shown)
        finally:
            self.cloud.image.delete_image(image_id)
        return Outcome(seconds, calls, max(addresses), tuple(sorted(after)), properties)

    def layer(self, name: str) -> tuple[float, int | None, str]:
        """Make a layer; return seconds, API calls and the image's ID."""
        request = Request(
            name=name,
            from_image=self.image,
            flavor=self.spec.hardware.flavor_id,
            networks=self.spec.network.networks,
            files=(File(path="/etc/motd", content=TEXT.encode()),),
            commands=(COMMAND,),
            verify=False,
            # Packer's template has no updates either.
            update=False,
        )
        try:
            with counted(self.builder) as calls:
                began = time.monotonic()
                build = self.builder.create(request)
                seconds = time.monotonic() - began
        except BaseException:
            for build_id in self.progress.build_id:
                self.builder.delete(build_id, with_image=True)
            raise
        self.builder.delete(build.id)
        return seconds, len(calls), build.result_id

    def packer(self, name: str, user: str) -> tuple[float, int | None, str]:
        """Run Packer; return seconds, API calls and the image's ID.

        The security group that lets it in is made before, as a user would have it.
        """
        with ssh_group(self.cloud, name) as group, tempfile.TemporaryDirectory() as at:
            directory = Path(at)
            (directory / "motd").write_text(TEXT)
            if clouds := os.environ.get("OS_CLIENT_CONFIG_FILE"):
                shutil.copy(clouds, directory / "clouds.yaml")
            template = directory / "peer.json"
            template.write_text(json.dumps(self.template(name, user, group)))
            log = directory / "packer.log"
            env = os.environ | {
                "PACKER_LOG": "1",
                "PACKER_LOG_PATH": str(log),
                "OS_DEBUG": "1",
            }
            env |= {"CHECKPOINT_DISABLE": "1", "PACKER_CACHE_DIR": at}
            began = time.monotonic()
            try:
                subprocess.run(
                    ["packer", "build", "-color=false", str(template)],
                    check=True,
                    cwd=directory,
                    env=env,
                    timeout=LIMIT_S,
                )
                seconds = time.monotonic() - began
            finally:
                self.removed(name)
            calls = log.read_text(errors="replace").count("OpenStack Request URL")
        [image] = list(self.cloud.image.images(name=name))
        return seconds, calls or None, image.id

    def template(self, name: str, user: str, group: str) -> dict[str, Any]:
        """Return Packer's template of the same image."""
        builder = {
            "type": "openstack",
            "cloud": os.environ.get("OS_CLOUD", ""),
            "source_image": self.parent,
            "image_name": name,
            "flavor": self.spec.hardware.flavor_id,
            "networks": list(self.spec.network.networks),
            "floating_ip_network": "public",
            "security_groups": [group],
            "ssh_username": user,
            "ssh_timeout": "30m",
        }
        move = "sudo install -o root -g root -m 644 /tmp/motd /etc/motd"
        provisioners = [
            {"type": "file", "source": "motd", "destination": "/tmp/motd"},
            {"type": "shell", "inline": [move, f"sudo sh -c '{COMMAND}'"]},
        ]
        return {"builders": [builder], "provisioners": provisioners}

    def removed(self, name: str) -> None:
        """Remove a server that Packer has left, as where it failed."""
        for server in list(self.cloud.compute.servers(name=name)):
            with contextlib.suppress(openstack.exceptions.SDKException):
                self.cloud.delete_server(server.id, wait=True, delete_ips=True)


@contextmanager
def ssh_group(cloud: Connection, name: str) -> Iterator[str]:
    """A security group that lets SSH in, for as long as it is needed."""
    group = cloud.network.create_security_group(name=name)
    try:
        cloud.network.create_security_group_rule(
            security_group_id=group.id,
            direction="ingress",
            ethertype="IPv4",
            protocol="tcp",
            port_range_min=22,
            port_range_max=22,
        )
        yield group.id
    finally:
        cloud.network.delete_security_group(group.id)


def there(cloud: Connection) -> set[str]:
    """Return all that the project has and could have been left there, by kind and ID."""
    mine = cloud.current_project_id
    found = {f"server {server.id}" for server in cloud.compute.servers()}
    found |= {f"key pair {pair.name}" for pair in cloud.compute.keypairs()}
    found |= {f"volume {volume.id}" for volume in cloud.block_storage.volumes()}
    for hidden in (False, True):
        images = cloud.image.images(is_hidden=hidden, owner=mine)
        found |= {f"image {image.id}" for image in images}
    for kind in ("ports", "ips", "security_groups"):
        items = getattr(cloud.network, kind)(project_id=mine)
        # Those of DHCP come and go with the network.
        kept = (
            i for i in items if not str(getattr(i, "device_owner", "")).endswith("dhcp")
        )
        found |= {f"{kind.rstrip('s')} {item.id}" for item in kept}
    return found


@contextmanager
def watched_addresses(cloud: Connection) -> Iterator[list[int]]:
    """Count the project's floating IPs beyond those of before, until the end."""
    own = openstack.connect()
    before = len(list(cloud.network.ips(project_id=cloud.current_project_id)))
    seen, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(5):
            with contextlib.suppress(openstack.exceptions.SDKException):
                ips = own.network.ips(project_id=own.current_project_id)
                seen.append(len(list(ips)) - before)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join(30)


def show(ours: Outcome, theirs: Outcome) -> None:
    """Print both, a line a figure."""
    print(f"{'figure':44} {'layer':>8} {'Packer':>8}")
    rows = (
        ("wall time, s", f"{ours.seconds:.0f}", f"{theirs.seconds:.0f}"),
        ("API calls", ours.calls, "?" if theirs.calls is None else theirs.calls),
        ("floating IPs", ours.addresses, theirs.addresses),
        ("left behind", len(ours.left), len(theirs.left)),
        (
            "properties of the server on the image",
            len(ours.properties),
            len(theirs.properties),
        ),
    )
    for name, mine, other in rows:
        print(f"{name:44} {mine!s:>8} {other!s:>8}")
    for who, outcome in (("layer", ours), ("Packer", theirs)):
        for what in (*outcome.left, *outcome.properties):
            print(f"  {who}: {what}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ImageBuildError, subprocess.SubprocessError) as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
