"""Call the own code of a service where the devcloud has it installed."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import testtools

from devcloud import settings

_PYTHON = settings.VENV / "bin" / "python"


class ServiceCodeCase(testtools.TestCase):
    """Compares what a service's code says with what a fake says."""

    def run_there(self, script: str, asked: Any) -> Any:
        """Run a script that reads JSON, and whose last line is JSON, by the services' Python."""
        if not _PYTHON.exists():
            self.skipTest("the devcloud is not installed here")
        done = subprocess.run(
            [str(_PYTHON), "-W", "ignore", "-c", script],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])
