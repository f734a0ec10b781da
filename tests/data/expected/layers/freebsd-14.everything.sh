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
http_proxy=http://proxy.example:3128
https_proxy=$http_proxy HTTP_PROXY=$http_proxy HTTPS_PROXY=$http_proxy
no_proxy=localhost,127.0.0.1,169.254.169.254,10.0.0.0/8
NO_PROXY=$no_proxy
export http_proxy https_proxy HTTP_PROXY HTTPS_PROXY no_proxy NO_PROXY
mkdir -p /usr/local/etc/ssl/certs
cat > /usr/local/etc/ssl/certs/imagebuild-build-880eafc1746857ff.pem <<'END' || fail "CA certificate 1"
-----BEGIN CERTIFICATE-----
MIIBgDCCASegAwIBAgIUD09Hhf7keFg3VGrzizRb7f2p2ggwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKY2EuZXhhbXBsZTAgFw0yNjExMjgyMDM0NTNaGA8yMTI2MTEw
NDIwMzQ1M1owFTETMBEGA1UEAwwKY2EuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABAumigJ7aIWBbOKYkHzJX6gCk3+1YzKgT5rrk7UNTfHWcPsBBP8M
lGAsHKHMGXj9JVMS2VDQNDsCbfehwEmMBymjUzBRMB0GA1UdDgQWBBRWamOhxJr4
9ugSwoINfqpftHIWrTAfBgNVHSMEGDAWgBRWamOhxJr49ugSwoINfqpftHIWrTAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCICtbJvEm89IqQfoF/NMo
HnuYpMfeMW6VD5TKrP4RxWVAAiAOshSI/Q4SG4t3b9NirHysgzmNtuk+BChE40cv
QQ2ZyQ==
-----END CERTIFICATE-----
END
certctl rehash > /dev/null 2>&1 || fail "the CA certificates: certctl rehash"

mkdir -p /usr/local/etc/pkg/repos /usr/local/etc/ssl
decode > /usr/local/etc/ssl/extra.pub <<'END'
LS0tLS1CRUdJTiBQR1AgUFVCTElDIEtFWSBCTE9DSy0tLS0tCi4uLgo=
END
cat > /usr/local/etc/pkg/repos/extra.conf <<'END'
extra: {
    url: "https://reader:op3n-sesame@packages.example/extra",
    signature_type: "pubkey",
    pubkey: "/usr/local/etc/ssl/extra.pub",
    enabled: yes
}
END
chmod 600 /usr/local/etc/pkg/repos/extra.conf
say "IMAGEBUILD-UPDATE begins"
patched=
unpatched=
updated() {
    patched=$(date +%s)
    say "IMAGEBUILD-UPDATE is done"
}
not_updated() { fail "update: $*"; }
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

pkg bootstrap || fail "pkg bootstrap"
pkg install -q tree vim || fail "pkg install tree vim"
echo '$6$rounds=100000$salt$hash' | pw usermod root -H 0 || fail "root's password"
# Without this FreeBSD lets root in by no key either.
grep -q "^PermitRootLogin" /etc/ssh/sshd_config || echo "PermitRootLogin prohibit-password" >> /etc/ssh/sshd_config
mkdir -p -m 700 /root/.ssh
printf '%s\n' 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.org' >> /root/.ssh/authorized_keys
chmod 600 /root/.ssh/authorized_keys
chown -R root /root/.ssh
add_group adm || fail "group adm"
add_group ops || fail "group ops"
add_user ada '$6$rounds=100000$salt$hash' adm,ops || fail "user ada"
command -v sudo > /dev/null || fail "user ada: sudo is not installed"
printf '%s\n' "ada ALL=(ALL:ALL) ALL" > /usr/local/etc/sudoers.d/90-ada
chmod 440 /usr/local/etc/sudoers.d/90-ada
add_user bob '*' '' || fail "user bob"
mkdir -p -m 700 /home/bob/.ssh
printf '%s\n' 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.org' >> /home/bob/.ssh/authorized_keys
chmod 600 /home/bob/.ssh/authorized_keys
chown -R bob /home/bob/.ssh
command -v sudo > /dev/null || fail "user bob: sudo is not installed"
printf '%s\n' "bob ALL=(ALL:ALL) NOPASSWD:ALL" > /usr/local/etc/sudoers.d/90-bob
chmod 440 /usr/local/etc/sudoers.d/90-bob
mkdir -p "$(dirname /etc/motd)"
decode > /etc/motd <<'END' || fail "file 1"
aGVsbG8K
END
chown root:wheel /etc/motd && chmod 0644 /etc/motd || fail "owner and mode of file 1"
mkdir -p "$(dirname '/srv/a b')"
decode > '/srv/a b' <<'END' || fail "file 2"
AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4
OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFi
END
chown bob '/srv/a b' && chmod 0750 '/srv/a b' || fail "owner and mode of file 2"
digest() { sha256 -q; }
untar() { LC_ALL=C.UTF-8 tar -xpf - -C "$@"; }
download() { fetch -q -o "$2" "$1"; }
untar_owned() { plain | untar "$1" --uname "$2" ${3:+--gname "$3"}; }
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
sed -i "" 's,//[^/@]*@,//,' /usr/local/etc/pkg/repos/extra.conf && chmod 644 /usr/local/etc/pkg/repos/extra.conf || fail "the login of repository extra"
# Its catalogue says where it came from.
rm -rf /var/db/pkg/repo-extra.sqlite* /var/db/pkg/repos/extra
rm -f /usr/local/etc/ssl/certs/imagebuild-build-880eafc1746857ff.pem
certctl rehash > /dev/null 2>&1 || fail "the CA certificates: certctl rehash"

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
