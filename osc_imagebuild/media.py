"""Make the bytes that a build uploads: stub disk, blank disk, fetched file."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import requests

from osc_imagebuild import answer_iso, discs, efi, iso, qcow2, streams, web
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.parts import (
    AnswerCd,
    BlankDisk,
    Content,
    EfiStubDisk,
    InstallMedia,
    IsoFile,
    RemasteredIso,
    RemoteFile,
    StubDisk,
)

_CHUNK = 1 << 20
_GIB = 1 << 30

_ISOLINUX_CFG = b"""\
SERIAL 0 115200
DEFAULT imagebuild
PROMPT 0
LABEL imagebuild
  KERNEL ipxe.krn
  INITRD boot.ipx
"""

# Where distributions put the parts, and which package brings them.
_PARTS = {
    "ipxe.lkrn": (
        ("/usr/lib/ipxe", "/usr/share/ipxe"),
        "ipxe (Debian, Ubuntu) or ipxe-bootimgs-x86 (Fedora, RHEL)",
    ),
    "isolinux.bin": (
        ("/usr/lib/ISOLINUX", "/usr/share/syslinux", "/usr/lib/syslinux/bios"),
        "isolinux (Debian, Ubuntu) or syslinux (Fedora, RHEL)",
    ),
    "ldlinux.c32": (
        ("/usr/lib/syslinux/modules/bios", "/usr/share/syslinux"),
        "syslinux-common (Debian, Ubuntu) or syslinux (Fedora, RHEL)",
    ),
}


def missing_parts(firmware: str = "bios", arch: str = "x86_64") -> list[str]:
    """Return a line for each part of a stub disk that this machine lacks."""
    if firmware == "uefi":
        return efi.missing_parts(arch)
    return [
        f"{name} is not installed; it comes with the package {package}"
        for name, (_, package) in _PARTS.items()
        if _part(name) is None
    ]


def _part(name: str) -> Path | None:
    for directory in _PARTS[name][0]:
        path = Path(directory, name)
        if path.is_file():
            return path
    return None


def _read_part(name: str) -> bytes:
    path = _part(name)
    if path is None:
        raise SpecError([*missing_parts(), "or use --boot-method kernel"])
    return path.read_bytes()


@contextmanager
def opened(
    content: Content,
    texts: Mapping[str, str] | None = None,
    ask_for: iso.AskForImage | None = None,
    beat: Callable[[], None] = lambda: None,
) -> Iterator[tuple[IO[bytes], int]]:
    """Give ``content`` as a stream and its size in bytes.

    ``texts`` are the build's own, for answer CDs; ``ask_for`` reads an image.
    ``beat`` is called now and then while something is fetched beforehand.

    :raises: SpecError where it cannot be made, TransientError where it cannot
        be fetched now, and what ``beat`` raises
    """
    match content:
        case InstallMedia():
            with streams.opened(content) as (stream, size):
                yield stream, size
        case RemasteredIso(original, named, plain):
            files = _filled(named, plain, texts or {})
            put = {path: text.encode() for path, text in files.items()}
            with answer_iso.opened(original, put) as (stream, size):
                yield stream, size
        case IsoFile() | RemoteFile():
            with tempfile.TemporaryFile() as file:
                _fetch_part(content, _Scratch(file, beat), ask_for)
                size = file.tell()
                file.seek(0)
                yield file, size
        case _:
            data = _made(content, texts or {})
            yield io.BytesIO(data), len(data)


def _made(
    content: StubDisk | EfiStubDisk | BlankDisk | AnswerCd, texts: Mapping[str, str]
) -> bytes:
    """What is small enough to be made here."""
    match content:
        case StubDisk(script):
            return stub_disk(script)
        case EfiStubDisk(script, arch):
            return efi.stub_disk(script, arch)
        case BlankDisk(size_gib):
            return qcow2.build(b"", size_gib * _GIB)
        case AnswerCd(label, named, plain):
            return discs.answer_cd(label, _filled(named, plain, texts))


class _Scratch:
    """A temporary file; what is written to it takes its time, and room."""

    def __init__(
        self, file: IO[bytes], beat: Callable[[], None] = lambda: None
    ) -> None:
        self._file, self._beat = file, beat

    def write(self, data: bytes, /) -> None:
        """Append ``data``.

        :raises: SpecError where there is no room, and what ``beat`` raises
        """
        self._beat()
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise SpecError(
                f"cannot keep a file in {tempfile.gettempdir()} for its upload: "
                f"{error.strerror}; name another directory with TMPDIR"
            ) from error


def _fetch_part(
    content: IsoFile | RemoteFile, file: _Scratch, ask_for: iso.AskForImage | None
) -> None:
    if isinstance(content, IsoFile):
        iso.fetch(content, file, ask_for)
    elif (digest := _fetch(content.url, file)) != content.sha256:
        raise SpecError(
            f"{content.url} has changed since the build was planned "
            f"(sha256 {digest}, was {content.sha256}); start a new build"
        )


def _filled(
    named: Mapping[str, str], plain: Mapping[str, str], texts: Mapping[str, str]
) -> dict[str, str]:
    """Paths and contents of what carries answers."""
    return {path: texts.get(name, "") for path, name in named.items()} | dict(plain)


def stub_disk(script: str) -> bytes:
    """Return a qcow2 disk of a few MiB that boots iPXE with ``script``.

    It is a hybrid ISO: isolinux as a hard disk's boot record loads iPXE as a
    kernel and the script as its initrd. Needs no root and no tools.

    :raises: SpecError where iPXE or isolinux is not installed
    """
    import pycdlib

    files = {
        "/ISOLINUX.BIN;1": _read_part("isolinux.bin"),
        "/LDLINUX.C32;1": _read_part("ldlinux.c32"),
        "/IPXE.KRN;1": _read_part("ipxe.lkrn"),
        "/BOOT.IPX;1": script.encode(),
        "/ISOLINUX.CFG;1": _ISOLINUX_CFG,
    }
    iso = pycdlib.PyCdlib()
    iso.new(vol_ident="IMAGEBUILD")
    try:
        for path, data in files.items():
            iso.add_fp(io.BytesIO(data), len(data), path)
        iso.add_eltorito(
            "/ISOLINUX.BIN;1", "/BOOT.CAT;1", boot_load_size=4, boot_info_table=True
        )
        iso.add_isohybrid()
        disk = io.BytesIO()
        iso.write_fp(disk)
    finally:
        iso.close()
    data = disk.getvalue()
    return qcow2.build(data, -(-len(data) // _CHUNK) * _CHUNK)


def digest(url: str) -> tuple[str, int]:
    """Return sha256 and size in bytes of the file at ``url``.

    :raises: SpecError where the server refuses, TransientError where it does
        not answer
    """
    with tempfile.TemporaryFile() as file:
        sha256 = _fetch(url, _Scratch(file))
        return sha256, file.tell()


def fetch_text(url: str, limit: int = 4 << 20) -> str:
    """Return a small text file.

    :raises: as `digest`
    """
    with tempfile.TemporaryFile() as file:
        _fetch(url, _Scratch(file), limit)
        file.seek(0)
        return file.read().decode("utf-8", "replace")


def check(url: str) -> None:
    """Find out whether ``url`` can be had, without fetching it.

    :raises: as `digest`
    """
    web.head(url, {})


def _fetch(url: str, file: _Scratch, limit: int = iso.FILE_LIMIT) -> str:
    sha256, count = hashlib.sha256(), 0
    with web.asking(url):
        response = requests.get(url, stream=True, timeout=web.TIMEOUT_S)
    try:
        web.require_ok(url, response)
        for chunk in response.iter_content(_CHUNK):
            file.write(chunk)
            sha256.update(chunk)
            count += len(chunk)
            if count > limit:
                raise SpecError(f"{url} is larger than {limit >> 20} MiB")
    except requests.RequestException as error:
        raise TransientError(f"{url} broke off: {error}", service="mirror") from error
    finally:
        response.close()
    plain = "Content-Encoding" not in response.headers
    if plain and (expected := web.length(response)) and count != expected:
        raise TransientError(f"{url} broke off", service="mirror")
    return sha256.hexdigest()
