"""What a guest is to download is looked for while the build is planned."""

from __future__ import annotations

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.contents import Content
from osc_imagebuild.model.provision import Guide, Hardening
from osc_imagebuild.planning.plan import Plan
from tests.unit.planning.test_plan import PlanTestCase

CONTENT = Content(path="/srv/big", url="https://web.fake/big", sha256="1" * 64)
KNOWN = Hardening(profile="cis_level1_server")
OWN = Hardening(
    profile="cis_level1_server",
    guide=Guide(url="https://web.fake/guide.zip", sha256="2" * 64),
)


class DownloadsTest(PlanTestCase):
    """Plans of Debian, which has a guide by the catalogue."""

    def planned(self, hardening: Hardening) -> Plan:
        """Plan a build with a content and a profile."""
        builder = self.builder()
        builder.catalog = Catalog([BUILT_IN])
        builder.catalog.add("debian-13", {"source": "http://mirror.fake/debian"})
        return builder.plan(
            self.request(
                os="debian-13",
                flavor="m1.small",
                contents=(CONTENT,),
                hardening=hardening,
            )
        )

    def test_gone(self) -> None:
        """All that is gone is told, and what to do about a guide of ours."""
        error = self.assertRaises(SpecError, self.planned, KNOWN)
        content, guide = error.problems
        self.assertIn("content '/srv/big': https://", content)
        self.assertTrue(content.endswith("web.fake/big answers HTTP 404"), content)
        self.assertIn("the security guide for Debian 13", guide)
        self.assertIn("404; name another one as customise.hardening.guide", guide)
        error = self.assertRaises(SpecError, self.planned, OWN)
        self.assertTrue(error.problems[1].endswith("guide.zip answers HTTP 404"))

    def test_there(self) -> None:
        """They are asked for, and not fetched."""
        mirror = self.cloud.mirror
        mirror.files |= {"big": b"b", "guide.zip": b"g"}
        plan = self.planned(OWN)
        self.assertNotIn("web.fake", " ".join(plan.warnings))
        asked = [line for line in mirror.fetched if "web.fake" in line]
        self.assertEqual(["HEAD", "HEAD"], [line.split()[0] for line in asked])

    def test_out_of_reach(self) -> None:
        """What only guests may reach is a warning."""
        self.cloud.mirror.down = True
        told = " ".join(self.planned(OWN).warnings)
        self.assertIn("web.fake/guide.zip", told)
        self.assertIn("web.fake/big", told)
