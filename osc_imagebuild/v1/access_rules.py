"""openstack image build access-rules"""

from __future__ import annotations

import argparse
import dataclasses
import json

from osc_imagebuild.v1.base import BuildCommand


class ShowAccessRules(BuildCommand):
    """Print what 'application credential create --access-rules' takes for this plugin"""

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        rules = [dataclasses.asdict(rule) for rule in self.builder.access_rules()]
        self.app.stdout.write(json.dumps(rules, indent=2) + "\n")
