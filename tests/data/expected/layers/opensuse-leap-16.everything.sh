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
fail() { say "IMAGEBUILD-FAILED $*"; exit 1; }
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

mkdir -p /etc/pki/rpm-gpg
decode > /etc/pki/rpm-gpg/RPM-GPG-KEY-extra <<'END'
LS0tLS1CRUdJTiBQR1AgUFVCTElDIEtFWSBCTE9DSy0tLS0tCi4uLgo=
END
# The installer's own entry for it, which does not check signatures.
rm -f /etc/zypp/repos.d/extra.repo
cat > /etc/zypp/repos.d/extra.repo <<'END'
[extra]
name=extra
baseurl=https://packages.example/extra
enabled=1
autorefresh=1
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-extra
END
rpm --import /etc/pki/rpm-gpg/RPM-GPG-KEY-extra || fail "the key of repository extra"
zypper -n install tree vim || fail "zypper install tree vim"
usermod -p '$6$rounds=100000$salt$hash' root || fail "root's password"
fallocate -l 512M /swapfile && chmod 600 /swapfile && mkswap /swapfile > /dev/null || fail "swap space"
echo "/swapfile none swap defaults 0 0" >> /etc/fstab
mkdir -p -m 700 /root/.ssh
printf '%s\n' 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.org' >> /root/.ssh/authorized_keys
chmod 600 /root/.ssh/authorized_keys
chown -R root /root/.ssh
add_group adm || fail "group adm"
add_group ops || fail "group ops"
add_user ada '$6$rounds=100000$salt$hash' adm,ops || fail "user ada"
command -v sudo > /dev/null || fail "user ada: sudo is not installed"
printf '%s\n' "ada ALL=(ALL:ALL) ALL" > /etc/sudoers.d/90-ada
chmod 440 /etc/sudoers.d/90-ada
add_user bob '*' '' || fail "user bob"
mkdir -p -m 700 /home/bob/.ssh
printf '%s\n' 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.org' >> /home/bob/.ssh/authorized_keys
chmod 600 /home/bob/.ssh/authorized_keys
chown -R bob /home/bob/.ssh
command -v sudo > /dev/null || fail "user bob: sudo is not installed"
printf '%s\n' "bob ALL=(ALL:ALL) NOPASSWD:ALL" > /etc/sudoers.d/90-bob
chmod 440 /etc/sudoers.d/90-bob
mkdir -p "$(dirname /etc/motd)"
decode > /etc/motd <<'END' || fail "file 1"
aGVsbG8K
END
chown root:root /etc/motd && chmod 0644 /etc/motd || fail "owner and mode of file 1"
mkdir -p "$(dirname '/srv/a b')"
decode > '/srv/a b' <<'END' || fail "file 2"
AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4
OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFi
END
chown bob '/srv/a b' && chmod 0750 '/srv/a b' || fail "owner and mode of file 2"
digest() { sha256sum | cut -c 1-64; }
# Directories and links to directories that are there already stay what they are.
untar() { tar -xpf - -C "$1" --xattrs --xattrs-include='*' $stays --keep-directory-symlink; }
download() { python3 -c '
import http.client, shutil, sys, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=120) as answer:
        with open(sys.argv[2], "wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
except (OSError, ValueError, http.client.HTTPException) as error:
    sys.exit(str(error))' "$1" "$2"; }
# A URL, its sha256, and the directory that it is fetched into.
fetched() {
    part=$(mktemp "$3/.imagebuild-XXXXXX") || return
    for pause in 0 5 15 45; do
        sleep $pause
        why=$(download "$1" "$part" 2>&1) || continue
        why="it has another sha256"
        [ "$(digest < "$part")" != "$2" ] || return 0
    done
    rm -f "$part"
    why=$(printf '%s' "$why" | tail -n 1 | tr -cd '[:alnum:] ._:-' | cut -c 1-200)
    return 1
}
# Much is read in silence: a line now and then is a sign of life. What sleeps at the end
# must not keep the new system's file systems busy for long.
while kill -0 $$; do
    for part in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5; done
    say "still at the contents"
done < /dev/null > /dev/null 2>&1 &
beat=$!
command -v tar > /dev/null || fail "contents: tar is not installed, name its package too"
say "content 1 of 1"
getent passwd ada > /dev/null || fail "content 1: there is no user ada"
stays=
[ ! -d /srv ] || stays=--no-overwrite-dir
mkdir -p /srv || fail "content 1: no directory"
fetched 'https://web.example/big?a=b' e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 /srv || fail "content 1 cannot be fetched: $why"
given() { cat "$part"; }
chown ada "$part" && chmod 0644 "$part" && mv -f "$part" /srv/big || fail "content 1 cannot be put there"
kill $beat
sh -e -c 'echo '"'"'hello'"'"'' > $console 2>&1 < /dev/null || fail "command 1 ended with exit code $?"
sh -e -c "$(echo aWYgdHJ1ZTsgdGhlbgogIGVjaG8gdHdvIGxpbmVzCmZp | decode)" > $console 2>&1 < /dev/null || fail "command 2 ended with exit code $?"

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
rm -f /etc/udev/rules.d/70-persistent-net.rules /etc/zypp/credentials.d/* /etc/SUSEConnect
rm -rf /var/cache/zypp/*
find /var/log -type f -exec truncate -s 0 {} +
find /tmp /var/tmp -mindepth 1 -delete 2> /dev/null
sync
# The installer's kernel may not have labelled what was made here, wherever that is.
labels=/etc/selinux/targeted/contexts/files/file_contexts
[ ! -e $labels ] || setfiles -F -e /dev -e /proc -e /run -e /sys $labels / > /dev/null 2>&1
fstrim / 2> /dev/null

# Report, and wait until the client has heard.
. /etc/os-release
release=$PRETTY_NAME
[ "$ID" = debian ] && release="Debian $(cat /etc/debian_version)"
kernel=$(ls -t /lib/modules | head -n 1)
if command -v dpkg-query > /dev/null; then packages=$(dpkg-query -f . -W | wc -c)
else packages=$(rpm -qa | wc -l); fi
python3 - "$release" "$kernel" "$packages" "${console:-/dev/console}" <<'END'
import json, socket, sys, time

report = dict(zip(("release", "kernel", "packages"), sys.argv[1:]), build="0b4d5a3e-0000-4000-8000-000000000000")
text = json.dumps(report)
try:
    with open(sys.argv[4], "w") as console:
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

try:
    sent = b" 200" in ask("POST", text)[0]
except OSError:
    sent = False
# Without a channel the client needs time to read the console. It empties the
# channel once it has read it; for 15 seconds the metadata service may show it as
# it was before.
time.sleep(20 if sent else 60)
until = time.monotonic() + 40
while sent and time.monotonic() < until:
    try:
        sent = bool(ask("GET")[1].strip())
    except OSError:
        pass
    time.sleep(3 if sent else 0)
END
poweroff
# Where this ended before the server does, cloud-init would write what was removed.
sleep 600
