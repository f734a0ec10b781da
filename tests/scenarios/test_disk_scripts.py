"""What the end of an installation makes of a disk: the scripts run in a made-up system."""

from __future__ import annotations

import subprocess
from typing import Any

import fixtures

from tests.scenarios.test_target_tree import TargetTestCase
from tests.unit.target_tree import Target
from tests.unit.wanted import CATALOG, PARTITIONS, VOLUMES, asked

# As installers write it, with a comment, and a line that has two blanks in a row.
FSTAB = """\
# /var/log is a comment
/dev/mapper/system-root / ext4 errors=remount-ro 0 1
UUID=1-2  /boot/efi vfat  umask=0077 0 1
"""
GROW = "/usr/local/sbin/grow-root-volume"
UNIT = "grow-root-volume.service"
WANTS = "/etc/systemd/system/multi-user.target.wants"
LINUX = (
    *("debian-13", "ubuntu-24.04", "rocky-9", "opensuse-leap-15.6"),
    "opensuse-leap-16",
)
CIS = {
    "/home": "nodev,nosuid",
    "/tmp": "nodev,nosuid,noexec",
    "/var": "nodev,nosuid",
    "/var/log": "nodev,nosuid,noexec",
    "/var/log/audit": "nodev,nosuid,noexec",
    "/var/tmp": "nodev,nosuid,noexec",
}


class FstabTest(TargetTestCase):
    """Mount options come into it when all is installed."""

    def installed(self, mounts: dict[str, str]) -> None:
        """Have a system with these volumes, and their options as installers put them."""
        self.target = Target(self.useFixture(fixtures.TempDir()).path)
        root = self.target.root
        lines = [f"/dev/x {root}{at} xfs {old} 0 0\n" for at, old in mounts.items()]
        self.target.write("/etc/fstab", FSTAB + "".join(lines))
        for place in mounts:
            (root / place.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def options(self) -> dict[str, str]:
        """Options by place, of what is no comment."""
        lines = self.target.read("/etc/fstab").splitlines()
        words = [line.split() for line in lines if not line.startswith("#")]
        root = str(self.target.root)
        return {word[1].replace(root, ""): word[3] for word in words}

    def test_cis(self) -> None:
        """In every family; what installers have put there stays, and nothing twice."""
        for name in LINUX:
            self.installed({**dict.fromkeys(CIS, "defaults"), "/tmp": "rw,nodev"})
            self.finish(name, disk_layout="cis")
            found = self.options()
            self.assertEqual("rw,nodev,nosuid,noexec", found.pop("/tmp"))
            wanted = {k: f"defaults,{v}" for k, v in CIS.items() if k != "/tmp"}
            self.assertEqual(wanted, {k: found.pop(k) for k in wanted})
            rest = {
                "/": "errors=remount-ro",
                "/boot/efi": "umask=0077",
                "/dev/shm": "nodev,nosuid,noexec",
            }
            self.assertEqual(rest, found)
            self.assertTrue(self.target.read("/etc/fstab").startswith(FSTAB))
            for place, mode in (("tmp", 0o1777), ("var/log/audit", 0o700)):
                found_mode = (self.target.root / place).stat().st_mode & 0o7777
                self.assertEqual(mode, found_mode, place)
            self.assertIn("fstrim --all", self.target.calls())

    def test_tools_for_volumes(self) -> None:
        """Debian's installer may have gone on without them; then they are installed here."""
        entry = CATALOG.entry("debian-13")
        script = self.script(entry, asked(entry, disk_layout="cis"))
        install = "apt-get -q -y --no-install-recommends install lvm2"
        for there, code, called in ((0, 0, False), (1, 0, True), (1, 7, True)):
            self.installed(dict.fromkeys(CIS, "defaults"))
            self.target.program("apt-get", f"case $* in *lvm2) exit {code} ;; esac")
            inside = f"set inside\ncommand() {{ return {there}; }}\n"
            done = self.target.run(inside + script)
            self.assertEqual(called, install in self.target.calls())
            self.assertEqual(int(code > 0), done.returncode, done.stderr)
            failed = called and code > 0
            told = self.target.read("/dev/console")
            self.assertEqual(failed, "FAILED lvm2 cannot be installed" in told)
            # So that the client can read that before the installer powers off.
            self.assertEqual(failed, "sleep 60" in self.target.calls())

    def test_shared_memory_that_is_there(self) -> None:
        """It is not mounted twice."""
        self.installed({**dict.fromkeys(CIS, "defaults"), "/dev/shm": "size=1G"})
        self.finish("rocky-9", disk_layout="cis")
        self.assertEqual("size=1G,nodev,nosuid,noexec", self.options()["/dev/shm"])
        self.assertEqual(1, self.target.read("/etc/fstab").count("/dev/shm "))

    def test_volumes(self) -> None:
        for name in LINUX:
            self.installed({"/srv/data": "defaults", "/var/log": "defaults"})
            self.finish(name, disk_volumes=VOLUMES)
            found = self.options()
            self.assertEqual("defaults,noatime,nodev", found["/srv/data"])
            self.assertEqual("defaults,nodiratime", found["/var/log"])
            self.assertNotIn("/dev/shm", found)

    def test_freebsd(self) -> None:
        self.installed({"/srv": "rw", "/var/log": "rw"})
        entry = CATALOG.entry("freebsd-14")
        script = self.script(entry, asked(entry, disk_volumes=PARTITIONS))
        begin, end = script.index("fstab="), script.index("find /tmp")
        done = self.target.run(f"fail() {{ exit 1; }}\n{script[begin:end]}")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual("rw,nosuid", self.options()["/srv"])
        self.assertEqual("rw", self.options()["/var/log"])

    def test_a_volume_that_was_not_made(self) -> None:
        """The build fails, and says which."""
        self.installed({"/srv/data": "defaults"})
        entry = CATALOG.entry("rocky-9")
        script = self.script(entry, asked(entry, disk_volumes=VOLUMES))
        done = self.target.run(script)
        self.assertEqual(1, done.returncode)
        told = self.target.read("/dev/console")
        text = "IMAGEBUILD-FAILED the installer has made no volume for /var/log"
        self.assertIn(text, told.replace(str(self.target.root), ""))

    def test_swap_on_btrfs(self) -> None:
        """Without the attribute the file would be refused at each boot."""
        self.installed({})
        self.finish("opensuse-leap-16", filesystem="btrfs", swap_mib=64)
        place = f"{self.target.root}/swapfile"
        calls = self.target.calls()
        at = calls.index(f"chattr +C {place}")
        self.assertLess(at, calls.index(f"fallocate -l 64M {place}"))
        self.finish("opensuse-leap-16", filesystem="xfs", swap_mib=64)
        self.assertEqual(1, len([c for c in self.target.calls() if "chattr" in c]))


class GrowTest(TargetTestCase):
    """The root volume grows with the disk."""

    def grown(self, kind: str, *, partition: int = 0, free: int = 5) -> Any:
        """Run the script of an image on a larger disk; growpart ends with ``partition``."""
        self.target = Target(self.useFixture(fixtures.TempDir()).path)
        self.finish("debian-13", lvm=True)
        self.assertEqual(f"../{UNIT}", self.target.link(f"{WANTS}/{UNIT}"))
        unit = self.target.read(f"/etc/systemd/system/{UNIT}")
        self.assertIn(f"ExecStart={self.target.root}{GROW}\n", unit)
        root = self.target.root
        self.target.write("/sys/devices/vda/vda2/partition", "2\n")
        (root / "sys/class/block").mkdir(parents=True)
        (root / "sys/class/block/vda2").symlink_to(root / "sys/devices/vda/vda2")
        (root / "dev/vda2").touch()
        for name, script in (
            (
                "findmnt",
                f'[ "$2" = FSTYPE ] && echo {kind} || echo /dev/mapper/system-root',
            ),
            ("lvs", 'echo "  system"'),
            ("pvs", f'echo "  {root}/dev/vda2"'),
            ("vgs", f'echo "  {free}"'),
            ("growpart", f"exit {partition}"),
            *((name, "true") for name in ("pvresize", "lvextend")),
            *((name, "true") for name in ("resize2fs", "xfs_growfs", "btrfs")),
        ):
            self.target.program(name, script)
        before = len(self.target.calls())
        done = self.target.run(self.target.read(GROW).replace(str(root), ""))
        calls = [c.replace(str(root), "") for c in self.target.calls()[before:]]
        asks = ("findmnt", "lvs", "pvs", "vgs")
        return done, [c for c in calls if not c.startswith(asks)]

    def test_grows(self) -> None:
        """The partition, then the volume, then what is on it."""
        for kind, last in (
            ("ext4", "resize2fs /dev/mapper/system-root"),
            ("xfs", "xfs_growfs /"),
            ("btrfs", "btrfs filesystem resize max /"),
        ):
            done, calls = self.grown(kind)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertEqual(
                [
                    "growpart /dev/vda 2",
                    "pvresize -q /dev/vda2",
                    "lvextend -q -l +100%FREE /dev/mapper/system-root",
                    last,
                ],
                calls,
            )

    def test_nothing_to_grow_into(self) -> None:
        """growpart says so by its exit code; what an earlier try left is made good."""
        done, calls = self.grown("ext4", partition=1, free=0)
        self.assertEqual(0, done.returncode)
        self.assertNotIn("lvextend", " ".join(calls))
        self.assertEqual("resize2fs /dev/mapper/system-root", calls[-1])

    def test_fails(self) -> None:
        """The unit shows it."""
        done, calls = self.grown("ext4", partition=2)
        self.assertEqual((1, ["growpart /dev/vda 2"]), (done.returncode, calls))

    def test_only_on_lvm(self) -> None:
        """cloud-init itself lets a partition grow."""
        for name in ("debian-13", "rocky-9"):
            self.target = Target(self.useFixture(fixtures.TempDir()).path)
            self.finish(name)
            self.assertFalse(self.target.exists(GROW))

    def test_it_is_a_script(self) -> None:
        self.finish("rocky-9", disk_layout="lvm")
        done = subprocess.run(["sh", "-n", self.target.root / GROW.lstrip("/")])
        self.assertEqual(0, done.returncode)
        mode = (self.target.root / GROW.lstrip("/")).stat().st_mode
        self.assertEqual(0o755, mode & 0o777)
