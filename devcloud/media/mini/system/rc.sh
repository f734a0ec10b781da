#!/bin/busybox sh
export PATH=/sbin:/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -o remount,rw /
mount -t tmpfs none /run
dmesg -n 4
hostname -F /etc/hostname
ip link set lo up
root=$(awk '$2 == "/" && $1 != "rootfs" {print $1}' /proc/mounts)
echo "MINI-OS: installed system is up on $root, host $(hostname)"
