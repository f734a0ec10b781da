#!/bin/busybox sh
# DHCP, then the user data of this instance if it is a script: as a small cloud image.
export PATH=/sbin:/bin
metadata=http://169.254.169.254/latest
seen=/var/lib/instance-id

# from_drive: instance ID and user data from a config drive, which needs no network
from_drive() {
    device=$(findfs LABEL=config-2 2>/dev/null) && mount -o ro "$device" /mnt || return 1
    instance=$(sed -n 's/.*"uuid": "\([^"]*\)".*/\1/p' /mnt/openstack/latest/meta_data.json)
    cp /mnt/openstack/latest/user_data /run/user-data 2>/dev/null || : > /run/user-data
    umount /mnt
    [ -n "$instance" ]
}

from_metadata() {
    instance=$(timeout 10 wget -q -O - $metadata/meta-data/instance-id) || return 1
    timeout 10 wget -q -O /run/user-data $metadata/user-data || : > /run/user-data
}

ip link set eth0 up 2>/dev/null &&
    udhcpc -b -t 30 -T 1 -i eth0 -O staticroutes -s /etc/dhcp.sh -p /run/udhcpc.pid \
        >/dev/null 2>&1
from_drive || from_metadata || exit 0
[ "$instance" != "$(cat $seen 2>/dev/null)" ] || exit 0
echo "$instance" > $seen
[ "$(head -c 2 /run/user-data)" = '#!' ] || exit 0
chmod 700 /run/user-data
timeout 600 /run/user-data >/dev/console 2>&1 </dev/null
echo "MINI-OS: user data of $instance ended with status $?" > /dev/console
