"""image build family list, family show, prune, and what show and list tell of families."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.builds.record import Record
from tests.fakes.cinder import FakeVolume
from tests.fakes.faults import answered
from tests.fakes.machines import Disk, FakeServer
from tests.unit.base import NAME
from tests.unit.shell import ShellTestCase

DAY = 86_400.0


class FamilyTestCase(ShellTestCase):
    """A project with families."""

    def built(self, **fields: Any) -> Record:
        """Build one more, a day after the one before."""
        self.cloud.world.sleep(DAY)
        wanted = {"replace": True, "keep": 100, "verify": False}
        return self.builder().create(self.request(**(wanted | fields)))

    def server(self, name: str, image: str = "", volume: str = "") -> None:
        """Start a server by other ways, of an image or with a volume."""
        nova = self.cloud.nova
        nova.servers[name] = FakeServer(
            id=name, name=name, project="demo", created=self.cloud.world.now,
            image_id=image, flavor=nova.flavors[0], root=Disk(b"", {}),
        )  # fmt: skip
        if volume:
            self.cloud.cinder.volumes[volume].attach(name)

    def volume(self, volume_id: str, image: str = "", **made_of: str) -> str:
        """Make a volume by other ways, of an image or a snapshot."""
        known = {"image_id": image} if image else {}
        self.cloud.cinder.volumes[volume_id] = FakeVolume(
            data=b"", properties=known, id=volume_id, name=volume_id, project="demo",
            created=0.0, size=1, metadata={}, status="available", made_of=made_of,
        )  # fmt: skip
        return volume_id


class ListTest(FamilyTestCase):
    """family list"""

    def test_list(self) -> None:
        """One line each, by their names; images unless another kind is asked for."""
        self.built(name="web", verify=True, output="volume", replace=False, keep=3)
        self.built()
        last = self.built(members=("other",))
        self.cloud.world.sleep(2 * DAY)
        rows = self.build("family", "list", "-f", "json").json
        built = self.cloud.glance.images[last.result_id].properties
        self.assertEqual(
            [
                {
                    "Family": NAME,
                    "Kind": "image",
                    "Image ID": last.result_id,
                    "Name": NAME,
                    "Built At": built["imagebuild_built_at"],
                    "Age": rows[0]["Age"],
                    "Older": 1,
                }
            ],
            rows,
        )
        self.assertEqual(2, rows[0]["Age"] // DAY)
        more = self.build("family", "list", "--long", "-f", "json").json[0]
        self.assertEqual(["p-other"], more["Members"])
        self.assertEqual(("shared", "mini"), (more["Visibility"], more["OS"]))
        table = self.build("family", "list", "--long").out
        self.assertIn("| 2d ", table)
        self.assertIn("| p-other ", table)
        volumes = self.build("family", "list", "--long", "--kind=volume", "-f", "json")
        self.assertEqual(
            ("web", "mini", [], None),
            tuple(
                volumes.json[0][k] for k in ("Family", "OS", "Members", "Visibility")
            ),
        )
        self.assertIn("Volume ID", volumes.json[0])
        none = self.build("family", "list", "--kind=snapshot", "-f", "value")
        self.assertEqual((0, ""), (none.code, none.out))

    def test_members_unknown(self) -> None:
        """A policy may hide them."""
        self.built(members=("other",))
        self.cloud.hooks.append(
            lambda call: answered(403) if call.path.endswith("/members") else None
        )
        rows = self.build("family", "list", "--long", "-f", "json").json
        self.assertEqual("unknown", rows[0]["Members"])


class ShowTest(FamilyTestCase):
    """family show"""

    def test_images(self) -> None:
        """The current one first; servers of them, with a disk or a volume."""
        first, second = self.built(), self.built(old="community")
        last = self.built(old="community")
        glance = self.cloud.glance
        old = glance.images[first.result_id]
        old.protected = old.hidden = True
        self.server("web\x1b[2J", image=last.result_id)
        self.server("db", volume=self.volume("v-db", image=first.result_id))
        self.server("other", volume=self.volume("v-x", image="another"))
        rows = self.build("family", "show", NAME, "-f", "json").json
        self.assertEqual(
            [
                ("current", last.result_id, ["web\x1b[2J"]),
                ("older, community", second.result_id, []),
                ("older, hidden, community, protected", first.result_id, ["db"]),
            ],
            [(row["State"], row["ID"], row["Servers"]) for row in rows],
        )
        table = self.build("family", "show", NAME).out
        self.assertIn("web\\x1b[2J", table)
        self.assertNotIn("\x1b", table)

    def test_cinder(self) -> None:
        """Servers that have the volume, or one that was made of a snapshot."""
        disk = self.built(output="volume", verify=True)
        self.server("has-it", volume=disk.result_id)
        self.server("copy", volume=self.volume("v-2", source_volid=disk.result_id))
        words = ("family", "show", NAME, "-f", "json", "--kind")
        [row] = self.build(*words, "volume").json
        self.assertEqual(
            ("current, in-use", ["copy", "has-it"]),
            (row["State"], sorted(row["Servers"])),
        )
        shot = self.built(output="snapshot", verify=True)
        self.server("of-it", volume=self.volume("v-3", snapshot_id=shot.result_id))
        [row] = self.build(*words, "snapshot").json
        self.assertEqual(("current", ["of-it"]), (row["State"], row["Servers"]))

    def test_unknown(self) -> None:
        """Nova refuses, or Cinder; and no family of that name."""
        build = self.built()
        self.server("db", volume=self.volume("v-db", image=build.result_id))
        refusals = {"compute": "unknown", "volume": []}
        for service, expected in refusals.items():
            self.cloud.hooks[:] = [
                lambda call, service=service: (  # type: ignore[misc]
                    answered(403) if call.service == service else None
                )
            ]
            [row] = self.build("family", "show", NAME, "-f", "json").json
            self.assertEqual(expected, row["Servers"])
        self.cloud.hooks.clear()
        for kind in ((), ("--kind", "volume")):
            ran = self.build("family", "show", "nobody", *kind)
            self.assertEqual(1, ran.code)
            self.assertIn(
                "is of a family 'nobody'; see: openstack image build", ran.err
            )
            self.assertIn(" ".join(("family list", *kind)), ran.err)


class PruneTest(FamilyTestCase):
    """prune"""

    def test_prune(self) -> None:
        """A dry run lists what would go, and then it goes."""
        builds = [self.built() for _ in range(3)]
        glance = self.cloud.glance
        old = glance.images[builds[0].result_id]
        words = ("prune", "--keep", "1", "-f", "json")
        [row] = self.build(*words, "--dry-run").json
        self.assertEqual(
            ("image", old.id, old.name, NAME, "would be deleted"),
            tuple(row[k] for k in ("Type", "ID", "Name", "Family", "Result")),
        )
        self.assertIn(old.id, glance.images)
        [row] = self.build(*words).json
        self.assertEqual("deleted", row["Result"])
        self.assertNotIn(old.id, glance.images)
        self.assertEqual([], self.build(*words).json)
        quiet = self.build("prune", "--family", "nobody", "-f", "value")
        self.assertEqual((0, "", ""), (quiet.code, quiet.out, quiet.err))

    def test_what_stays(self) -> None:
        """In use: told, and no error; refused: told, and an error after all."""
        builds = [self.built() for _ in range(4)]
        glance = self.cloud.glance
        glance.images[builds[0].result_id].in_use = True
        ran = self.build("prune", "--keep", "2", "-f", "json")
        self.assertEqual((0, "kept: in use"), (ran.code, ran.json[0]["Result"]))
        self.assertIn(f"image {builds[0].result_id} is kept: ", ran.err)
        self.assertIn("it is in use", ran.err)
        self.cloud.hooks.append(
            lambda call: (
                answered(403)
                if call.method == "DELETE" and builds[1].result_id in call.path
                else None
            )
        )
        ran = self.build("prune", "--keep", "0", "-f", "json")
        self.assertEqual(
            ["kept: in use", "refused", "deleted"], [r["Result"] for r in ran.json]
        )
        self.assertEqual(1, ran.code)
        self.assertIn(f"image {builds[1].result_id} is kept: ", ran.err)

    def test_hostile_names(self) -> None:
        """Names of images and families are shown with what a terminal would obey."""
        word = "x\x1b[2J\u202ey"
        builds = [self.built(name=word, family=word) for _ in range(2)]
        glance = self.cloud.glance
        glance.images[builds[0].result_id].in_use = True
        glance.images[builds[0].result_id].properties["imagebuild_os"] = word
        for words in (
            ("family", "list", "--long"),
            ("family", "show", word),
            ("family", "show", word, "-f", "value"),
            ("prune", "--keep=0", "--family", word),
            ("prune", "--keep=0", "--records"),
        ):
            ran = self.build(*words)
            self.assertEqual(0, ran.code, ran.err)
            self.assertIn("x\\x1b[2J\\u202ey", ran.out)
            for char in "\x1b\u202e":
                self.assertNotIn(char, ran.out + ran.err)
        ran = self.build("family", "show", f"{word}?")
        self.assertNotIn("\x1b", ran.err)

    def test_ages(self) -> None:
        """As people write them."""
        builds = [self.built() for _ in range(3)]
        table = self.build("prune", "--keep=0", "--older-than=36h", "--dry-run").out
        self.assertIn(f"| {builds[0].result_id} |", table)
        self.assertIn("| 2d ", table)
        self.assertNotIn(builds[1].result_id, table)
        for word in ("90", "d", "-1d", "1.5h", "1y", "99999999999d", "٣d", ""):
            ran = self.build("prune", f"--older-than={word}")
            self.assertEqual(2, ran.code, word)
            self.assertIn("--older-than: an age is a number of minutes", ran.err)
        ran = self.build("prune", "--keep=-1")
        self.assertIn("--keep takes 0 or more", ran.err)

    def test_records(self) -> None:
        """Those of builds that are over; one that cannot be read is told."""
        builds = [self.built() for _ in range(2)]
        broken = self.cloud.glance.images[builds[0].id]
        broken.properties["imagebuild_schema"] = "99"
        self.cloud.world.sleep(DAY)
        ran = self.build("prune", "--records", "-f", "json")
        self.assertEqual(0, ran.code, ran.err)
        self.assertEqual(
            [(builds[1].id, "deleted"), (broken.id, "kept: unreadable")],
            [(row["ID"], row["Result"]) for row in ran.json],
        )
        self.assertIsNone(ran.json[1]["Age"])
        self.assertIn("another version of this tool", ran.err)
        self.assertIn("openstack image build show", ran.err)
        self.assertIn(broken.id, self.cloud.glance.images)

    def test_a_list_fails(self) -> None:
        """What was deleted before is listed all the same."""
        builds = [self.built() for _ in range(2)]
        self.cloud.hooks.append(
            lambda call: answered(403) if call.one("tag") == "imagebuild" else None
        )
        ran = self.build("prune", "--keep=0", "--records", "-f", "json")
        self.assertEqual((1, "deleted"), (ran.code, ran.json[0]["Result"]))
        self.assertIn("HTTP 403", ran.err)
        self.assertNotIn(builds[0].result_id, self.cloud.glance.images)
        ran = self.build("prune", "--keep=0", "--records", "-f", "json")
        self.assertEqual((1, ""), (ran.code, ran.out))


class ColumnsTest(FamilyTestCase):
    """What show and list tell of a build's family."""

    def test_show(self) -> None:
        """Family, whether it replaces others, whom it is for, and its age."""
        self.built(members=("other",), family="base")
        self.cloud.world.sleep(DAY)
        shown = self.build("show", NAME, "-f", "json").json
        self.assertEqual(
            ("base", True, ["p-other"]),
            tuple(shown[key] for key in ("family", "replaces", "members")),
        )
        self.assertEqual(1, shown["age"] // DAY)
        self.assertRegex(self.build("show", NAME).out, r"(?m)^\| age +\| 1d +\|$")
        self.built(name="plain", replace=False, keep=3)
        shown = self.build("show", "plain", "-f", "json").json
        self.assertEqual(
            ("plain", False, None),
            tuple(shown[key] for key in ("family", "replaces", "members")),
        )

    def test_list(self) -> None:
        """In all lists; the progress of what is at work."""
        self.built()
        building = self.started()
        self.cloud.world.sleep(40)
        self.builder().resume(building.id, wait=False)
        rows = self.build("list", "-f", "json").json
        self.assertEqual([NAME, NAME], [row["Family"] for row in rows])
        self.assertEqual([0, 0], [row["Age"] // DAY for row in rows])
        self.assertIsNone(rows[1]["Progress"])
        self.assertIn(rows[0]["Progress"], range(1, 100))
        by_status = self.build("list", "--status=building", "-f", "json").json
        self.assertEqual([building.id], [row["ID"] for row in by_status])
