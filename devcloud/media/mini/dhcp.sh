#!/bin/busybox sh
# What udhcpc calls with a lease, in the installer and in what it installed.
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip addr flush dev "$interface"
ip addr add "$ip/${mask:-24}" dev "$interface"
# Where there are classless routes the router option does not count (RFC 3442); the
# metadata address comes by one of them.
set -- ${staticroutes:-${router:+0.0.0.0/0 ${router%% *}}}
while [ $# -ge 2 ]; do
    if [ "$2" = 0.0.0.0 ]; then
        ip route replace "$1" dev "$interface"
    else
        ip route replace "$1" via "$2" dev "$interface"
    fi
    shift 2
done
for server in $dns; do
    echo "nameserver $server"
done > /etc/resolv.conf
