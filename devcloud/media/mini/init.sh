#!/bin/busybox sh
# The mini installer: all of it, as PID 1 of its initrd.
#
# It behaves as a real one does: boots from kernel and initrd or from its CD, takes an
# answer file, installs a bootable system on a blank disk, tells its progress on the
# console and powers off. devcloud/media/mini/README.rst describes its interface.

export PATH=/sbin:/bin

say() {
    echo "INSTALLER[$(cut -d' ' -f1 /proc/uptime)] $*"
}

die() {
    say "FAILED: $*"
    sync
    case $onfail in
        hang) while :; do sleep 3600; done ;;
        reboot) reboot -f ;;
        *) sleep 15; poweroff -f ;; # with the guest its console goes: let it be read
    esac
    sleep 60
}

# limited SECONDS COMMAND...: also for shell functions, which `timeout` cannot run.
limited() {
    local seconds=$1
    shift
    ("$@") &
    local command=$!
    (sleep "$seconds"; kill -9 $command) >/dev/null 2>&1 &
    local watchdog=$!
    wait $command
    local status=$?
    kill $watchdog 2>/dev/null
    return $status
}

# Not wget -T, which crashes in Debian 12's static busybox.
fetch() {
    timeout "$3" wget -q -O "$2" "$1"
}

# What ip= has, else what DHCP gives; the answer of the first call holds for later ones.
network() {
    [ -z "$net" ] || { [ "$net" = up ]; return; }
    net=down
    ip link set lo up
    tries=0
    while [ ! -e /sys/class/net/eth0 ] && [ $tries -lt 20 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    ip link set eth0 up 2>/dev/null || return 1
    if [ -n "$fixed" ]; then
        fixed_address
    else
        lease || lease || lease || return 1
    fi
    net=up
    say "NETWORK 10% $(ip -o -4 addr show eth0 | awk '{print $4}')"
}

# With a new link each time, which makes the switch learn anew.
lease() {
    ip link set eth0 down
    ip link set eth0 up
    udhcpc -q -n -f -t 30 -T 1 -i eth0 -O staticroutes -s /etc/dhcp.sh >/dev/null 2>&1
}

# The address of ip=ADDRESS::GATEWAY:NETMASK:::none, as of the kernel's own option.
fixed_address() {
    local gateway=${fixed#*:*:} mask=${fixed#*:*:*:}
    ip addr add "${fixed%%:*}/${mask%%:*}" dev eth0
    gateway=${gateway%%:*}
    [ -z "$gateway" ] || ip route add default via "$gateway"
}

# from_drive LABEL FILE: the answer from a CD or a config drive
from_drive() {
    local device
    device=$(findfs "LABEL=$1" 2>/dev/null) && mount -o ro "$device" /media || return 1
    cp "/media/$2" /tmp/answer 2>/dev/null
    umount /media
    [ -s /tmp/answer ] && answer="$1:/$2"
}

from_metadata() {
    network && fetch "$metadata" /tmp/answer 20 && answer=$metadata
}

get_answer() {
    metadata=http://169.254.169.254/latest/user-data
    if [ -n "$answer" ]; then
        network || die "no DHCP lease"
        fetch "$answer" /tmp/answer 60 || die "cannot fetch answer file $answer"
    else
        tries=0 # drives appear a moment after their drivers
        until from_drive MINI-INSTALLER answer.sh ||
            from_drive OEMDRV answer.sh ||
            from_drive config-2 openstack/latest/user_data; do
            tries=$((tries + 1))
            [ $tries -lt 5 ] || break
            sleep 0.3
        done
        [ -n "$answer" ] || from_metadata ||
            die "no answer: no answer= on the kernel command line, no OEMDRV or" \
                "config-2 drive that has one, nothing at $metadata"
    fi
    sh -n /tmp/answer || die "syntax error in answer file $answer"
}

defaults() {
    : "${hostname:=mini}"
    [ -z "$disk" ] || return
    for disk in /dev/vda /dev/sda; do
        [ ! -b $disk ] || break
    done
}

partition() {
    [ -b "$disk" ] || die "no disk $disk"
    local mib=$(($(cat "/sys/class/block/${disk#/dev/}/size") / 2048))
    [ $mib -ge "${min_mb:-64}" ] || die "disk too small: $mib MiB, need ${min_mb:-64}"
    dd if=/dev/zero of="$disk" bs=1M count=1 2>/dev/null || die "cannot write to $disk"
    # UEFI machines boot from a FAT partition, which comes first on the disk.
    local commands='o\nn\np\n1\n2048\n\na\n1\nw\n'
    [ ! -d /sys/firmware/efi ] ||
        commands='o\nn\np\n1\n18432\n\nn\np\n2\n2048\n18431\nt\n2\nef\na\n1\nw\n'
    printf "$commands" | fdisk -u "$disk" >/tmp/fdisk.log 2>&1 || die "partitioning"
    target=${disk}1
    tries=0
    while [ ! -b "$target" ] && [ $tries -lt 30 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ -b "$target" ] || die "no partition $target"
    say "PARTITION 25% $target on $disk of $mib MiB"
}

format() {
    # By its path: busybox has a mke2fs of its own, for ext2. extlinux cannot read
    # these two features; a small journal is a small image.
    /sbin/mke2fs -q -F -t ext4 -O ^64bit,^metadata_csum -J size=4 -L root "$target" ||
        die "making a file system"
    mount -t ext4 "$target" /mnt || die "mounting $target"
    say "FORMAT 40% ext4 on $target"
}

get_rootfs() {
    case $rootfs in
        "") die "neither the answer file nor the kernel command line names a rootfs" ;;
        cdrom)
            local cd
            cd=$(findfs LABEL=MINI-INSTALLER) && mount -o ro "$cd" /media ||
                die "no installer CD"
            cp /media/rootfs.tar.gz /mnt/rootfs.tar.gz || die "cannot read the CD"
            umount /media
            ;;
        *)
            network || die "no DHCP lease"
            fetch "$rootfs" /mnt/rootfs.tar.gz 1800 || die "cannot fetch $rootfs"
            ;;
    esac
    say "FETCH 60% $(stat -c %s /mnt/rootfs.tar.gz) bytes"
}

unpack() {
    tar -C /mnt -xzf /mnt/rootfs.tar.gz || die "unpacking $rootfs"
    rm /mnt/rootfs.tar.gz
    echo "$hostname" > /mnt/etc/hostname
    say "UNPACK 75%"
}

boot_loader() {
    if [ -d /sys/firmware/efi ]; then
        dd if=/usr/lib/efi.img of="${disk}2" bs=1M 2>/dev/null || die "UEFI boot loader"
        say "BOOTLOADER 90% UEFI"
        return
    fi
    extlinux --install /mnt/boot/extlinux >/tmp/extlinux.log 2>&1 ||
        die "boot loader: $(tail -n 1 /tmp/extlinux.log)"
    dd if=/usr/lib/syslinux/mbr.bin of="$disk" bs=440 count=1 conv=notrunc 2>/dev/null ||
        die "boot sector"
    say "BOOTLOADER 90%"
}

defined() {
    type "$1" 2>/dev/null | grep -q function
}

install() {
    get_answer
    . /tmp/answer
    defaults
    say "ANSWER 15% disk=$disk hostname=$hostname rootfs=$rootfs from $answer"
    partition
    format
    get_rootfs
    unpack
    boot_loader
    if defined late; then
        late || die "late failed with status $?"
        say "LATE 95%"
    fi
    fstrim /mnt 2>/dev/null # where the disk can, the image loses the tarball again
    umount /mnt || die "unmounting $target"
    sync
    if defined report; then
        network
        limited 60 report && say "REPORT 99% sent" || say "REPORT 99% failed"
    fi
    say "FINISHED 100% installation complete, powering off"
    poweroff -f
    sleep 60
}

mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
exec </dev/console >/dev/console 2>&1
while read -r module; do
    insmod "/lib/modules/$module" 2>/dev/null
done < /lib/modules/order
dmesg -n 4 # from here on the console is for our lines
for word in $(cat /proc/cmdline); do
    case $word in
        answer=*) answer=${word#*=} ;;
        ip=*) fixed=${word#*=} ;;
        onfail=*) onfail=${word#*=} ;;
        rootfs=*) rootfs=${word#*=} ;;
    esac
done
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
grep -qw cx16 /proc/cpuinfo && cx16=yes || cx16=no
say "START 0% modules loaded, cpu $cpu, cx16=$cx16"
# In a subshell: an answer file that says `exit` must not end PID 1.
(install)
die "the installer ended with status $?"
