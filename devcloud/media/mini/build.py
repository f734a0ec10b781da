"""Build the mini installer: kernel, initrd, root tarball and an ISO of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from devcloud import process
from devcloud.errors import DevcloudError
from devcloud.media.apt import Apt
from devcloud.media.parts import Work

HERE = Path(__file__).parent
BUSYBOX = Path("/usr/bin/busybox")
EXTLINUX = Path("/usr/bin/extlinux")
MKE2FS = Path("/usr/sbin/mke2fs")
BOOT_SECTOR = Path("/usr/lib/EXTLINUX/mbr.bin")
PACKAGES = (
    *("busybox-static", "e2fsprogs", "extlinux", "isolinux", "syslinux-common"),
    *("grub-common", "grub-efi-amd64-bin", "mtools"),
)
EFI_MIB = 4
GRUB_MODULES = (
    "part_msdos part_gpt fat ext2 iso9660 normal linux serial terminal search "
    "search_label echo"
).split()

DISK_MODULES = ("virtio_pci", "virtio_blk", "virtio_scsi", "ata_piix", "sd_mod")
CD_MODULES = ("sr_mod", "isofs", "vfat", "nls_cp437", "nls_ascii")
INSTALLER_MODULES = (*DISK_MODULES, *CD_MODULES, "virtio_net")
SYSTEM_MODULES = (*DISK_MODULES, *CD_MODULES, "virtio_net", "evdev", "button")


def make(work: Work, out: Path) -> None:
    kernel = unpack_kernel(work)
    vmlinuz = next((kernel / "boot").glob("vmlinuz-*"))
    system = work.scratch / "system"
    installer = work.scratch / "installer"
    make_system(system, vmlinuz, kernel, work.scratch / "system-initrd")
    process.run(
        *("tar", "-C", system, "--owner=0", "--group=0", "--numeric-owner"),
        # The kernel in it does not compress, and slow guests have to unpack it.
        *("-I", "gzip -1n", "-cf", out / "rootfs.tar.gz", "."),
    )
    make_installer(installer, kernel)
    pack_initrd(installer, out / "initrd")
    shutil.copy(vmlinuz, out / "linux")
    make_iso(out, work.scratch / "iso")
    work.versions["kernel"] = vmlinuz.name.removeprefix("vmlinuz-")


def unpack_kernel(work: Work) -> Path:
    """The cloud kernel of this machine's release, unpacked but not installed."""
    apt = Apt(work.cache, work.suite, "main", work.log, work.patience)
    apt.update()
    meta = "linux-image-cloud-amd64"
    depends = apt.show(meta).get(meta, {}).get("depends", "")
    match = re.match(r"linux-image-\S+", depends)
    if not match:
        raise DevcloudError(f"the mirror has no {meta} in {work.suite}")
    [deb] = apt.need(match[0])
    kernel = work.scratch / "kernel"
    process.run("dpkg-deb", "-x", deb, kernel)
    version = next((kernel / "lib/modules").iterdir()).name
    process.run("depmod", "-b", kernel, version)
    return kernel


def module_order(modules_dep: str, wanted: Iterable[str]) -> list[str]:
    """Paths of these modules and all they need, each after what it needs.

    modules.dep lists what a module needs with the deepest last.
    """
    needs: dict[str, list[str]] = {}
    paths: dict[str, str] = {}
    for line in modules_dep.splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
        paths[Path(path).stem.replace("-", "_")] = path
    order: list[str] = []
    for name in wanted:
        if name not in paths:
            raise DevcloudError(f"the kernel has no module {name}")
        for path in [*reversed(needs[paths[name]]), paths[name]]:
            if path not in order:
                order.append(path)
    return order


def add_modules(tree: Path, kernel: Path, wanted: Iterable[str]) -> None:
    source = next((kernel / "lib/modules").iterdir())
    order = module_order((source / "modules.dep").read_text(), wanted)
    target = tree / "lib/modules"
    target.mkdir(parents=True)
    for path in order:
        shutil.copy(source / path, target)
    names = [Path(path).name for path in order]
    (target / "order").write_text("".join(f"{name}\n" for name in names))


def make_tree(tree: Path, directories: Sequence[str]) -> None:
    """Directories, and busybox under the names of all its applets."""
    always = ("bin", "sbin", "dev", "proc", "sys", "run", "tmp", "mnt")
    for name in (*always, *directories):
        (tree / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, tree / "bin")
    for applet in process.run(BUSYBOX, "--list").split():
        if applet != "busybox":
            (tree / "bin" / applet).symlink_to("busybox")


def put(name: str, target: Path, mode: int = 0o755) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / name, target)
    target.chmod(mode)


def pack_initrd(tree: Path, target: Path) -> None:
    cpio = "cpio -o -H newc --quiet -R 0:0"
    script = f'cd "$1" && find . | sort | {cpio} | gzip -9n > "$2"'
    process.run("sh", "-c", script, "sh", tree, target)


def make_system(system: Path, vmlinuz: Path, kernel: Path, initrd: Path) -> None:
    """The system that the installer installs."""
    make_tree(system, ("boot", "root", "var/lib", "etc"))
    (system / "sbin/init").symlink_to("../bin/busybox")
    (system / "etc/resolv.conf").symlink_to("/run/resolv.conf")
    (system / "etc/passwd").write_text("root::0:0:root:/root:/bin/sh\n")
    (system / "etc/group").write_text("root:x:0:\n")
    (system / "etc/issue").write_text("Mini OS 1 \\n \\l\n")
    put("dhcp.sh", system / "etc/dhcp.sh")
    put("system/rc.sh", system / "etc/rc.sh")
    put("system/network.sh", system / "etc/network.sh")
    put("system/power-button.sh", system / "etc/acpi/PWRF/00000080")
    put("system/inittab", system / "etc/inittab", 0o644)
    put("system/extlinux.conf", system / "boot/extlinux/extlinux.conf", 0o644)
    make_tree(initrd, ())
    put("system/initrd.sh", initrd / "init")
    add_modules(initrd, kernel, SYSTEM_MODULES)
    pack_initrd(initrd, system / "boot/initrd")
    shutil.copyfile(vmlinuz, system / "boot/vmlinuz")


def libraries(program: Path) -> list[Path]:
    """The shared libraries of a program, with its loader."""
    output = process.run("ldd", program)
    return [Path(path) for path in re.findall(r"/\S+", output)]


def make_installer(tree: Path, kernel: Path) -> None:
    make_tree(tree, ("etc", "media", "usr/lib/syslinux"))
    for program in (EXTLINUX, MKE2FS):
        shutil.copy(program, tree / "sbin")
        for library in libraries(program):
            target = tree / str(library).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(library.resolve(), target)
            target.chmod(0o755)
    shutil.copy("/etc/mke2fs.conf", tree / "etc")
    shutil.copy(BOOT_SECTOR, tree / "usr/lib/syslinux")
    put("dhcp.sh", tree / "etc/dhcp.sh")
    put("init.sh", tree / "init")
    make_efi_image(tree / "usr/lib/efi.img", "system/grub.cfg")
    add_modules(tree, kernel, INSTALLER_MODULES)


def make_efi_image(target: Path, config: str) -> None:
    """A small FAT file system with GRUB and its commands, for UEFI machines.

    Not by busybox, whose FAT is a FAT32 whatever its size, which UEFI does not take.
    """
    loader = target.with_name("BOOTX64.EFI")
    process.run(
        *("grub-mkimage", "-O", "x86_64-efi", "-p", "/boot/grub"),
        *("-c", HERE / config, "-o", loader),
        *GRUB_MODULES,
    )
    with target.open("wb") as file:
        file.truncate(EFI_MIB << 20)
    process.run("mformat", "-i", target, "::")
    process.run("mmd", "-i", target, "::/EFI", "::/EFI/BOOT")
    process.run("mcopy", "-i", target, loader, "::/EFI/BOOT/BOOTX64.EFI")
    loader.unlink()


def make_iso(media: Path, tree: Path) -> None:
    """A CD for BIOS and UEFI machines that carries its root tarball: it needs no network."""
    boot = tree / "isolinux"
    boot.mkdir(parents=True)
    shutil.copy("/usr/lib/ISOLINUX/isolinux.bin", boot)
    shutil.copy("/usr/lib/syslinux/modules/bios/ldlinux.c32", boot)
    put("isolinux.cfg", boot / "isolinux.cfg", 0o644)
    for name in ("linux", "initrd"):
        shutil.copy(media / name, boot)
    shutil.copy(media / "rootfs.tar.gz", tree)
    make_efi_image(boot / "efi.img", "grub-cd.cfg")
    process.run(
        *("xorriso", "-as", "mkisofs", "-quiet", "-V", "MINI-INSTALLER", "-R", "-J"),
        *("-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat"),
        *("-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"),
        *("-eltorito-alt-boot", "-e", "isolinux/efi.img", "-no-emul-boot"),
        *("-o", media / "mini.iso", tree),
    )
