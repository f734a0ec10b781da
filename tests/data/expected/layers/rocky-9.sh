#!/bin/sh
# Change the image that this system was started from: what was asked for, no traces that
# copies must not share, and the report.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# The serial console, even where a screen is the main one. Whoever shows a login there
# hangs it up, so it is opened anew for each line.
terminal=/dev/console
for name in $(cat /sys/class/tty/console/active 2> /dev/null); do
    case $name in tty[0-9]*) ;; *) terminal=/dev/$name ;; esac
done
console=/run/imagebuild-console
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
decode() { base64 -d; }
add_group() { getent group "$1" > /dev/null || groupadd "$1"; }
add_user() { useradd -m -s /bin/bash -p "$2" ${3:+-G "$3"} "$1"; }

# An account that is there already, as cloud-init's own, is given what is asked for.
add_user() {
    id "$1" > /dev/null 2>&1 || useradd -m -s /bin/bash -p "*" "$1" || return
    [ "$2" = "*" ] || usermod -p "$2" "$1" || return
    [ -z "$3" ] || usermod -a -G "$3" "$1"
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
# Whoever runs this inside the new system need not have told it the name servers.
if [ ! -s /etc/resolv.conf ] && [ -r /proc/1/root/etc/resolv.conf ]; then
    mkdir -p "$(dirname "$(readlink -m /etc/resolv.conf)")"
    cat /proc/1/root/etc/resolv.conf > /etc/resolv.conf
fi
kernels() { ls /boot/vmlinu[xz]-* 2> /dev/null | grep -v -e -rescue-; }
before=$(kernels)
# A repository that is out of reach counts, whatever a system's default is, but for those
# that say themselves that they may be.
dnf="dnf -y --setopt=skip_if_unavailable=False"
if $dnf --refresh --downloadonly upgrade > $console 2>&1; then
    $dnf upgrade > $console 2>&1 < /dev/null || fail "update: dnf upgrade, see the console"
    updated
else
    not_updated "dnf upgrade could fetch nothing: the system has no repository, or one is out of reach, see the console"
fi
# A kernel that has just come boots, of whichever kind the system starts.
# Source: kernel's and grubby's packages: UPDATEDEFAULT in /etc/sysconfig/kernel.
new=$(kernels | grep -vxF -e "$before" | sort -V)
if [ -n "$new" ] && command -v grubby > /dev/null; then
    printf '%s\n' "$new" | grep -qxF -e "$(grubby --default-kernel)" || grubby --set-default="$(printf '%s\n' "$new" | tail -n 1)" > $console 2>&1 || fail "update: grubby could not let the new kernel boot"
fi


# Each server makes its own of these.
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id /etc/ssh/ssh_host_*
rm -f /var/lib/urandom/random-seed /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
[ -L /etc/resolv.conf ] || : > /etc/resolv.conf
rm -rf /var/lib/cloud/* /var/lib/dhcp/*.leases /var/lib/NetworkManager/*.lease /var/lib/NetworkManager/secret_key

# What cloud-init made of this server's metadata: it makes it anew for each.
rm -f /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init*
rm -f /etc/NetworkManager/system-connections/cloud-init-*.nmconnection
for file in /etc/sysconfig/network-scripts/ifcfg-* /etc/sysconfig/network/ifcfg-*; do
    ! grep -qs "^# Created by cloud-init" "$file" || rm -f "$file"
done
case $(cat /etc/hostname 2> /dev/null) in imagebuild-*) echo localhost > /etc/hostname ;; esac
# From here on the journal is kept in memory.
journalctl -q --relinquish-var 2> /dev/null
rm -rf /var/log/journal/*
! command -v subscription-manager > /dev/null || subscription-manager clean
rm -f /etc/sysconfig/rhn/systemid
# With this list LVM would take the disk of another machine for none of its own.
rm -f /etc/lvm/devices/system.devices
rm -rf /var/cache/dnf/* /var/cache/libdnf5/*
find /var/log -type f -exec truncate -s 0 {} +
find /tmp /var/tmp -mindepth 1 -delete 2> /dev/null
sync
# The installer's kernel may not have labelled what was made here, wherever that is.
labels=/etc/selinux/targeted/contexts/files/file_contexts
[ ! -e $labels ] || setfiles -F -e /dev -e /proc -e /run -e /sys $labels / > /dev/null 2>&1
fstrim / 2> /dev/null

# Report, and wait until that is stored.
. /etc/os-release
release=$PRETTY_NAME
[ "$ID" = debian ] && release="Debian $(cat /etc/debian_version)"
kernel=$(ls -t /lib/modules | head -n 1)
# When the vendor made the newest package. dpkg keeps this time of a list in each of them.
# Source: rpm(8), BUILDTIME; dpkg-deb(1), SOURCE_DATE_EPOCH, dpkg's deb-md5sums(5).
if command -v dpkg-query > /dev/null; then
    packages=$(dpkg-query -f . -W | wc -c)
    newest=$(find /var/lib/dpkg/info -name "*.md5sums" -printf "%Ts\n" 2> /dev/null | sort -n | tail -n 1)
else
    packages=$(rpm -qa | wc -l)
    newest=$(rpm -qa --qf "%{NAME} %{BUILDTIME}\n" | grep -v ^gpg-pubkey | cut -d " " -f 2 | sort -n | tail -n 1)
fi
python3 - "$release" "$kernel" "$packages" "$newest" "${patched:-}" "${unpatched:-}" "${console:-/dev/console}" <<'END'
import json, socket, sys, time

names = ("release", "kernel", "packages", "newest_package", "patched", "unpatched")
report = {name: said for name, said in zip(names, sys.argv[1:]) if said}
report["build"] = "0b4d5a3e-0000-4000-8000-000000000000"
text = whole = json.dumps(report)
# What is longer than the channel takes is cut: the console has had all of it.
for name in ("failed_rules", "ansible", "unpatched"):
    if len(text) > 1020 and name in report:
        report[name] = report[name][: max(0, len(report[name]) - (len(text) - 1020) - 4)] + " ..."
        text = json.dumps(report)
try:
    with open(sys.argv[7], "w") as console:
        console.write("IMAGEBUILD-REPORT " + text + "\n")
except OSError:
    pass  # the metadata service is enough

def ask(method, body=""):
    # In one segment: Neutron's metadata agent loses a body that comes after its head.
    head = method + " /openstack/latest/password HTTP/1.0\r\nHost: 169.254.169.254\r\n"
    head += "Content-Length: " + str(len(body)) + "\r\n\r\n"
    with socket.create_connection(("169.254.169.254", 80), 20) as channel:
        channel.sendall((head + body).encode())
        status, _, rest = channel.makefile("rb").read().partition(b"\r\n")
    return status, rest.partition(b"\r\n\r\n")[2]

def is_stored():
    try:
        return ask("GET")[1].strip() == text.encode()
    except OSError:
        return False

try:
    sent = b" 200" in ask("POST", text)[0]
except OSError:
    sent = False
# Once the channel shows the report, it has it for good, also when the server is off. For 15
# seconds the metadata service may show the channel as it was before. Where there is none, or
# not all went into it, the client needs time to read the console.
until = time.monotonic() + 60
for _ in range(60):
    if time.monotonic() > until or (sent and text == whole and is_stored()):
        break
    time.sleep(1)
END
poweroff
# Where this ended before the server does, cloud-init would write what was removed.
sleep 600
