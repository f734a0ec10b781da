"""Write a qcow2 disk image that holds a few bytes of a large disk.

Source: the qcow2 specification, docs/interop/qcow2.txt of QEMU (version 3).
"""

from __future__ import annotations

import struct

from osc_imagebuild.model.numbers import MOST_GIB

CLUSTER = 65536
_ENTRIES = CLUSTER // 8  # of an L2 or refcount table
_COPIED = 1 << 63


def build(data: bytes, size: int) -> bytes:
    """Return a qcow2 image of ``size`` bytes that begins with ``data``.

    What has nothing on it takes a table of 8 bytes for each 512 MiB.

    :raises: ValueError where ``data`` does not fit, or no disk is so large
    """
    if size > MOST_GIB << 30:
        raise ValueError(f"a disk has {MOST_GIB} GiB at most, not {size >> 30}")
    size = -(-size // 512) * 512
    if len(data) > size:
        raise ValueError(f"{len(data)} bytes do not fit on a disk of {size}")
    l2_count = -(-size // (_ENTRIES * CLUSTER))
    l1_clusters = -(-l2_count * 8 // CLUSTER)
    data_clusters = -(-len(data) // CLUSTER)
    used_l2 = -(-data_clusters // _ENTRIES)
    # header, refcount table, refcount block, L1, L2s in use, data
    total = 3 + l1_clusters + used_l2 + data_clusters
    if total > CLUSTER // 2:
        raise ValueError("more data than one refcount block can count")
    l2_at = (3 + l1_clusters) * CLUSTER
    data_at = l2_at + used_l2 * CLUSTER
    l1 = b"".join(
        struct.pack(">Q", (l2_at + n * CLUSTER) | _COPIED) for n in range(used_l2)
    )
    l2 = b"".join(
        struct.pack(">Q", (data_at + n * CLUSTER) | _COPIED)
        for n in range(data_clusters)
    )
    return b"".join(
        (
            _pad(_header(size, l2_count), CLUSTER),
            _pad(struct.pack(">Q", 2 * CLUSTER), CLUSTER),
            _pad(struct.pack(">H", 1) * total, CLUSTER),
            _pad(l1, l1_clusters * CLUSTER),
            _pad(l2, used_l2 * CLUSTER),
            _pad(data, data_clusters * CLUSTER),
        )
    )


def _header(size: int, l1_size: int) -> bytes:
    return struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb",
        3,  # version
        0,  # no backing file
        0,
        16,  # cluster bits
        size,
        0,  # no encryption
        l1_size,
        3 * CLUSTER,  # L1 table
        CLUSTER,  # refcount table
        1,  # of one cluster
        0,  # no snapshots
        0,
        0,  # no incompatible,
        0,  # compatible
        0,  # or automatic feature bits
        4,  # refcounts of 16 bits
        104,  # header length; a zero word ends the extensions
    )


def _pad(data: bytes, size: int) -> bytes:
    return data + b"\0" * (size - len(data))
