"""Reports as they may be: of a build that went well, of one that failed, of a hostile one."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.model.checks import HARDENING, Check
from osc_imagebuild.model.facts import Mark
from osc_imagebuild.model.manifest import Manager, Manifest, Package, System
from osc_imagebuild.model.names import Status
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Installer, Media, Rotation, Spec
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.reports import difference, excerpt, timeline
from osc_imagebuild.reports.report import Comparison, Console, Report
from tests import paths
from tests.unit.samples import spec

BUILD, IMAGE = (
    "fc7512b6-97fb-4fbf-b907-aba57a71b472",
    "d7fec27f-de09-4911-803e-9b2388a4ab1f",
)
OLD_BUILD, OLD_IMAGE = (
    "0b8d2f61-7c9e-4a53-8f21-5d0c7e93b4a6",
    "4f7a90d2-1b5c-4e38-9d60-2e85b36c1f7a",
)
BEGUN = 1_795_600_000.0
# How long each step of a build of Debian takes, in seconds.
TOOK = (
    ("image-stub", 4),
    ("server", 9),
    ("install", 1124),
    ("power-off", 21),
    ("harvest", 48),
    ("clean", 2),
    ("remove-server", 6),
    ("verify-server", 11),
    ("verify", 74),
    ("inspect", 12),
    ("remove-verify-server", 5),
    ("publish", 2),
    ("rotate", 3),
    ("cleanup", 2),
    ("complete", 0),
)
RULES = (
    "accounts_password_pam_minlen accounts_tmout audit_rules_immutable "
    "banner_etc_issue_net grub2_password kernel_module_usb-storage_disabled "
    "package_aide_installed partition_for_var_tmp sshd_set_max_sessions"
)
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>&amp;\"'"
    "</style></title>{{ 7*7 }}{% raw %}\u202egnp.exe\u200b\x1b[31m\x00"
    "javascript:alert(3)"
)
PACKAGES = (
    Package("apt", "3.0.3", "amd64", "GPL-2.0-or-later"),
    Package("base-files", "13.8+deb13u1", "amd64"),
    Package("bash", "5.2.37-2+b5", "amd64"),
    Package("linux-image-amd64", "6.12.48-1", "amd64"),
    Package("openssh-server", "1:10.0p1-7", "amd64"),
    Package("telnet", "0.17+2.6-3", "all"),
)
NEWER = (
    Package("apt", "3.0.3", "amd64", "GPL-2.0-or-later"),
    Package("base-files", "13.8+deb13u2", "amd64"),
    Package("bash", "5.2.37-2+b5", "amd64"),
    Package("linux-image-amd64", "6.12.57-1", "amd64"),
    Package("nginx", "1.26.3-3+deb13u1", "amd64"),
    Package("openssh-server", "1:10.0p1-7+deb13u1", "amd64"),
)


def digest(text: str) -> str:
    """Return some digest."""
    return hashlib.sha256(text.encode()).hexdigest()


def asked(name: str = "my-debian", **fields: Any) -> Spec:
    """Return the spec of a build of Debian."""
    known = spec()
    installer = Installer(
        os="debian-13",
        arch="x86_64",
        boot_method="ipxe",
        command_line="auto=true",
        family="debian",
        expected_s=1080,
    )
    properties = {
        "os_distro": "debian",
        "os_version": "13",
        "architecture": "x86_64",
        "imagebuild_build_id": BUILD,
        "imagebuild_family": name,
        "imagebuild_kind": "image",
        "imagebuild_os": "debian-13",
        "imagebuild_source": "http://ftp.debian.org/debian",
        "imagebuild_source_sha256": digest("tree"),
        "imagebuild_answer_sha256": digest("answers"),
        "imagebuild_inputs": "answers=9c1f04d2ab37e865 media=41d0c2b7f95e8a36 "
        "mirror=e8c05b7d91f4a326 updates=07be6d91c4f2a358 template=c5e3a1907d42b68f "
        "catalogue=2fa6b80d4e917c35",
    }
    return dataclasses.replace(
        known,
        installer=installer,
        media=Media(
            source="http://ftp.debian.org/debian",
            kernel_url="http://ftp.debian.org/linux",
            ramdisk_url="http://ftp.debian.org/initrd.gz",
            kernel_sha256=digest("kernel"),
            ramdisk_sha256=digest("ramdisk"),
        ),
        hardware=dataclasses.replace(
            known.hardware, flavor_name="m1.small", disk_gib=10
        ),
        network=dataclasses.replace(
            known.network, networks=("40e880cf-2729-4e03-96f0-4d065e8aa1c6",)
        ),
        result=dataclasses.replace(
            known.result,
            name=name,
            family=name,
            rotation=Rotation(replace=True),
            properties={**properties, **fields},
        ),
        verify=dataclasses.replace(known.verify, inventory=True),
    )


def record(
    status: str = "complete",
    until: str = "complete",
    slower: float = 1.0,
    **fields: Any,
) -> Record:
    """Return a record of a build that went as far as a step."""
    at, steps = BEGUN, []
    for name, took_s in TOOK:
        steps.append((name, at))
        at += took_s * slower
        if name == until:
            break
    began = dict(steps)
    report = {HARDENING: "score=84.6 passed=191 failed=9", "failed_rules": RULES}
    marks = {"started": Mark(BEGUN + 13)}
    if "power-off" in began:
        marks["installed"] = Mark(began["power-off"], report)
    if "inspect" in began:
        marks["verified"] = Mark(began["inspect"])
    known: dict[str, Any] = {
        "id": BUILD,
        "status": Status(status),
        "step": until,
        "doing": "",
        "reason": "",
        "evidence": "",
        "percent": "",
        "spec": asked(),
        "marks": marks,
        "steps": tuple(steps),
        "signals": "",
        "result_id": IMAGE if status == "complete" else "",
        "console_tail": "",
        "tool_version": "0.1.0",
        "is_own": True,
        "created_at": BEGUN,
        "updated_at": at,
    }
    return Record(**{**known, **fields})


def image(image_id: str = IMAGE, name: str = "my-debian", **fields: Any) -> Image:
    """Return the image of a build."""
    said = {
        **asked().result.properties,
        "imagebuild_release": "Debian 13.2",
        "imagebuild_kernel": "6.12.57+deb13-amd64",
        "imagebuild_patched_at": "2026-11-25T10:25:11Z",
        "imagebuild_built_at": "2026-11-25T10:27:04Z",
    }
    return Image(
        image_id,
        name,
        "active",
        properties={**said, **fields},
        min_disk_gib=10,
        min_ram_mib=512,
        size=812 << 20,
        sha512=hashlib.sha512(b"image").hexdigest(),
    )


def manifest(packages: tuple[Package, ...], kernel: str) -> Manifest:
    """Return what is known of a result."""
    return Manifest(
        build_id=BUILD,
        result_id=IMAGE,
        system=System(release="Debian 13.2", kernel=kernel),
        manager=Manager.DEB,
        packages=packages,
    )


def console(name: str = "debian-good.txt") -> str:
    """Return a console of the installer."""
    path = paths.ROOT / "tests" / "data" / "consoles" / name
    return path.read_text(encoding="utf-8", errors="replace")


def report(build: Record, raw: str, **fields: Any) -> Report:
    """Return a report of a build, with its console."""
    now = build.updated_at + 60
    found = excerpt.excerpt(sign_files.of("debian"), raw, build.evidence)
    earlier = record(slower=0.94, id=OLD_BUILD)
    return Report(
        build=build,
        made_at=now,
        timeline=timeline.stretches(build, now, earlier),
        total_s=timeline.total_s(build, now),
        consoles=(Console("install", found),) if raw else (),
        **fields,
    )


def good() -> Report:
    """Return the report of a build that went well, after another one."""
    old, new = (
        manifest(PACKAGES, "6.12.48+deb13-amd64"),
        manifest(NEWER, "6.12.57+deb13-amd64"),
    )
    before = image(OLD_IMAGE, "my-debian (2026-11-18T10:25:44Z)")
    return report(
        record(),
        console(),
        result=image(),
        manifest=new,
        comparison=Comparison(before, tuple(difference.between(old, new))),
    )


def failed() -> Report:
    """Return the report of a build that failed in its installer."""
    raw = console("debian-bad-mirror.txt")
    verdict = "the mirror does not have what the installer asks for"
    line = next(line for line in reversed(raw.splitlines()) if "irror" in line)
    build = record(
        "failed", "install", reason=verdict, evidence=line.strip()[:200], slower=0.3
    )
    return report(build, raw, retry_from=("install", "server"))


def hostile() -> Report:
    """Return a report each word of which means no good."""
    name = HOSTILE[:120]
    build = record(
        "failed",
        "verify",
        reason=HOSTILE,
        evidence=HOSTILE,
        spec=asked(name, **{HOSTILE[:80]: HOSTILE, "long": "x" * 900}),
        tool_version=HOSTILE[:60],
    )
    raw = "\n".join([HOSTILE, "y" * 3000, *(f"{n} {HOSTILE}" for n in range(900))])
    system = System(release=HOSTILE, kernel=HOSTILE)
    old = Manifest(build_id=BUILD, result_id=IMAGE)
    new = dataclasses.replace(
        old,
        system=system,
        packages=(Package(HOSTILE, HOSTILE), Package("z" * 400, "1")),
    )
    before = image(OLD_IMAGE, HOSTILE)
    found = report(
        build,
        raw,
        manifest=new,
        comparison=Comparison(before, tuple(difference.between(old, new))),
    )
    assert isinstance(found.tests[0], Check)
    return found
