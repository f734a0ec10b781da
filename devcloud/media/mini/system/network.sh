#!/bin/busybox sh
# DHCP, then the user data of this instance if it is a script: as a small cloud image.
export PATH=/sbin:/bin
metadata=http://169.254.169.254/latest
seen=/var/lib/instance-id

ip link set eth0 up 2>/dev/null || exit 0
udhcpc -b -t 8 -T 1 -i eth0 -O staticroutes -s /etc/dhcp.sh -p /run/udhcpc.pid \
    >/dev/null 2>&1
instance=$(timeout 10 wget -q -O - $metadata/meta-data/instance-id) || exit 0
[ "$instance" != "$(cat $seen 2>/dev/null)" ] || exit 0
timeout 10 wget -q -O /run/user-data $metadata/user-data || : > /run/user-data
echo "$instance" > $seen
[ "$(head -c 2 /run/user-data)" = '#!' ] || exit 0
chmod 700 /run/user-data
timeout 600 /run/user-data >/dev/console 2>&1 </dev/null
echo "MINI-OS: user data of $instance ended with status $?" > /dev/console
