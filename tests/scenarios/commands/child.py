"""A client in a process of its own: python -m tests.scenarios.commands.child REPORT SIGNAL WORDS.

It types ``openstack image build WORDS`` into the real shell, on a fake cloud and with the
streams that it was started with, and writes the statuses of the builds and the number of
leases to the file REPORT. It sends SIGNAL to itself when its server is made; 0 is none.
"""

from __future__ import annotations

import json
import os
import sys

from openstackclient.shell import OpenStackShell

from tests.fakes.wire import Call
from tests.unit.shell import LOGIN, ShellTestCase


class Child(ShellTestCase):
    """Types one command."""

    code = 1

    def runTest(self) -> None:
        """Type what was given, and report."""
        report, number, *words = sys.argv[1:]

        def hook(call: Call) -> None:
            if int(number) and call.kind == "create server":
                os.kill(os.getpid(), int(number))

        self.cloud.hooks.append(hook)
        try:
            self.code = OpenStackShell().run([*LOGIN, "image", "build", *words])
        finally:
            images = self.cloud.glance.images.values()
            found = {
                "statuses": [
                    image.properties["imagebuild_status"]
                    for image in images
                    if "imagebuild_status" in image.properties
                ],
                "leases": sum("-lease-" in (image.name or "") for image in images),
            }
            with open(report, "w", encoding="utf-8") as file:
                json.dump(found, file)


if __name__ == "__main__":
    child = Child()
    child.run()
    sys.exit(child.code)
