"""Find where the installer comes from: an install tree, or an ISO.

Found out and checked while a build is planned; nothing is written. ISOs are in
`osc_imagebuild.planning.iso_source`.
"""

from __future__ import annotations

import dataclasses

from osc_imagebuild import boot
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.guests import install_tree
from osc_imagebuild.guests.install_tree import InstallTree
from osc_imagebuild.media import content, http
from osc_imagebuild.model import machine
from osc_imagebuild.model.spec import InstallSource
from osc_imagebuild.planning import selection
from osc_imagebuild.planning.iso_source import IsoFinder, Search
from osc_imagebuild.planning.request_checks import address_problems


class Finder(Search):
    """Finds the media of one request."""

    def find(self) -> InstallSource:
        """Return the media, reachable as far as that can be seen from here.

        :raises: SpecError, CloudError
        """
        source = self._source()
        if not self.request.source and (wrong := address_problems("source", source)):
            raise SpecError(wrong)
        if "://" in source and not source.startswith(("http://", "https://")):
            raise SpecError(f"the install tree must be an http(s) URL: {source!r:.200}")
        if source and not install_tree.is_iso(source):
            return self._tree(install_tree.install_tree(self.entry, self.request))
        finder = IsoFinder(self.api, self.request, self.entry, self.tell, self.warn)
        return finder.find(source)

    def _source(self) -> str:
        """The user's, or the entry's: its ISO only where that is asked for."""
        tree = install_tree.install_tree(self.entry, self.request)
        name = self.request.boot_method
        method = boot.find(self.entry.boot_methods[0] if name == "auto" else name)
        wanted = method is not None and not method.takes_tree
        is_tree = not install_tree.is_iso(tree.source)
        return tree.iso_url if tree.iso_url and wanted and is_tree else tree.source

    # --- install trees

    def _tree(self, tree: InstallTree) -> InstallSource:
        if self.request.checksum:
            raise SpecError(
                f"--checksum is an ISO's, and {tree.source} is an install tree, of "
                "which nothing would be compared with it"
            )
        source, kernel, ramdisk = tree.source, tree.kernel_url, tree.ramdisk_url
        name, line = selection.boot_method(
            self.request, self.entry, kernel, self._missing_parts()
        )
        if line:
            self.tell(line)
        method = boot.load(name)
        if not method.takes_tree:
            raise SpecError(
                f"boot method {name} takes the installer's ISO, and {source} is an "
                "install tree; give the ISO with --source"
            )
        found = InstallSource(
            boot_method=name,
            source=source,
            kernel_url=kernel,
            ramdisk_url=ramdisk,
        )
        if not method.uploads_kernel:
            self._look_at(kernel, ramdisk, *tree.fetches)
            return found
        self._look_at(*tree.fetches)
        try:
            return dataclasses.replace(
                found,
                kernel_sha256=http.digest(kernel)[0],
                ramdisk_sha256=http.digest(ramdisk)[0],
            )
        except TransientError as error:
            raise SpecError(str(error)) from error

    def _missing_parts(self) -> dict[str, list[str]]:
        """What this machine lacks for each boot method."""
        firmware, arch = machine.firmware(self.request), self.request.arch
        return {
            name: content.missing_parts(made)
            for name in boot.names()
            if (made := boot.load(name).made_here(firmware, arch))
        }

    def _look_at(self, *urls: str) -> None:
        """Warn of what the guest is to fetch and this machine does not reach.

        :raises: SpecError where a server has it not
        """
        try:
            for url in urls:
                http.check(url)
        except TransientError as error:
            self.warn(f"not reachable from here, perhaps for guests: {error}")
