#!/bin/sh
# Change the image that this system was started from: what was asked for, no traces that
# copies must not share, and the report.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
export PATH
# The serial console, even where a screen is the main one. Whoever shows a login there
# hangs it up, so it is opened anew for each line.
terminal=/dev/console
for name in $(cat /sys/class/tty/console/active 2> /dev/null); do
    case $name in tty[0-9]*) ;; *) terminal=/dev/$name ;; esac
done
console=/var/run/imagebuild-console
rm -f $console && mkfifo -m 600 $console
while IFS= read -r line; do printf '%s\n' "$line" >> $terminal; done <> $console > /dev/null 2>&1 &
copier=$!
trap 'sleep 2; kill $copier' EXIT
say() { echo "$*" > $console; }
# Some installers go on to power off: the client needs time to read why.
give_up() { sleep 60; exit 1; }
fail() { say "IMAGEBUILD-FAILED $*"; give_up; }
say "IMAGEBUILD-LAYER 0b4d5a3e-0000-4000-8000-000000000000"
# All that is said is a sign of life.
exec > $console 2>&1
decode() { b64decode -r; }
add_group() { pw groupshow "$1" > /dev/null 2>&1 || pw groupadd "$1"; }
add_user() { echo "$2" | pw useradd "$1" -m -s /bin/sh ${3:+-G "$3"} -H 0; }
export ASSUME_ALWAYS_YES=yes

# An account that is there already, as nuageinit's own, is given what is asked for.
add_user() {
    pw usershow "$1" > /dev/null 2>&1 || echo "*" | pw useradd "$1" -m -s /bin/sh -H 0 || return
    [ "$2" = "*" ] || echo "$2" | pw usermod "$1" -H 0 || return
    for group in $(echo "$3" | tr , " "); do pw groupmod "$group" -m "$1" || return; done
}

say "IMAGEBUILD-UPDATE begins"
patched=
unpatched=
updated() {
    patched=$(date +%s)
    say "IMAGEBUILD-UPDATE is done"
}
not_updated() {
    unpatched="$*"
    say "IMAGEBUILD-UPDATE is left out: $*"
}
# The base system, in one of two ways; its kernel takes the place of the older one, which
# stays as kernel.old. Packages come later, and new.
# Source: freebsd-update(8); /usr/sbin/freebsd-update refuses a system of packages.
export PAGER=cat
if pkg -N > /dev/null 2>&1 && pkg which -q /usr/bin/uname > /dev/null 2>&1; then
    if pkg update -f > /dev/console 2>&1 && pkg upgrade -F -q > /dev/console 2>&1; then
        pkg upgrade -q > /dev/console 2>&1 || fail "update: pkg upgrade, see the console"
        updated
    else
        not_updated "pkg could not fetch what is new, see the console"
    fi
else
    update="freebsd-update --not-running-from-cron --currently-running $(freebsd-version -u)"
    if $update fetch > /dev/console 2>&1 < /dev/null; then
        # It ends with 2 where there is nothing to install.
        $update updatesready > /dev/console 2>&1
        case $? in
            0) $update install > /dev/console 2>&1 < /dev/null || fail "update: freebsd-update install, see the console" ;;
            2) ;;
            *) fail "update: freebsd-update updatesready, see the console" ;;
        esac
        updated
    else
        not_updated "freebsd-update could not fetch what is new, see the console"
    fi
    rm -rf /var/db/freebsd-update/*
fi


# Each server makes its own of these.
rm -f /etc/hostid /etc/machine-id /var/db/machine-id /etc/ssh/ssh_host_* /boot/entropy /entropy
rm -rf /var/db/entropy/* /var/db/dhclient.leases.* /var/lib/cloud/* /usr/local/var/lib/cloud/*
: > /etc/resolv.conf

# nuageinit writes these anew where it runs, which it does at a first boot alone.
# Source: libexec/nuageinit/nuageinit, libexec/rc/rc.d/nuageinit: KEYWORD firstboot.
if [ "$(sysrc -n nuageinit_enable 2> /dev/null)" = YES ]; then
    rm -f /etc/rc.conf.d/network /etc/rc.conf.d/routing /etc/rc.conf.d/hostname /etc/resolvconf.conf
fi
rm -rf /var/cache/nuageinit /var/run/imagebuild-layer
touch /firstboot
pkg clean -a -q
find /var/log -type f -exec truncate -s 0 {} +
find /tmp /var/tmp -mindepth 1 ! -path /tmp/installscript -delete 2> /dev/null
sync

# Report, and wait until that is stored.
# When the newest package was made, where the packages tell: poudriere notes it.
newest=$(pkg query -a "%An %Av" 2> /dev/null | sed -n 's/^build_timestamp \(....-..-..T..:..:..\).*/\1/p' | sort | tail -n 1)
[ -z "$newest" ] || newest=$(date -j -u -f "%Y-%m-%dT%H:%M:%S" "$newest" +%s)
json='{"build": "0b4d5a3e-0000-4000-8000-000000000000", "release": "FreeBSD '$(freebsd-version -u)'", "kernel": "'$(freebsd-version -k)'", "packages": "'$(pkg info -q 2> /dev/null | wc -l | tr -d " ")'", "newest_package": "'$newest'", "patched": "'$patched'", "unpatched": "'$unpatched'"}'
echo "IMAGEBUILD-REPORT $json" > /dev/console
# In one segment: Neutron's metadata agent loses a body that comes after its head.
ask() {
    printf '%s /openstack/latest/password HTTP/1.0\r\nHost: 169.254.169.254\r\nContent-Length: %s\r\n\r\n%s' \
        "$1" "$(printf %s "$2" | wc -c | tr -d " ")" "$2" > /tmp/imagebuild-request
    nc -w 20 169.254.169.254 80 < /tmp/imagebuild-request
}
sent=
if ask POST "$json" | head -n 1 | grep -q " 200"; then sent=yes; fi
# Once the channel shows the report, it has it for good, also when the server is off. For 15
# seconds the metadata service may show the channel as it was before. Where there is none, the
# client needs time to read the console.
waited=0
while [ $waited -lt 60 ] && { [ -z "$sent" ] || [ "$(ask GET "" | sed '1,/^.$/d')" != "$json" ]; }; do
    sleep 1
    waited=$((waited + 1))
done
rm -f /tmp/imagebuild-request
# rc, which has started this, would remove /firstboot at its end.
# Source: libexec/rc/rc.
trap "" HUP INT TERM
shutdown -p now
while :; do sleep 60; done
