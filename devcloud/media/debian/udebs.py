"""The installer's components: from the mirror, or repacked where it has none.

A Debian mirror may list udebs that it cannot give. Those that hold files of an
ordinary package are made again from that package; nothing else is replaced.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from devcloud import process
from devcloud.errors import DevcloudError
from devcloud.media.apt import ARCH, Apt, Index, PlainIndex
from devcloud.media.debian.suite import Udeb, names, provided

# What an installation onto one disk needs. Left out: debootstrap (live-installer
# copies the base system), apt-setup and pkgsel (the base system is complete).
WANTED = (
    *("base-installer", "live-installer", "di-utils-mapdevfs", "attr-udeb"),
    *("libattr1-udeb", "disk-detect", "finish-install", "grub-installer"),
    *("partman-auto", "partman-base", "partman-basicfilesystems", "partman-utils"),
    *("partman-basicmethods", "partman-ext3", "partman-partitioning"),
    *("partman-target", "libparted2-udeb", "libparted-fs-resize0-udeb"),
    *("libdevmapper1.02.1-udeb", "e2fsprogs-udeb", "user-setup-udeb"),
    *("clock-setup", "tzsetup-udeb"),
)
# What partman asks for by itself where a suite has it, and LVM needs.
LVM = ("partman-auto-lvm", "partman-lvm", "lvm2-udeb", "libaio1-udeb")
# Kernel components by their stem, and the modules of each that a virtual machine
# needs; for repacking. The real ones bring more.
MODULES = {
    "ext4-modules": ("ext4", "jbd2", "mbcache", "crc16", "crc32c_generic"),
    "loop-modules": ("loop",),
    "squashfs-modules": ("squashfs",),
    "scsi-modules": ("virtio_blk", "virtio_scsi"),
    "md-modules": ("dm-mod",),
}
MODULE_PROVIDES = {"ext4-modules": "ext2-modules, ext3-modules, ext4-modules"}
E2FSPROGS_UDEB = "e2fsprogs-udeb"
E2FSPROGS = ("e2fsprogs", "libcom-err2", "libext2fs2t64", "libss2")
E2FSPROGS_TOOLS = (
    *("badblocks", "e2fsck", "mke2fs", "resize2fs", "tune2fs"),
    *("fsck.ext2", "fsck.ext3", "fsck.ext4", "mkfs.ext2", "mkfs.ext3", "mkfs.ext4"),
)
E2FSPROGS_FILES = ("mke2fs.conf", *E2FSPROGS_TOOLS)
LIBRARIES = ("libcom_err.so.*", "libe2p.so.*", "libext2fs.so.*", "libss.so.*")


def is_for_lvm(name: str) -> bool:
    """Whether only an installation on LVM needs this component."""
    return name in LVM or name.startswith("md-modules")


class Collector:
    """Gathers udebs for one kernel into a directory.

    ``apt`` has the signed packages, ``components`` the udebs.
    """

    wanted: tuple[str, ...] = (*WANTED, *LVM)

    def __init__(
        self,
        apt: Apt,
        components: Index,
        kernel: str,
        scratch: Path,
        say: Callable[[str], None],
    ) -> None:
        self.apt = apt
        self.components = components
        self.kernel = kernel
        self.scratch = scratch
        self.say = say
        self.repacked: list[str] = []
        self._found: list[Udeb] = []
        scratch.mkdir(parents=True)

    @property
    def _modules(self) -> dict[str, str]:
        """The kernel components that can be repacked, and the stem of each."""
        return {f"{stem}-{self.kernel}-di": stem for stem in MODULES}

    def fetch(self, builtin: set[str]) -> None:
        """Fetch all that is wanted, or what it can be repacked from.

        Where nothing vouches for the components' index, what can be repacked is.

        :raises: DevcloudError naming what the mirror does not give
        """
        wanted = [n for n in (*self.wanted, *self._modules) if n not in builtin]
        replaceable = {*self._modules, E2FSPROGS_UDEB}
        asked = [n for n in wanted if self.components.signed or n not in replaceable]
        files = self.components.download(asked)
        index = self.components.show(*files)
        self._found = [Udeb(index[name], file) for name, file in files.items()]
        self.repacked = [name for name in wanted if name not in files]
        if gone := [name for name in self.repacked if name not in replaceable]:
            raise DevcloudError(
                f"the mirror did not give {', '.join(gone)}, which no other package "
                f"has: see {self.apt.log}; what came is kept for the next run"
            )
        if not self._modules.keys().isdisjoint(self.repacked):
            self.apt.need(f"linux-image-{self.kernel}")
        if E2FSPROGS_UDEB in self.repacked:
            self.apt.need(*E2FSPROGS)

    def collect(self, builtin: set[str]) -> list[Udeb]:
        """What was fetched and what is repacked, with what the former depend on."""
        if self.repacked:
            self.say(f"media: repacked: {', '.join(self.repacked)} ({self._cause()})")
        for name in self.repacked:
            if name in self._modules:
                self._found.append(self.repack_modules(name, self._modules[name]))
            else:
                self._found.append(self.repack_e2fsprogs(name))
        return self._found + self.dependencies(self._found, builtin)

    def _cause(self) -> str:
        if self.components.signed:
            return "the mirror has none"
        return "the mirror has none, or none that is signed"

    def notes(self) -> list[str]:
        """What is not as in a stock installation, one line each."""
        notes = []
        if self.repacked:
            names = ", ".join(self.repacked)
            cause = self._cause()
            notes.append(f"Repacked from ordinary packages, as {cause}: {names}.")
        if isinstance(self.components, PlainIndex):
            notes.append(
                "The installer's components come by an index that the mirror's signed Release "
                f"does not confirm ({self.components.reason}): the mirror alone vouches "
                "for them."
            )
        return notes

    def dependencies(self, udebs: Sequence[Udeb], builtin: set[str]) -> list[Udeb]:
        """Kernel components that the real ones among ours need (ata-modules...)."""
        added: list[Udeb] = []
        wanted = set(self._kernel_needs(udebs)) - builtin
        while wanted:
            files = self.components.download(sorted(wanted))
            index = self.components.show(*files)
            new = [Udeb(index[name], file) for name, file in files.items()]
            added += new
            have = builtin | provided(udeb.fields for udeb in (*udebs, *added))
            # One that the mirror cannot give is dropped: its hardware is not here.
            wanted = set(self._kernel_needs(new)) - have
        return added

    def _kernel_needs(self, udebs: Sequence[Udeb]) -> list[str]:
        needs = [n for udeb in udebs for n in names(udeb.fields.get("depends", ""))]
        return [name for name in needs if name.endswith(f"-{self.kernel}-di")]

    def repack_modules(self, name: str, stem: str) -> Udeb:
        """A kernel component with just these modules, from the kernel's package."""
        kernel = self._kernel_modules()
        tree = self.scratch / name
        base = Path("usr/lib/modules") / self.kernel
        for file in sorted((kernel / base).rglob("*.ko*")):
            if file.name.split(".")[0] in MODULES[stem]:
                target = tree / file.relative_to(kernel)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target)
        if not list(tree.rglob(f"{MODULES[stem][0]}.ko*")):
            raise DevcloudError(f"linux-image-{self.kernel} has no {MODULES[stem][0]}")
        fields = {
            "kernel-version": self.kernel,
            "provides": MODULE_PROVIDES.get(stem, stem),
        }
        return self._build(name, tree, fields)

    def _kernel_modules(self) -> Path:
        """The modules that are ever repacked, out of the ordinary kernel package."""
        target = self.scratch / "kernel"
        if not target.exists():
            target.mkdir()
            [deb] = self.apt.need(f"linux-image-{self.kernel}")
            wanted = [f"*/{m}.ko*" for group in MODULES.values() for m in group]
            # tar fails when a pattern has no match: such a module is built in.
            script = (
                'deb=$1 target=$2; shift 2; dpkg-deb --fsys-tarfile "$deb" |'
                ' tar -C "$target" -x --wildcards "$@" 2>/dev/null || true'
            )
            process.run("sh", "-c", script, "sh", deb, target, *wanted)
        return target

    def repack_e2fsprogs(self, name: str) -> Udeb:
        source = self.scratch / "e2fsprogs"
        for deb in self.apt.need(*E2FSPROGS):
            process.run("dpkg-deb", "-x", deb, source)
        tree = self.scratch / name
        for pattern in (*E2FSPROGS_FILES, *LIBRARIES):
            for file in source.rglob(pattern):
                if "/share/" in str(file):
                    continue
                target = tree / file.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target, follow_symlinks=False)
        return self._build(name, tree, {})

    def _build(self, name: str, tree: Path, extra: dict[str, str]) -> Udeb:
        version = (
            self.components.show(name).get(name, {}).get("version", "1") + "+repacked"
        )
        fields = {
            "package": name,
            "version": version,
            "architecture": ARCH,
            "maintainer": "devcloud <devcloud@localhost>",
            "section": "debian-installer",
            "priority": "standard",
            "description": "repacked from an ordinary package of the same source",
            **extra,
        }
        control = tree / "DEBIAN" / "control"
        control.parent.mkdir(parents=True)
        control.write_text("".join(f"{k.title()}: {v}\n" for k, v in fields.items()))
        file = self.scratch / f"{name}.udeb"
        process.run("dpkg-deb", "--root-owner-group", "-Zgzip", "-b", tree, file)
        return Udeb(fields, file)
