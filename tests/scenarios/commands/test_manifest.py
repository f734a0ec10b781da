"""image build manifest, image build diff, and what becomes of manifests."""

from __future__ import annotations

import json
from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import RecordError
from osc_imagebuild.model.manifest import MANIFEST_OF, MANIFEST_TAG
from tests.fakes.faults import answered, once
from tests.fakes.image import FakeImage
from tests.unit.base import NAME
from tests.unit.shell import ShellTestCase


class ManifestTestCase(ShellTestCase):
    """A project with results that have told what they have."""

    def built(self, *packages: list[str], **fields: Any) -> Record:
        """Build one more, with these packages, a day after the one before."""
        self.cloud.world.sleep(86_400)
        said = {"manager": "deb", "packages": list(packages)}
        self.cloud.nova.plan.inventory = json.dumps(said).encode()
        return self.builder().create(self.request(**fields))

    def kept(self) -> dict[str, FakeImage]:
        """The manifests that are kept, by the IDs of what they are of."""
        listed = self.images(manifests=True)
        return {i.properties[MANIFEST_OF]: i for i in listed if MANIFEST_TAG in i.tags}


class ShowTest(ManifestTestCase):
    """image build manifest, image build diff"""

    def test_by_any_name(self) -> None:
        """The ID of the result or its build, the family, the name of the image."""
        build = self.built(["bash", "5.2", "amd64", "GPL-3+"], ["apt", "3"])
        for word in (build.result_id, build.id, NAME):
            shown = self.build("manifest", word)
            self.assertEqual("apt\t3\nbash\t5.2\tamd64\tGPL-3+\n", shown.out)
        spdx = json.loads(self.build("manifest", "--format", "spdx", NAME).out)
        self.assertEqual("SPDX-2.3", spdx["spdxVersion"])
        bom = json.loads(self.build("manifest", "--format", "cyclonedx", NAME).out)
        self.assertEqual(["apt", "bash"], [c["name"] for c in bom["components"]])

    def test_other_outputs(self) -> None:
        """Volumes and snapshots have one too."""
        for output in ("volume", "snapshot"):
            build = self.built(["apt", "3"], name=output, output=output)
            self.assertEqual("apt\t3\n", self.build("manifest", build.result_id).out)

    def test_diff(self) -> None:
        """Packages, and what tells the builds apart."""
        old = self.built(["bash", "5.2"], ["telnet", "1"])
        new = self.built(["bash", "5.3"], replace=True)
        rows = self.build("diff", old.result_id, NAME, "-f", "json").json
        packages = [row for row in rows if row["About"] == "package"]
        self.assertEqual(
            [("bash", "changed", "5.2", "5.3"), ("telnet", "removed", "1", None)],
            [(r["Name"], r["Change"], r["Before"], r["After"]) for r in packages],
        )
        [build] = [row for row in rows if row["Name"] == "build"]
        self.assertEqual((old.id, new.id), (build["Before"], build["After"]))

    def test_unknown(self) -> None:
        """Not tested, not there, or spoilt: in words."""
        build = self.built(["apt", "3"], verify=False)
        for word in (build.result_id, "nothing"):
            shown = self.build("manifest", word)
            self.assertIn(f"nothing is known of '{word}'", shown.err)
        proven = self.built(["apt", "3"])
        self.kept()[proven.result_id].data = b"{}"
        error = self.assertRaises(
            RecordError, self.builder().manifest, proven.result_id
        )
        self.assertIn("cannot be read: it is of version None", str(error))

    def test_planted(self) -> None:
        """What only says that it is one counts for nothing, nor is it removed."""
        build = self.built(["apt", "3"])
        real = self.kept()[build.result_id]
        planted = self.cloud.glance.add(
            "demo", name="user's own", status="active", data=b"{}", hidden=True,
            tags=[MANIFEST_TAG], properties=dict(real.properties),
        )  # fmt: skip
        self.assertEqual("apt\t3\n", self.build("manifest", build.result_id).out)
        self.builder().delete(build.id, with_image=True)
        self.assertEqual([planted], self.images(manifests=True))


class GoneTest(ManifestTestCase):
    """It goes with what it is of."""

    def test_with_the_result(self) -> None:
        """By a rotation, by prune, and with delete --with-image; not with the record."""
        first = self.built(["a", "1"], replace=True, keep=1)
        second = self.built(["a", "2"], replace=True, keep=1)
        self.assertEqual({first.result_id, second.result_id}, set(self.kept()))
        third = self.built(["a", "3"], replace=True, keep=1)
        self.assertEqual({second.result_id, third.result_id}, set(self.kept()))
        list(self.builder().prune(keep=0))
        self.assertEqual({third.result_id}, set(self.kept()))
        self.builder().delete(second.id)
        self.builder().delete(third.id, with_image=True)
        self.assertEqual({}, self.kept())

    def test_by_other_ways(self) -> None:
        """What a user has deleted leaves it behind; prune removes that."""
        build, other = self.built(["a", "1"]), self.built(["b", "1"], name="other")
        del self.cloud.glance.images[build.result_id]
        would = list(self.builder().prune(dry_run=True))
        self.assertEqual(["manifest"], [item.kind for item in would])
        self.assertEqual(2, len(self.kept()))
        list(self.builder().prune())
        self.assertEqual({other.result_id}, set(self.kept()))

    def test_refused(self) -> None:
        """That it stays keeps nothing else from going."""
        build = self.built(["a", "1"])
        kept = self.kept()[build.result_id]
        kept.protected = True
        self.builder().delete(build.id, with_image=True)
        self.assertEqual({build.result_id}, set(self.kept()))
        [told] = list(self.builder().prune())
        self.assertEqual("REFUSED", told.fate.name)


class TroubleTest(ManifestTestCase):
    """No build fails by it."""

    def test_silent(self) -> None:
        """A guest that lists nothing is waited for, and told."""
        self.cloud.nova.plan.lists_s = 1e9
        build = self.built()
        self.assertEqual("complete", build.status)
        self.assertIn("nothing of it", build.marks["inspected"].data["trouble"])
        self.assertEqual({}, self.kept())

    def test_glance_takes_none(self) -> None:
        """An upload that is refused once is made again."""
        refused = once(lambda call: call.kind == "upload image", answered(503))
        self.cloud.hooks.append(refused)
        build = self.built(["a", "1"])
        self.assertEqual({build.result_id}, set(self.kept()))
