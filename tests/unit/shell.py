"""The real `openstack` shell in this process, on the fake cloud."""

from __future__ import annotations

import inspect
import io
import json
import logging
import os
import sys
from dataclasses import dataclass
from typing import Any

import fixtures

from osc_imagebuild import v1
from osc_imagebuild.cloud import api
from osc_imagebuild.guests import catalog, passwords
from tests.fakes import keystone
from tests.unit.base import CATALOG, NAME, CloudTestCase

LOGIN = (
    f"--os-auth-url={keystone.URL}",
    "--os-username=tester",
    f"--os-password={keystone.PASSWORD}",
    "--os-project-name=demo",
    "--os-user-domain-name=Default",
    "--os-project-domain-name=Default",
)


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)


class ShellTestCase(CloudTestCase):
    """Types commands."""

    def setUp(self) -> None:
        """Have no settings but a catalogue with the test OS."""
        super().setUp()
        self.patch(passwords, "ROUNDS", 1000)
        self.patch(api, "Clock", lambda: self.cloud.clock())
        # The client sets up logging for itself, and it logs much.
        logging.disable(logging.INFO)
        self.addCleanup(logging.disable, logging.NOTSET)
        for name in [n for n in os.environ if n.startswith("OS_")]:
            self.useFixture(fixtures.EnvironmentVariable(name))
        home = self.useFixture(fixtures.TempHomeDir()).path
        # Where a build fails, what shows why is saved in the working directory.
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(home)
        self.useFixture(fixtures.EnvironmentVariable("XDG_CONFIG_HOME", home))
        self.useFixture(fixtures.EnvironmentVariable(catalog.ENVIRONMENT, str(CATALOG)))

    def openstack(self, *words: str) -> Ran:
        """Type ``openstack WORDS``, logged in."""
        return self.typed(*LOGIN, *words)

    def typed(self, *words: str) -> Ran:
        """Type ``openstack WORDS`` and nothing more."""
        # Half a second, which tests without the client need not wait.
        from openstackclient.common import clientmanager
        from openstackclient.shell import OpenStackShell

        # osc-lib keeps clients for the life of the process, which this is not.
        manager = clientmanager.ClientManager
        if cache := inspect.getattr_static(manager, v1.API_NAME, None):
            cache._handle = None
        out, err = io.StringIO(), io.StringIO()
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = out, err
        try:
            code = OpenStackShell().run(list(words))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stdout, sys.stderr = before
        return Ran(code, out.getvalue(), err.getvalue())

    def build(self, *words: str) -> Ran:
        """Type ``openstack image build WORDS``."""
        return self.openstack("image", "build", *words)

    def create(self, *words: str) -> Ran:
        """Type a create of the test OS."""
        return self.build("create", "--os", "mini", *words, NAME)
