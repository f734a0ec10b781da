"""One operating system of the catalogue. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osc_imagebuild import boot
from osc_imagebuild.monitors.console import signs
from osc_imagebuild.monitors.console.signs import Signs


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One release as the catalogue has it.

    ``arches`` maps an architecture to kernel and ramdisk (paths below the
    source, or whole URLs), its ISO, the paths of kernel and ramdisk in that
    (``iso_kernel``, ``iso_ramdisk``), variables, and its own source if it has one. Paths
    of templates are looked up in ``directories``. ``finish`` is the template of
    the script that ends an installation, ``report`` of the one that reports,
    ``report_line`` the one line that runs it in a user's own answer file, and
    ``report_hint`` where that line goes. ``answer_cd`` says how the installer
    finds an answer file on a CD: ``label``, ``file``, more empty files in
    ``empty``, others with their ``texts``, and ``remaster: true`` where all of them
    must be on the installer's own.
    ``layer`` is how an image of the system is changed: ``template`` is of the user data,
    ``takes`` lists the fields of a request that it carries out, if not all usual ones,
    and ``config_drive`` is whether the server gets a config drive to read it from.
    ``iso_kernel_args`` is the command line where kernel and ramdisk are of an ISO,
    if it is another one; ``iso_as_cd`` whether the installer then needs the ISO as
    a CD, and does not fetch it by its URL.
    ``fetches`` are templates of what the installer of a tree fetches by a fixed name,
    as URLs or paths below the source. ``indexes`` are templates of where the indexes of
    the package repositories are, each one or several URLs or paths, or none.
    ``network`` has the words of the installer's command line for ``dhcp`` and for a
    ``static`` address, ``config_drive_url`` those for an answer file on a config drive.
    ``press_key`` lists the firmwares (bios, uefi) with which its CD asks for a key.
    ``driver_properties`` change both kinds of properties where the user has a CD with
    drivers. ``proven`` says where builds were made, empty where none was. ``login_user`` is
    whom cloud-init gives the user's key, by default. ``progress``, ``failures`` and
    ``banners`` are as in `Spec`.
    """

    name: str
    family: str
    title: str
    version: str
    source: str
    arches: Mapping[str, Mapping[str, Any]]
    answer: str
    kernel_args: str
    directories: tuple[Path, ...]
    iso_kernel_args: str = ""
    iso_as_cd: bool = True
    answer_format: str = ""
    answer_cd: Mapping[str, Any] = field(default_factory=dict)
    finish: str = ""
    layer: Mapping[str, Any] = field(default_factory=dict)
    report: str = ""
    report_line: str = ""
    report_hint: str = ""
    proven: str = ""
    end_of_life: str = ""
    login_user: str = ""
    release_file: str = ""
    min_ram_mib: int = 1024
    min_disk_gib: int = 4
    result_min_ram_mib: int = 512
    timeout_min: int = 120
    boot_methods: tuple[str, ...] = field(default_factory=boot.of_trees)
    power_off_sign: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    boot_properties: Mapping[str, str] = field(default_factory=dict)
    driver_properties: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, str] = field(default_factory=dict)
    config_drive_url: str | None = None
    fetches: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    verify: Mapping[str, Any] = field(default_factory=dict)
    progress: tuple[tuple[str, str, int], ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    banners: tuple[str, ...] = ()
    stall_min: int = 10
    deviations: tuple[str, ...] = ()
    press_key: tuple[str, ...] = ()

    @property
    def signs(self) -> Signs:
        """Its own signs, beside those of its family (`monitors.console.sign_files`)."""
        return signs.of_catalogue(self.progress, self.failures, self.banners)
