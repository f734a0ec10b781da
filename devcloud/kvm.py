"""Whether KVM really runs guests here, and what Nova is told about it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from devcloud import settings
from devcloud.errors import DevcloudError
from devcloud.process import BOOT_ID, run

ANSWER = settings.STATE / "kvm.json"
KERNEL_PACKAGE = "linux-image-cloud-amd64"
SIGN = "KVM-RUNS-GUESTS"
PROBE_SECONDS = 20


def nova_options() -> str:
    """The lines of nova-cpu.conf that depend on the answer."""
    if works():
        return "virt_type = kvm\ncpu_mode = host-passthrough"
    # QEMU 7.2's TCG corrupts memory on cmpxchg16b; a guest that is not offered it does not use it.
    return "virt_type = qemu\ncpu_mode = custom\ncpu_models = qemu64\ncpu_model_extra_flags = -cx16"


def works() -> bool:
    """The answer of this boot's probe; no answer means no."""
    try:
        answer = json.loads(ANSWER.read_text())
    except (OSError, ValueError):
        return False
    return bool(answer == {"boot": BOOT_ID.read_text().strip(), "works": True})


def probe() -> None:
    """Boot a kernel that says a word and powers off, once a boot of this machine.

    To look for /dev/kvm is not enough: on some nested machines it opens, runs
    real-mode code, and hangs as soon as a kernel starts.
    """
    boot = BOOT_ID.read_text().strip()
    try:
        if json.loads(ANSWER.read_text())["boot"] == boot:
            return
    except (OSError, ValueError, KeyError):
        pass
    try:
        answer = _opens() and _boots()
    except (DevcloudError, StopIteration) as exc:
        settings.LOG.mkdir(parents=True, exist_ok=True)
        (settings.LOG / "kvm.log").write_text(
            f"cannot probe, so KVM is not used: {exc}\n"
        )
        answer = False
    ANSWER.parent.mkdir(parents=True, exist_ok=True)
    ANSWER.write_text(json.dumps({"boot": boot, "works": answer}))


def _opens() -> bool:
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        return False
    return True


def _boots() -> bool:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        kernel = _kernel(place)
        (place / "initrd").write_bytes(_initrd())
        command = [
            *(
                "qemu-system-x86_64",
                "-accel",
                "kvm",
                "-cpu",
                "host",
                "-m",
                "256",
                "-smp",
                "1",
            ),
            *("-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio"),
            *("-kernel", str(kernel), "-initrd", str(place / "initrd")),
            *("-append", "console=ttyS0 quiet panic=-1"),
        ]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=PROBE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return SIGN.encode() in done.stdout


def _kernel(place: Path) -> Path:
    """Debian's kernel for guests, unpacked without being installed."""
    depends = run("apt-cache", "depends", "--important", KERNEL_PACKAGE)
    package = next(w for w in depends.split()[1:] if w.startswith("linux-image-"))
    script = 'cd "$1" && apt-get download -q "$2" && dpkg-deb -x ./*.deb tree'
    run("sh", "-c", script, "sh", place, package)
    return next(place.glob("tree/boot/vmlinuz-*"))


def _initrd() -> bytes:
    """A cpio archive (newc) with busybox and an init that says the word."""
    init = f"#!/busybox sh\n/busybox echo {SIGN}\n/busybox poweroff -f\n"
    files = [
        ("dev", 0o040755, b""),
        ("init", 0o100755, init.encode()),
        ("busybox", 0o100755, Path("/bin/busybox").read_bytes()),
        ("TRAILER!!!", 0, b""),
    ]
    archive = b""
    for number, (name, mode, data) in enumerate(files, 1):
        size = len(name) + 1
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, size, 0)
        entry = (
            b"070701"
            + b"".join(b"%08X" % field for field in fields)
            + name.encode()
            + b"\0"
        )
        archive += entry + b"\0" * (-len(entry) % 4) + data + b"\0" * (-len(data) % 4)
    return archive
