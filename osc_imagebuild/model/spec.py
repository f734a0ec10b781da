"""A build with every name resolved, as the record keeps it. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A build with every name resolved; what the record keeps. No secrets.

    Sizes carry their unit, times are seconds. ``result_properties`` is all that may be
    found on the finished image besides Glance's own attributes. Signs are the OS's own;
    ``expected_s`` is how long it took before, 0 if unknown. ``root`` says where the
    root disk is: 'local', on the server's host, or 'volume'. ``iso_import`` is whether
    Glance fetches the ISO by itself, ``answers_in_iso`` whether the files of the answer
    CD go into the ISO itself, ``press_key`` whether its boot loader waits for a key;
    more on an ISO is in `InstallSource`. ``volume_zone`` is the zone of
    volumes, '' for Cinder's choice. ``address`` is as
    `osc_imagebuild.planning.fixed_address.of_subnet` makes it, empty where the first network has
    DHCP. ``verify_config_drive`` is whether the first server that tests the result gets a
    config drive even where others do not; ``install_ram_mib`` and ``install_disk_gib``
    are what the installer needs.
    """

    name: str
    os: str
    arch: str
    source: str
    boot_method: str
    output: str
    flavor_id: str
    flavor_name: str
    root: str
    disk_gib: int
    firmware: str
    config_drive: bool
    networks: tuple[str, ...]
    address: Mapping[str, str]
    security_groups: tuple[str, ...]
    availability_zone: str | None
    volume_zone: str
    hints: Mapping[str, str | tuple[str, ...]]
    kernel_url: str
    ramdisk_url: str
    kernel_args: str
    kernel_sha256: str
    ramdisk_sha256: str
    iso_url: str
    iso_image_id: str
    iso_size_gib: int
    iso_key: str
    iso_sha256: str
    iso_sha512: str
    iso_import: bool
    iso_as_cd: bool
    iso_label: str
    iso_kernel: str
    iso_ramdisk: str
    iso_version: str
    answer_cd_label: str
    answer_cd_files: Mapping[str, str]
    answer_cd_texts: Mapping[str, str]
    answers_in_iso: bool
    driver_cd: DriverCd
    press_key: bool
    boot_properties: Mapping[str, str]
    result_properties: Mapping[str, str]
    result_tags: tuple[str, ...]
    result_visibility: str
    min_ram_mib: int
    timeout_s: int
    verify: bool
    verify_user_data: str
    verify_sign: str
    verify_timeout_s: int
    keep_on_failure: bool
    attempts: int = 2
    verify_config_drive: bool = True
    install_ram_mib: int = 0
    install_disk_gib: int = 0
    family: str
    progress: tuple[tuple[str, str, int], ...]
    failures: tuple[tuple[str, str], ...]
    banners: tuple[str, ...]
    stall_s: int
    expected_s: int


# --- what the user has ------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class DriverCd:
    """An ISO with drivers: a URL or path, or an image; as the fields of `Spec`'s ISO."""

    url: str = ""
    image_id: str = ""
    size_gib: int = 0
    key: str = ""
    sha256: str = ""
    sha512: str = ""
    imported: bool = False

    def __bool__(self) -> bool:
        """Whether there is one."""
        return bool(self.url or self.image_id)


@dataclass(frozen=True, kw_only=True)
class InstallSource:
    """Install media as the spec keeps them; '' and 0 where they are of no use.

    ``iso_as_cd`` is whether the server gets the ISO as a CD; ``iso_kernel`` and
    ``iso_ramdisk`` are paths in it, ``iso_version`` says which state of it.
    """

    boot_method: str
    source: str
    kernel_url: str = ""
    ramdisk_url: str = ""
    kernel_sha256: str = ""
    ramdisk_sha256: str = ""
    iso_url: str = ""
    iso_image_id: str = ""
    iso_size_gib: int = 0
    iso_sha256: str = ""
    iso_sha512: str = ""
    iso_import: bool = False
    iso_key: str = ""
    iso_as_cd: bool = False
    iso_label: str = ""
    iso_kernel: str = ""
    iso_ramdisk: str = ""
    iso_version: str = ""

    @property
    def iso_url_for_guests(self) -> str:
        """Where the installer fetches its ISO, '' where that is a CD."""
        return "" if self.iso_as_cd else self.iso_url
