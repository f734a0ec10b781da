"""An ISO as large as a vendor's, of which hardly anything is there."""

from __future__ import annotations

import io
import random
import struct
from typing import Any

_MIB = 1 << 20


class SparseIso:
    """A kernel, a ramdisk and ``others`` small files; zeros up to ``size_gib``."""

    paths = ("casper/vmlinuz", "casper/initrd")

    def __init__(
        self, kernel_mib: int, ramdisk_mib: int, size_gib: int, others: int
    ) -> None:
        import pycdlib

        self.size = size_gib << 30
        sizes = (kernel_mib * _MIB, ramdisk_mib * _MIB)
        numbers = random.Random(0)
        self.files = {
            path: numbers.randbytes(size)
            for path, size in zip(self.paths, sizes, strict=True)
        }
        iso: Any = pycdlib.PyCdlib()
        iso.new(interchange_level=3, vol_ident="SPARSE", rock_ridge="1.09", joliet=3)
        for name in ("casper", "pool"):
            iso.add_directory(f"/{name.upper()}", rr_name=name, joliet_path=f"/{name}")
        files = self.files | {f"pool/package-{n:05}.deb": b"deb" for n in range(others)}
        for number, (path, data) in enumerate(files.items()):
            folder, _, name = path.rpartition("/")
            plain = f"/{folder.upper()}/F{number:07}.;1"
            iso.add_fp(
                io.BytesIO(data), len(data), plain, rr_name=name, joliet_path=f"/{path}"
            )
        disc = io.BytesIO()
        iso.write_fp(disc)
        iso.close()
        self._data = bytearray(disc.getvalue())
        sectors = self.size // 2048
        # What it says of its size, in both byte orders. Source: ECMA-119, 8.4.8.
        struct.pack_into("<I", self._data, 16 * 2048 + 80, sectors)
        struct.pack_into(">I", self._data, 16 * 2048 + 84, sectors)

    def read(self, at: int, count: int) -> bytes:
        """Return ``count`` bytes from ``at``."""
        return bytes(self._data[at : at + count]).ljust(count, b"\0")
