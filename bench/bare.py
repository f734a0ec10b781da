"""The same installer under QEMU alone: what a build is measured against."""

from __future__ import annotations

import http.server
import subprocess
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

from osc_imagebuild import boot
from osc_imagebuild.builds.record import Record
from osc_imagebuild.media import ipxe_stub
from osc_imagebuild.model.boot_sources import StubDisk
from osc_imagebuild.planning.plan import Plan

LIMIT_S = 3600
METADATA = "169.254.169.254"


class _Metadata(http.server.BaseHTTPRequestHandler):
    """User data, and a back-channel that is read at once."""

    answer = b""

    def do_GET(self) -> None:
        self._send(self.answer if self.path.endswith("user-data") else b"")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(b"")

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


def install(plan: Plan, home: Path, disk_gib: int) -> float:
    """Run the planned installer on a disk of ``disk_gib`` and return its seconds.

    Same stub, CPU model, RAM, disk format and bus as on the devcloud.
    """
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Metadata)
    here = f"10.0.2.2:{server.server_port}"  # this machine, by QEMU's user network
    _Metadata.answer = plan.texts["answer"].replace(METADATA, here).encode()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            disk = Path(scratch, "disk.qcow2")
            disk.write_bytes(_stub(plan, here))
            subprocess.run(
                ["qemu-img", "resize", "-q", disk, f"{disk_gib}G"], check=True
            )
            return _run(disk, plan)
    finally:
        server.shutdown()
        server.server_close()


def _stub(plan: Plan, here: str) -> bytes:
    [image] = boot.load("ipxe").images(plan.spec)
    assert isinstance(image.content, StubDisk)
    return ipxe_stub.stub_disk(image.content.script.replace(METADATA, here))


def _run(disk: Path, plan: Plan) -> float:
    ram = {"m1.mini": 512, "m1.small": 1024}.get(plan.spec.hardware.flavor_name, 2048)
    command = "qemu-system-x86_64 -machine pc -accel tcg -cpu qemu64,-cx16 -smp 1"
    began = time.monotonic()
    subprocess.run(
        [
            *command.split(),
            *("-m", str(ram), "-display", "none", "-no-reboot"),
            *("-serial", f"file:{disk}.serial"),
            *("-drive", f"file={disk},if=virtio,format=qcow2,cache=writeback"),
            *("-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n"),
        ],
        check=True,
        timeout=LIMIT_S,
    )
    elapsed = time.monotonic() - began
    text = Path(f"{disk}.serial").read_text(errors="replace")
    if "IMAGEBUILD-REPORT" not in text:
        raise RuntimeError(f"the bare installation failed: {text[-2000:]}")
    return elapsed


def power_off_time(log: Path, build: Record) -> float:
    """When QEMU ended, by libvirt's own log of the newest guest that went off.

    libvirt writes: 2026-01-31 12:00:00.123+0000: shutting down, reason=shutdown
    """
    found = 0.0
    for path in log.rglob("instance-*.log"):
        for line in path.read_text(errors="replace").splitlines():
            if "shutting down, reason=shutdown" in line:
                moment = datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S.%f")
                at = moment.replace(tzinfo=timezone.utc).timestamp()
                if at <= build.marks["harvested"].at:
                    found = max(found, at)
    return found
