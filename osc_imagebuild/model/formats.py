"""In which formats images are stored, and what each must say of itself. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Of disks, in the order in which they are taken where nothing else decides.
DISK_FORMATS = ("qcow2", "raw")
# Cinder makes a volume of a raw image as it is, of others where it may convert.
CD_FORMATS = ("raw", "iso")
# Glance reads content in no other format than these as it is.
TEXT_FORMATS = ("raw", "ari")
# What a required property may be of an image's own attributes.
REQUIRED_FIELDS = ("disk_format", "container_format")


@dataclass(frozen=True, kw_only=True)
class Formats:
    """In which formats Glance gets images, and what each of them must say of itself.

    ``disk`` is that of stubs and blank disks, '' where no image can be a disk and the root
    volume is made of nothing; ``cd`` is that of CDs, ``text`` of a manifest, ``result`` of
    what Cinder makes of a root volume. ``required`` are properties without which this
    Glance takes no image. What is not told is as it was before there was this.
    """

    disk: str = "qcow2"
    cd: str = "iso"
    text: str = "raw"
    result: str = "qcow2"
    required: Mapping[str, str] = field(default_factory=dict)

    @property
    def required_properties(self) -> dict[str, str]:
        """Those that are no attributes of an image."""
        return {k: v for k, v in self.required.items() if k not in REQUIRED_FIELDS}

    @property
    def has_blank_root(self) -> bool:
        """Whether the root volume is made of no image."""
        return not self.disk


@dataclass(frozen=True)
class ImageSchema:
    """What Glance says of images: formats, and which properties it requires.

    Formats are none where it does not tell. ``required`` maps a property to the values
    that it may have, to none where that is open.
    """

    disk_formats: frozenset[str] = frozenset()
    container_formats: frozenset[str] = frozenset()
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def takes(self, *formats: str) -> bool:
        """Whether it takes disks of all these formats; so it does where it does not tell."""
        return not self.disk_formats or self.disk_formats.issuperset(formats)

    def first(self, *formats: str) -> str:
        """Return the first of these formats that it takes, '' for none."""
        return next((name for name in formats if self.takes(name)), "")


def container_of(disk_format: str) -> str:
    """Return the container format that goes with a disk format of ours."""
    return disk_format if disk_format in ("aki", "ari") else "bare"
