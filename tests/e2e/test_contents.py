"""A tree of 200 MB gets into an image, on a disc and by URL, on a real cloud."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

from tests.e2e.base import EndToEndTest

# An image of Debian with cloud-init; `make slow` leaves none, so it is built by hand.
BASE = "family:base-debian"
# Of the machine that the devcloud runs on, as its servers see it.
HERE = "10.99.0.1"
LIMIT_S = 5400
MB = 1_000_000

# All that a tree consists of, but for when its root was changed.
LISTING = """
import hashlib, os, stat, sys
root = os.fsencode(sys.argv[1])
for folder, folders, files in os.walk(root):
    folders.sort()
    for name in sorted([b"."] + folders + files):
        path = os.path.normpath(os.path.join(folder, name))
        if name != b"." or folder == root:
            status = os.lstat(path)
            here = path[len(root):]
            told = [here, oct(status.st_mode), status.st_uid, status.st_gid]
            if here:
                told.append(status.st_mtime_ns)
            if stat.S_ISLNK(status.st_mode):
                told.append(os.readlink(path))
            else:
                told += [(x, os.getxattr(path, x)) for x in sorted(os.listxattr(path))
                         if x.startswith("user.")]
            if stat.S_ISREG(status.st_mode):
                told += [status.st_nlink, status.st_size,
                         status.st_blocks * 512 < status.st_size]
                digest = hashlib.sha256()
                with open(path, "rb") as file:
                    while data := file.read(1 << 20):
                        digest.update(data)
                told.append(digest.hexdigest())
            print(told)
"""


class TestContents(EndToEndTest):
    """A layer with a tree of everything that files can be."""

    MEDIA = ()

    def test_tree(self) -> None:
        """The guest's own listing of it, digests and all, is that of this machine."""
        if not self.openstack("image", "list", "--name", "base-debian"):
            self.skipTest(f"no image {BASE}")
        place = Path(self.directory)
        tree = make_tree(place / "tree")
        archive = place / "tree.tar"
        command = ["tar", "-C", str(tree), "--format=pax", "--sparse", "--xattrs"]
        subprocess.run([*command, "-cf", str(archive), "."], check=True)
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        url = f"http://{HERE}:{self.serve(place)}/tree.tar#sha256={digest}"
        (place / "listing.py").write_text(LISTING)
        wanted = listing(tree)
        check = (
            f"cd /srv && for tree in app web; do python3 listing.py /srv/$tree > list; "
            f'[ "$(sha256sum < list)" = "{wanted}  -" ] || {{ head -c 3000 list; exit 1; }}; '
            "done; rm list"
        )
        options = (
            *("--from-image", BASE, "--content", f"{tree}:/srv/app"),
            *("--content", f"{url}:/srv/web/", "--file", "listing.py:/srv/listing.py"),
            *("--no-verify", "--run-command", check),
        )
        words = ("image", "build", "create", *options, self.name, "-f", "json")
        done = self.run_command(*words, limit_s=LIMIT_S)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("contents: ", done.stderr)
        self.assert_left(images=1, hidden_images=1)
        [build] = [
            item["ID"]
            for item in self.openstack("image", "build", "list")
            if item["Name"] == self.name
        ]
        self.delete(build)
        self.assert_left()

    def serve(self, directory: Path) -> int:
        """Serve a directory to the cloud's servers; return the port."""
        handler = functools.partial(
            http.server.SimpleHTTPRequestHandler, directory=str(directory)
        )
        server = http.server.ThreadingHTTPServer((HERE, 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port


def make_tree(root: Path) -> Path:
    """Make a tree of 200 MB with all that files can be."""
    chance = random.Random(16)
    (root / "deep" / "er" / "still").mkdir(parents=True)
    for number in range(4):
        (root / f"random-{number}").write_bytes(chance.randbytes(45 * MB))
    for number in range(300):
        small = root / "deep" / f"small {number}"
        small.write_bytes(chance.randbytes(chance.randrange(100_000)))
    for name in (
        b"new\nline",
        b"\xc3\xbc ni \xe2\x98\x83",
        b"no \xff utf-8",
        b"x" * 200,
    ):
        Path(root, os.fsdecode(name)).write_text("name\n")
    with (root / "sparse").open("wb") as file:
        for at in (1 << 20, 30 << 20, 31 << 20):
            file.seek(at)
            file.write(b"data" * 5000)
        file.truncate(64 << 20)
    with (root / "empty").open("wb") as file:
        file.truncate(8 << 20)
    os.link(root / "random-0", root / "deep" / "hard")
    (root / "link").symlink_to("../../etc/passwd")
    (root / "dangling").symlink_to("y" * 150)
    for number, mode in enumerate((0o4751, 0o2755, 0o600, 0o000, 0o1777, 0o444)):
        path = root / f"mode-{number}"
        path.write_text(f"{mode:o}\n")
        if os.geteuid() == 0:
            os.chown(path, 4000 + number, 3_000_000 + number)
        path.chmod(mode)
    (root / "deep" / "er").chmod(0o2750)
    os.setxattr(root / "sparse", "user.binary", b"\x00\xff=\n")
    os.setxattr(root / "deep", "user.of.directory", b"yes")
    os.utime(root / "empty", ns=(0, 987_654_321_123_456_789))
    root.chmod(0o751)
    return root


def listing(root: Path) -> str:
    """Return the digest of a tree's listing."""
    words = [sys.executable, "-c", LISTING, str(root)]
    made = subprocess.run(words, capture_output=True, check=True).stdout
    return hashlib.sha256(made).hexdigest()
