"""Names and IDs of security groups, from the request to Nova."""

from __future__ import annotations

from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.resources import SecurityGroup
from osc_imagebuild.planning import selection
from tests.unit.base import CloudTestCase


class SecurityGroupsTest(CloudTestCase):
    """Names and IDs of security groups."""

    GROUPS = (
        SecurityGroup("1", "web"),
        SecurityGroup("2", "web"),
        SecurityGroup("3", "default"),
        SecurityGroup("4", "default", own=False),
        SecurityGroup("5", "shared", own=False),
        SecurityGroup("6", "1"),
    )

    def test_chosen(self) -> None:
        """An ID is that group, a name the project's own, or one that it can see."""
        for names, ids in (
            (("1",), ("1",)),
            (("2", "1"), ("2", "1")),
            (("default",), ("3",)),
            (("4",), ("4",)),
            (("shared", "5"), ("5",)),
        ):
            self.assertEqual(ids, selection.security_groups(self.GROUPS, names))

    def test_refused(self) -> None:
        """All that are unknown or ambiguous, these with their IDs."""
        names = ("web", "x", "default", "y")
        error = self.assertRaises(
            SpecError, selection.security_groups, self.GROUPS, names
        )
        self.assertEqual(
            (
                "no security group 'x', 'y'; see: openstack security group list",
                "several security groups are named 'web', give one's ID: 1, 2",
            ),
            error.problems,
        )

    def test_ambiguous_to_nova(self) -> None:
        """A group by its ID is built with, even where another has its name."""
        self.cloud.neutron.groups.append(
            {"id": "sg-3", "name": "web", "project_id": "demo"}
        )
        build = self.started(security_groups=("sg-3",))
        self.assertEqual(("sg-3",), build.spec.network.security_groups)
        error = self.assertRaises(SpecError, self.started, security_groups=("web",))
        self.assertIn("give one's ID: sg-2, sg-3", str(error))
