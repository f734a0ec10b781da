#!/bin/busybox sh
# The initrd of the installed system: find the root file system and start it.
export PATH=/bin
mount -t devtmpfs none /dev
mount -t proc none /proc
while read -r module; do
    insmod "/lib/modules/$module" 2>/dev/null
done < /lib/modules/order
tries=0
while [ $tries -lt 50 ]; do # the bus may be another one than at the installation
    for root in /dev/vda1 /dev/sda1; do
        [ ! -b $root ] || break 2
    done
    sleep 0.1
    tries=$((tries + 1))
done
mount -t ext4 -o ro $root /mnt || exec sh
mount --move /dev /mnt/dev
umount /proc
exec switch_root /mnt /sbin/init
