#!/bin/sh
# What makes a base system a cloud image that boots quickly even without KVM.
# mmdebstrap calls it, with image/ already copied, as: customize.sh ROOT
set -eu
root=$1

chroot "$root" systemctl -q enable systemd-networkd systemd-resolved
# Chores of a machine that stays, and file systems that a cloud image seldom needs.
chroot "$root" systemctl -q mask \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer \
    e2scrub_all.timer e2scrub_reap.service systemd-pstore.service \
    systemd-networkd-persistent-storage.service systemd-journal-catalog-update.service \
    systemd-hwdb-update.service ldconfig.service \
    grub-common.service grub-initrd-fallback.service \
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
    dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-kernel-config.mount sys-fs-fuse-connections.mount
# It loads the drivers of every hypervisor's VSOCK.
mkdir -p "$root/etc/systemd/system-generators"
ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-ssh-generator"

# Made again by the first boot of each copy, or by the installer.
: > "$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_*.pub "$root"/etc/ssh/ssh_host_[!n]*_key \
    "$root/var/lib/dbus/machine-id" "$root/etc/hostname" \
    "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/* \
    "$root/etc/apt/apt.conf.d/99mmdebstrap"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/log/*.log \
    "$root"/var/cache/debconf/*-old "$root/usr/lib/udev/hwdb.bin"
