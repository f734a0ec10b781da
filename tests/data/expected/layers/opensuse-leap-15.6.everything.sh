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
http_proxy=http://proxy.example:3128
https_proxy=$http_proxy HTTP_PROXY=$http_proxy HTTPS_PROXY=$http_proxy
no_proxy=localhost,127.0.0.1,169.254.169.254,10.0.0.0/8
NO_PROXY=$no_proxy
export http_proxy https_proxy HTTP_PROXY HTTPS_PROXY no_proxy NO_PROXY
mkdir -p /etc/pki/trust/anchors
cat > /etc/pki/trust/anchors/imagebuild-build-880eafc1746857ff.pem <<'END' || fail "CA certificate 1"
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
update-ca-certificates > /dev/null 2>&1 || fail "the CA certificates: update-ca-certificates"
# For what has a list of its own, such as pip.
export REQUESTS_CA_BUNDLE=/etc/ssl/ca-bundle.pem SSL_CERT_FILE=/etc/ssl/ca-bundle.pem

mkdir -p /etc/pki/rpm-gpg
decode > /etc/pki/rpm-gpg/RPM-GPG-KEY-extra <<'END'
LS0tLS1CRUdJTiBQR1AgUFVCTElDIEtFWSBCTE9DSy0tLS0tCi4uLgo=
END
# The installer's own entry for it, which does not check signatures.
rm -f /etc/zypp/repos.d/extra.repo
cat > /etc/zypp/repos.d/extra.repo <<'END'
[extra]
name=extra
baseurl=https://packages.example/extra?credentials=imagebuild-extra
enabled=1
autorefresh=1
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-extra
END
mkdir -p /etc/zypp/credentials.d
(umask 077; decode > /etc/zypp/credentials.d/imagebuild-extra) <<'END'
dXNlcm5hbWUgPSByZWFkZXIKcGFzc3dvcmQgPSBvcDNuLXNlc2FtZQo=
END
say "IMAGEBUILD-UPDATE begins"
patched=
unpatched=
updated() {
    patched=$(date +%s)
    say "IMAGEBUILD-UPDATE is done"
}
not_updated() { fail "update: $*"; }
# Whoever runs this inside the new system need not have told it the name servers.
if [ ! -s /etc/resolv.conf ] && [ -r /proc/1/root/etc/resolv.conf ]; then
    mkdir -p "$(dirname "$(readlink -m /etc/resolv.conf)")"
    cat /proc/1/root/etc/resolv.conf > /etc/resolv.conf
fi
# What changes zypper itself comes first, and alone: it says so by 103. Patches that want
# a restart, and the kernel's above all, are left out where nobody is asked, but for
# --with-interactive. The newest kernel is GRUB's first entry, and the one that boots.
# Source: zypper(8), patch and EXIT CODES; /etc/zypp/zypp.conf, multiversion.kernels.
for try in 1 2 3; do
    zypper -n --plus-repo http://download.opensuse.org/update/leap/15.6/oss --plus-repo http://download.opensuse.org/update/leap/15.6/sle --plus-repo http://download.opensuse.org/update/leap/15.6/backports patch --with-interactive --with-update --auto-agree-with-licenses > $console 2>&1 < /dev/null
    code=$?
    [ $code = 103 ] || break
done
case $code in
    0 | 102 | 103 | 107) updated ;;
    6) not_updated "zypper knows no repository" ;;
    8) fail "update: zypper could not install all that is new, see the console" ;;
    106) not_updated "zypper left out a repository that is out of reach, see the console" ;;
    *) not_updated "zypper ended with exit code $code, see the console" ;;
esac

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
# Packages that are there for a while.
borrow() {
    for package; do rpm -q "$package" > /dev/null || echo "$package"; done > $work/borrowed
    [ ! -s $work/borrowed ] || zypper -n install $(cat $work/borrowed)
}
give_back() {
    [ ! -s $work/borrowed ] || zypper -n remove --clean-deps $(cat $work/borrowed)
}

# The playbook.
work=/var/lib/imagebuild-ansible
rm -rf $work
mkdir -p -m 700 $work && mkdir $work/plugins || fail "ansible: there is no place for it"
decode > /var/lib/imagebuild-ansible/project.tar.xz <<'END' || fail "ansible: the playbook"
/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4Cf/AGldADmaSu7jSMt7PAWgiF+EeyYsPeXIj8/uvAvy
UUtm6yTeVKIiY6N60Y9vvrk0Up0CrPeL8smtMHuJxOyZKmuW9UcYRYBoI1QaoTvrRnuVf0Dadmk5
5tNrYbMMruvppxamwUMDJVUM+kmMAAAAAAA/BZfEbaNYhwABhQGAUAAAjeCtMbHEZ/sCAAAAAARZ
Wg==
END
decode > $work/variables.json <<'END' || fail "ansible: the variables"
eyJncmVldGluZyI6ICJpdCdzIiwgIm51bWJlcnMiOiBbMSwgdHJ1ZSwgbnVsbF19
END
cat > $work/plugins/imagebuild.py <<'END'
DOCUMENTATION = """
name: imagebuild
type: aggregate
short_description: Write down which task failed, and the recap.
description: [For the build of an image that the play is a part of.]
"""
import json, os

from ansible.plugins.callback import CallbackBase

def message(data):
    """Return why a task failed, as one text."""
    for item in data.get("results") or []:
        if isinstance(item, dict) and (item.get("failed") or item.get("unreachable")):
            return "item %s: %s" % (item.get("item"), message(dict(item, results=None)))
    words = [data.get("msg") or data.get("censored") or "it gives no reason"]
    words += ["exit code %s" % data["rc"]] if data.get("rc") else []
    words += [data["stderr"]] if data.get("stderr") else []
    return "; ".join(w if isinstance(w, str) else json.dumps(w, default=str) for w in words)

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "imagebuild"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.seen = {"failures": [], "recap": None}

    def write(self):
        with open(os.environ["IMAGEBUILD_SEEN"], "w") as file:
            json.dump(self.seen, file)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if not ignore_errors and len(self.seen["failures"]) < 1000:
            # The second name is that of releases before 2.19.
            data = result.result if hasattr(result, "result") else result._result
            self.seen["failures"].append([str(result.task_name)[:200], message(data)[:2000]])
            self.write()

    def v2_runner_on_unreachable(self, result):
        self.v2_runner_on_failed(result)

    def v2_playbook_on_stats(self, stats):
        if stats.processed:
            self.seen["recap"] = stats.summarize("localhost")
        self.write()
END
cat > $work/run.py <<'END'
import json, os, shutil, subprocess, sys, tarfile, warnings

work, (programs, playbook, requirements) = os.path.dirname(__file__), sys.argv[1:4]
seen, project = os.path.join(work, "seen.json"), os.path.join(work, "project")
leftover = os.path.expanduser("~root/.ansible")
was_there = os.path.exists(leftover)
secrets = []
if os.path.exists(work + "/secrets.json"):
    with open(work + "/secrets.json") as file:
        # The longest first, should one be part of another; a short one says nothing.
        secrets = sorted((s for s in json.load(file) if len(s) > 3), key=len, reverse=True)

def plain(text, most):
    """Return a text as one line of what a console shows, without secrets."""
    for secret in secrets:
        text = text.replace(secret, "(secret)")
    text = "".join(c if c.isprintable() else " " for c in text)
    return text.replace("IMAGEBUILD-", "IMAGEBUILD ")[:most]

def say(text):
    sys.stdout.buffer.write((text + "\n").encode("utf-8", "replace"))
    sys.stdout.buffer.flush()

def fail(why):
    say("IMAGEBUILD-FAILED ansible: " + plain(" ".join(why.split()), 900))
    sys.exit(1)

def run(*words):
    """Run a program with its lines on the console; return its exit code and last lines."""
    command = [os.path.join(programs, words[0])] + list(words[1:])
    process = subprocess.Popen(
        command, cwd=project, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    last = []
    for line in iter(lambda: process.stdout.readline(4096), b""):
        text = plain(line.decode("utf-8", "replace").rstrip("\n"), 1000)
        say(text)
        last = (last + [text])[-40:] if text.strip() else last
    return process.wait(), last

def said(last):
    """Return the error among the last lines, or the last one."""
    errors = [n for n, line in enumerate(last) if "ERROR" in line]
    return " ".join(last[errors[-1]:][:4] if errors else last[-1:])

def failed(what, last):
    """Return the failure that nothing has rescued: what was rescued came before it."""
    failures, rescued = what["failures"], (what["recap"] or {}).get("rescued", 0)
    if failures:
        name, message = failures[min(rescued, len(failures) - 1)]
        return 'task "%s": %s' % (plain(name, 120), message)
    return said(last) or "it failed and says nothing"

os.makedirs(project)
if os.path.exists(work + "/project.tar.xz"):
    warnings.simplefilter("ignore")
    with tarfile.open(work + "/project.tar.xz", "r:xz") as archive:
        archive.extractall(project)
environment = dict(
    os.environ, HOME=os.path.expanduser("~root"), LC_ALL="C.UTF-8", PYTHONUNBUFFERED="1",
    PYTHONDONTWRITEBYTECODE="1", ANSIBLE_NOCOLOR="1", ANSIBLE_FORCE_COLOR="0",
    ANSIBLE_CALLBACK_PLUGINS=work + "/plugins", ANSIBLE_RETRY_FILES_ENABLED="0",
    ANSIBLE_HOME=work + "/ansible", ANSIBLE_LOCAL_TEMP=work + "/tmp",
    ANSIBLE_REMOTE_TEMP=work + "/remote", ANSIBLE_PYTHON_INTERPRETER="auto_silent",
    IMAGEBUILD_SEEN=seen,
)
if programs:
    environment["PATH"] = programs + ":" + environment["PATH"]
if requirements:
    # To a place of their own, from which they go with the rest.
    environment["ANSIBLE_ROLES_PATH"] = work + "/roles"
    environment["ANSIBLE_COLLECTIONS_PATH"] = work + "/collections:/usr/share/ansible/collections"
    code, last = run("ansible-galaxy", "install", "-r", requirements)
    if code:
        fail("ansible-galaxy could not install %s: %s" % (requirements, said(last)))
local = ["-i", "localhost,", "-c", "local", "-e", "@" + work + "/variables.json"]
code, last = run("ansible-playbook", *(local + sys.argv[4:] + [playbook]))
what = {"failures": [], "recap": None}
if os.path.exists(seen):
    with open(seen) as file:
        what = json.load(file)
if code:
    fail(failed(what, last))
recap = what["recap"]
if recap is None:
    fail("no task of %s ran: let its play have hosts: localhost, or all" % playbook)
names = ("ok", "changed", "failures", "unreachable", "skipped", "rescued", "ignored")
text = " ".join("%s=%d" % (name.replace("failures", "failed"), recap.get(name, 0)) for name in names)
say("ansible: " + text)
with open(work + "/recap", "w") as file:
    file.write(text)
if not was_there:
    shutil.rmtree(leftover, ignore_errors=True)
END
borrow ansible-core > $console 2>&1 < /dev/null || fail "zypper install ansible-core"
python3 $work/run.py '' site.yml '' --tags 'it'"'"'s' > $console 2>&1 < /dev/null || give_up
IMAGEBUILD_ANSIBLE=$(cat $work/recap)
export IMAGEBUILD_ANSIBLE
give_back > $console 2>&1 < /dev/null || fail "ansible: its packages cannot be removed"
rm -rf $work
sh -e -c 'echo '"'"'hello'"'"'' > $console 2>&1 < /dev/null || fail "command 1 ended with exit code $?"
sh -e -c "$(echo aWYgdHJ1ZTsgdGhlbgogIGVjaG8gdHdvIGxpbmVzCmZp | decode)" > $console 2>&1 < /dev/null || fail "command 2 ended with exit code $?"

# The security guide.
work=/var/lib/imagebuild-hardening
rm -rf $work
mkdir -p -m 700 $work || fail "hardening: there is no place for it"
cat > $work/run.py <<'END'
import base64, glob, hashlib, json, os, re, subprocess, sys, urllib.request, zipfile, zlib
from xml.etree import ElementTree

work = os.path.dirname(__file__)
build, profile, also, least, url, sha256 = sys.argv[1:7]
XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
PROFILE, RULE = "xccdf_org.ssgproject.content_profile_", "xccdf_org.ssgproject.content_rule_"
MOST = 200 << 20

def packed(text):
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()

def frames(build, kind, text):
    pieces = [text[n : n + 160] for n in range(0, len(text), 160)]
    for place, piece in enumerate(pieces, 1):
        total = hashlib.sha256(piece.encode()).hexdigest()[:8]
        yield "IMAGEBUILD-DATA %s %s %d/%d %s %s\n" % (build, kind, place, len(pieces), total, piece)

def say(text):
    sys.stdout.buffer.write((text + "\n").encode("utf-8", "replace"))
    sys.stdout.buffer.flush()

def fail(why):
    text = "".join(c if c.isprintable() else " " for c in why)
    say("IMAGEBUILD-FAILED hardening: " + text[:900])
    sys.exit(1)

def fetched():
    """Fetch the guide, and return the directory that it is in."""
    path, found, size = os.path.join(work, "guide"), hashlib.sha256(), 0
    try:
        with urllib.request.urlopen(url, timeout=120) as answer, open(path, "wb") as file:
            for block in iter(lambda: answer.read(1 << 20), b""):
                file.write(block)
                found.update(block)
                size += len(block)
                if size > MOST:
                    fail("the guide at %s is larger than %d bytes" % (url, MOST))
    except (OSError, ValueError) as error:
        fail("the guide at %s cannot be fetched: %s" % (url, error))
    if found.hexdigest() != sha256:
        fail("the guide at %s has the sha256 %s, not %s" % (url, found.hexdigest(), sha256))
    place = os.path.join(work, "guides")
    os.mkdir(place)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for item in archive.infolist():
                name = os.path.basename(item.filename)
                if name.endswith("-ds.xml") and item.file_size <= MOST:
                    with open(os.path.join(place, name), "wb") as file:
                        file.write(archive.read(item))
    elif open(path, "rb").read(8) == b"!<arch>\n":
        subprocess.check_call(["dpkg-deb", "-x", path, os.path.join(work, "package")])
        return os.path.join(work, "package/usr/share/xml/scap/ssg/content")
    else:
        os.rename(path, os.path.join(place, "ssg-own-ds.xml"))
    return place

def system():
    """Return the names that guides may have for this system, the best one first."""
    said = {}
    with open("/etc/os-release") as file:
        for line in file:
            key, _, value = line.strip().partition("=")
            said[key] = value.strip("\"'")
    name, version = said.get("ID", ""), said.get("VERSION_ID", "")
    major, whole = version.partition(".")[0], version.replace(".", "")
    names = {
        "centos": ["cs", "centos"], "rocky": ["rl", "rocky"], "almalinux": ["almalinux", "al"],
        "sles": ["sle", "sles"], "opensuse-leap": ["opensuse", "sle"],
    }.get(name, [name])
    return ["own"] + [n + v for n in names for v in (whole, major, "")]

def guide(directory):
    known = sorted(os.path.basename(p)[4:-7] for p in glob.glob(directory + "/ssg-*-ds.xml"))
    for name in system():
        if name in known:
            return "%s/ssg-%s-ds.xml" % (directory, name)
    fail(
        "the guides have none for this system (%s); they are for: %s. Name another one as "
        "customise.hardening.guide" % (system()[1], ", ".join(known) or "nothing")
    )

def chosen(path, tailoring):
    """Return the profile by its whole name."""
    text = "".join(open(p, encoding="utf-8", errors="replace").read() for p in [path] + tailoring)
    known = set(re.findall(r"<(?:[\w.-]+:)?Profile\s[^>]*?\bid=[\"']([^\"']+)", text))
    for name in (profile, PROFILE + profile, PROFILE + also):
        if name in known:
            return name
    short = sorted(name.replace(PROFILE, "") for name in known)
    fail("there is no profile %s in the guide; there are: %s" % (profile, ", ".join(short)))

def evaluated(*words):
    """Run the scanner; its lines are signs of life. 2 is where some rules fail."""
    process = subprocess.Popen(
        ["oscap", "xccdf", "eval"] + list(words), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    last = ""
    for line in iter(lambda: process.stdout.readline(4096), b""):
        text = "".join(c if c.isprintable() else " " for c in line.decode("utf-8", "replace"))
        if text.strip():
            last = text.strip().replace("IMAGEBUILD-", "IMAGEBUILD ")[:500]
            say(last)
    if process.wait() not in (0, 2):
        fail("oscap ended with exit code %d: %s" % (process.returncode, last))

tailoring = [os.path.join(work, "tailoring.xml")]
tailoring = tailoring if os.path.exists(tailoring[0]) else []
path = guide(fetched() if url else "/usr/share/xml/scap/ssg/content")
words = ["--profile", chosen(path, tailoring)]
words += ["--tailoring-file"] + tailoring if tailoring else []
say("hardening: %s, %s" % (os.path.basename(path), words[1]))
evaluated(*(["--remediate"] + words + [path]))
# What a rule repairs, another one may break: only what there is at the end counts.
results = os.path.join(work, "results.xml")
evaluated(*(words + ["--results", results, path]))
count, failed, score = {}, [], 0.0
for _, element in ElementTree.iterparse(results):
    if element.tag == XCCDF + "rule-result":
        result = element.findtext(XCCDF + "result") or "unknown"
        count[result] = count.get(result, 0) + 1
        if result in ("fail", "error", "unknown"):
            failed.append(element.get("idref", "").replace(RULE, ""))
    elif element.tag == XCCDF + "score":
        score = float(element.text or 0)
failed = sorted(re.sub("[^A-Za-z0-9_.-]", "_", name)[:120] for name in failed)
text = "score=%.1f passed=%d failed=%d" % (score, count.get("pass", 0), len(failed))
say("hardening: " + text)
line = ""
for name in failed + [""]:
    if line and (len(line) + len(name) > 800 or not name):
        say("hardening: failed:" + line)
        line = ""
    line += " " + name
for line in frames(build, "rules", packed(json.dumps(failed))):
    say(line.rstrip())
if score < float(least):
    fail("the score is %.1f, below %s; %d rules fail" % (score, least, len(failed)))
for name, words in (("score", text), ("failed", " ".join(failed))):
    with open(os.path.join(work, name), "w") as file:
        file.write(words)
END
borrow openscap-utils > $console 2>&1 < /dev/null || fail "zypper install openscap-utils"
python3 $work/run.py 0b4d5a3e-0000-4000-8000-000000000000 cis '' 0 https://guides.example/ssg.zip 0000000000000000000000000000000000000000000000000000000000000000 > $console 2>&1 < /dev/null || give_up
IMAGEBUILD_HARDENING=$(cat $work/score)
IMAGEBUILD_FAILED_RULES=$(cat $work/failed)
export IMAGEBUILD_HARDENING IMAGEBUILD_FAILED_RULES
give_back > $console 2>&1 < /dev/null || fail "hardening: its packages cannot be removed"
rm -rf $work
rm -f /etc/zypp/credentials.d/imagebuild-extra
sed -i 's/?credentials=[^&]*$//' /etc/zypp/repos.d/extra.repo || fail "the login of repository extra"
rm -f /etc/pki/trust/anchors/imagebuild-build-880eafc1746857ff.pem
update-ca-certificates > /dev/null 2>&1 || fail "the CA certificates: update-ca-certificates"

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
import os

for name, most in (("ansible", 150), ("hardening", 100), ("failed_rules", 400)):
    said = os.environ.get("IMAGEBUILD_" + name.upper(), "")
    if len(said) > most:
        said = said[:most].rpartition(" ")[0] + " ..."
    if said:
        report[name] = said
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
