"""What a record may say, whoever wrote it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import testtools

from osc_imagebuild.builds import validation
from osc_imagebuild.model.boots import Boot
from osc_imagebuild.model.contents import MOST, MOST_BYTES, Disc, Packed
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.facts import Mark
from osc_imagebuild.model.own_tests import Expected
from osc_imagebuild.model.spec import AnswerDisc, Iso, Media, Parent, Spec
from osc_imagebuild.planning import fixed_address
from tests.unit.samples import BUILD_ID, spec

LONG = "x" * 16_385
DISC = AnswerDisc(label="CIDATA", files={"user-data": "user-data"})
ADDRESS = fixed_address.of_subnet("10.0.4.0/24", "10.0.4.1", ["10.0.4.2"], "10.0.4.7")
# Fields of a spec, each by its name in schema 1, and what is said of them.
FIELDS: tuple[tuple[dict[str, Any], str | None], ...] = (
    ({}, None),
    ({"boot_method": "floppy"}, "the boot method 'floppy' is none of "),
    ({"output": "tape"}, "the output 'tape' is none of "),
    ({"firmware": "coreboot"}, "the firmware 'coreboot' is none of bios, uefi"),
    ({"result_visibility": "secret"}, "the visibility 'secret' is none of "),
    ({"os": "../x"}, "the system has another form"),
    ({"arch": "a/../b"}, "the architecture has another form"),
    ({"flavor_id": ""}, "the flavor has another form"),
    ({"networks": ()}, "it has no network"),
    ({"networks": ("a\n",)}, "a network or security group has another form"),
    ({"security_groups": ("..",)}, "a network or security group has another form"),
    (
        {"name": LONG},
        "spec.result.name is longer than 16384 characters, or has what is none",
    ),
    (
        {"name": "\0"},
        "spec.result.name is longer than 16384 characters, or has what is none",
    ),
    ({"hints": {"group": LONG}}, "spec.hardware.hints is longer than"),
    ({"networks": ("n",) * 257}, "spec.network.networks has more than 256 items"),
    ({"disk_gib": 65_537}, "spec.hardware.disk_gib is none of 0 to 65536"),
    ({"disk_gib": -1}, "spec.hardware.disk_gib is none of 0 to 65536"),
    ({"attempts": 0}, "spec.conduct.attempts is none of 1 to "),
    ({"verify_sign": "x" * 1001}, "a sign is longer than 1000 characters"),
    ({"banners": ("x" * 1001,)}, "a sign is longer than 1000 characters"),
    ({"kernel_url": "file:///etc/passwd"}, "a URL has another form"),
    ({"kernel_sha256": "a" * 63}, "a digest has another form"),
    ({"driver_cd": Iso(sha512="g" * 128)}, "a digest has another form"),
    ({"driver_cd": Iso(image_id="x")}, "an image has another form"),
    ({"driver_cd": Iso(image_id=BUILD_ID)}, None),
    ({"driver_cd": Iso(url="gopher://x")}, "a URL has another form"),
    ({"driver_cd": Iso(url="/home/me/x.iso")}, None),
    ({"driver_cd": Iso(url="C:\\x.iso")}, None),
    (
        {"driver_cd": Iso(url="/home/me/x.iso", imported=True)},
        "a URL that Glance fetches has another form",
    ),
    ({"address": ADDRESS}, None),
    ({"address": dataclasses.replace(ADDRESS, prefix="23")}, "netmask and prefix are"),
    ({"address": dataclasses.replace(ADDRESS, ip="$(id)")}, "Expected 4 octets in"),
    ({"address": dataclasses.replace(ADDRESS, gateway="a")}, "Expected 4 octets in"),
)
# Marks by their names, and what is said of them.
MARKS: tuple[tuple[dict[str, dict[str, str]], str | None], ...] = (
    ({"started": {}, "attempt-1": {}, "earlier-1": {}, "sha512-iso": {}}, None),
    ({"verified-boot2": {}, "tested-boot12": {}, "rebooted-boot2": {}}, None),
    ({"harvested-boot2": {"image_id": BUILD_ID}}, "no mark is named 'harvested-boot2'"),
    ({"finished?": {}}, "no mark is named 'finished?'"),
    ({f"attempt-{n}": {} for n in range(257)}, "more than 256 marks"),
    ({"started": {"why": LONG}}, "mark started is too long"),
    ({"started": {LONG: ""}}, "mark started is too long"),
    ({"started": {"server_id": "../x"}}, "server_id of mark started has another form"),
    ({"started": {"server_id": ""}}, None),
    ({"started": {"server_id": BUILD_ID}}, None),
    ({"installed": {"machine_id": "what the guest says"}}, None),
    ({"started": {"volumes": f"{BUILD_ID} x"}}, "a volume of mark started has another"),
    ({"harvested": {}}, "the mark 'harvested' names no result"),
    ({"harvested": {"image_id": BUILD_ID}}, None),
    ({"copy-0": {"image_id": "x"}}, "image_id of mark copy-0 has another form"),
    ({"copy-0": {"image_id": BUILD_ID}, "stored": {}, "storing": {}}, None),
)
STEPS: tuple[tuple[Sequence[tuple[str, float]], str | None], ...] = (
    ((("boot sources", 1.0), ("install", 2.0)), None),
    ((("install", 1.0),) * 2561, "more than 2560 steps"),
    ((("\x1b[2J", 1.0),), "a step has another form"),
)


class ValidationTest(testtools.TestCase):
    """What is of another size, range or form is refused, and named."""

    def assert_rows(self, check: Any, rows: Any) -> None:
        """Assert that ``check`` refuses each value of ``rows`` in these words."""
        for value, begins in rows:
            try:
                check(value)
            except ValueError as error:
                self.assertEqual(begins, str(error)[: len(begins or "")], value)
            else:
                self.assertIsNone(begins, value)

    def test_spec(self) -> None:
        """Each field by itself."""
        self.assert_rows(lambda row: validation.check_spec(spec(**row)), FIELDS)

    def test_tests(self) -> None:
        """What is told of tests is shown, and waited for."""
        good = spec()
        for test in (
            Expected(name="\x1b[2J"),
            Expected(name="x" * 61),
            Expected(name="x", expect_exit=256),
            Expected(name="x", timeout_s=3601),
            Expected(name="x", timeout_s=0),
        ):
            verify = dataclasses.replace(good.verify, tests=(test,))
            bad = dataclasses.replace(good, verify=verify)
            self.assertRaises(ValueError, validation.check_spec, bad)
        many = tuple(Expected(name=f"t{n}", timeout_s=9) for n in range(33))
        verify = dataclasses.replace(good.verify, tests=many[:32])
        validation.check_spec(dataclasses.replace(good, verify=verify))
        verify = dataclasses.replace(good.verify, tests=many)
        bad = dataclasses.replace(good, verify=verify)
        self.assertRaises(ValueError, validation.check_spec, bad)

    def test_boots(self) -> None:
        """So many servers, on what can be named to Nova and to people."""
        good, one = spec(), Boot(flavor_id="f-2", network_id="net-2", firmware="uefi")
        rows = (
            ((one,) * 12, None),
            ((one,) * 13, "its result is to be booted again 13 times"),
            (
                (Boot(flavor_id="../x"),),
                "a flavor or network of a boot has another form",
            ),
            (
                (Boot(network_id="\n"),),
                "a flavor or network of a boot has another form",
            ),
            ((Boot(firmware="none"),), "no server has the firmware 'none'"),
            ((Boot(flavor_id="f", flavor_name="\x1b[2J"),), "no boot is on 'flavor "),
            ((Boot(flavor_id="f", flavor_name="x" * 700),), "no boot is on 'flavor x"),
        )

        def check(boots: tuple[Boot, ...]) -> None:
            verify = dataclasses.replace(good.verify, boots=boots)
            validation.check_spec(dataclasses.replace(good, verify=verify))

        self.assert_rows(check, rows)

    def test_metadata(self) -> None:
        """It is a standard that is known, or none."""

        def check(standard: str) -> None:
            asked = spec()
            result = dataclasses.replace(asked.result, metadata=standard)
            validation.check_spec(dataclasses.replace(asked, result=result))

        why = "the metadata 'iso' is none of "
        self.assert_rows(check, (("", None), ("scs", None), ("iso", why)))

    def test_parent(self) -> None:
        """It is an image, and is there where one is to be changed."""
        wanted = spec(boot_method="image")
        good = Parent(image_id=BUILD_ID, name="base", sha512="a" * 128, size_gib=3)
        rows = (
            (good, None),
            (dataclasses.replace(good, sha512=""), None),
            (Parent(), "it is to change an image, and names none"),
            (
                dataclasses.replace(good, image_id="../x"),
                "a parent image has another form",
            ),
            (dataclasses.replace(good, sha512="a"), "a digest has another form"),
            (dataclasses.replace(good, name=LONG), "spec.media.parent.name is longer"),
            (
                dataclasses.replace(good, size_gib=-1),
                "spec.media.parent.size_gib is none",
            ),
        )
        self.assert_rows(
            lambda parent: validation.check_spec(
                dataclasses.replace(wanted, media=Media(parent=parent))
            ),
            rows,
        )

    def test_answer_disc(self) -> None:
        """It has the names that its file system can."""
        whole = dataclasses.replace(spec(), answers=DISC)
        validation.check_spec(whole)
        for disc in (
            dataclasses.replace(DISC, label="x" * 99),
            dataclasses.replace(DISC, files={"../x": "user-data"}),
        ):
            self.assertRaises(
                ValueError,
                validation.check_spec,
                dataclasses.replace(whole, answers=disc),
            )

    def test_options(self) -> None:
        """Ports on networks, a type, and properties that Nova takes."""
        whole = spec()

        def network(**fields: Any) -> Spec:
            part = dataclasses.replace(whole.network, **fields)
            return dataclasses.replace(whole, network=part)

        def hardware(**fields: Any) -> Spec:
            part = dataclasses.replace(whole.hardware, **fields)
            return dataclasses.replace(whole, hardware=part)

        self.assert_rows(
            validation.check_spec,
            (
                (network(ports=("p-1",)), None),
                (network(ports=("../p",)), "a port has another form"),
                (network(ports=("p", "q")), "it has a port on no network"),
                (hardware(volume_type=BUILD_ID), None),
                (hardware(volume_type="../t"), "the volume type has another form"),
                (hardware(server_properties={"a": "b"}), None),
                (
                    hardware(server_properties={"a/b": ""}),
                    "a server property has another form",
                ),
            ),
        )

    def test_contents(self) -> None:
        """What is packed has a form in which it can do no harm, and a size."""
        good = Packed(
            source="/home/me/tree",
            kind="tree",
            name="app",
            mode="",
            owner="ada:ops",
            size_bytes=1 << 20,
            sha256="1" * 64,
        )
        cases: tuple[tuple[dict[str, Any], str], ...] = (
            ({}, ""),
            ({"name": "."}, ""),
            ({"source": "tree"}, "no file is named 'tree'"),
            ({"source": "/a\x1b"}, "no file is named"),
            ({"kind": "device"}, "the kind of a content 'device' is none of"),
            ({"name": "../x"}, "no content is called"),
            ({"name": ""}, "no content is called"),
            ({"mode": "9"}, "the mode of a content has another form"),
            ({"owner": "a b"}, "the owner of a content has another form"),
            ({"sha256": ""}, "the digest of a content has another form"),
            ({"size_bytes": -1}, "size_bytes is none of 0 to"),
            ({"size_bytes": MOST_BYTES}, "more than any disc may have"),
        )
        for change, told in cases:
            item = dataclasses.replace(good, **change)
            wanted = dataclasses.replace(spec(), contents=Disc(items=(item,)))
            self.assertIn(told, self.verdict(wanted), str(change))
        many = dataclasses.replace(spec(), contents=Disc(items=(good,) * (MOST + 1)))
        self.assertIn("more than any disc", self.verdict(many))

    def verdict(self, wanted: Spec) -> str:
        """What is wrong with a spec, '' for nothing."""
        try:
            validation.check_spec(wanted)
        except ValueError as error:
            return str(error)
        return ""

    def test_copies(self) -> None:
        """Where a result is copied to, and how often."""
        two = Copy("two", "R", verify=True, flavor_id="f", networks=("n",))
        for changes, begins in (
            ({"copies": (two,), "stores": ("ssd",)}, None),
            ({"copies": (Copy("two"),) * 17}, "it is to be copied more often"),
            ({"stores": ("a",) * 33}, "it is to be copied more often"),
            ({"copies": (two,), "output": "volume"}, "a volume is copied nowhere"),
            ({"copies": (Copy("a\n"),)}, "no cloud is named"),
            ({"copies": (Copy("a", "\x1b"),)}, "no region is named"),
            ({"copies": (Copy("a", flavor_id="../x"),)}, "a flavor or network of"),
            ({"copies": (Copy("a", networks=("/",)),)}, "a flavor or network of"),
            ({"stores": ("../x",)}, "a store has another form"),
        ):
            whole = spec()
            result = dataclasses.replace(whole.result, **changes)
            changed = dataclasses.replace(whole, result=result)
            self.assert_rows(validation.check_spec, ((changed, begins),))

    def test_marks(self) -> None:
        """Names of marks, and what they name."""
        for data, begins in MARKS:
            marks = {name: Mark(1.0, fields) for name, fields in data.items()}
            self.assert_rows(validation.check_marks, ((marks, begins),))

    def test_steps(self) -> None:
        """Names of steps, which are shown to users."""
        self.assert_rows(validation.check_steps, STEPS)

    def test_id(self) -> None:
        """That of a resource, or none."""
        self.assertEqual("", validation.check_id("the server", ""))
        self.assertEqual(BUILD_ID, validation.check_id("the server", BUILD_ID))
        self.assertRaises(ValueError, validation.check_id, "the server", "a/b")

    def test_length(self) -> None:
        """What Glance can keep of a property, and not a character more."""
        most = "x" * validation.PROPERTY_LIMIT
        self.assertEqual(most, validation.check_length("spec", most))
        self.assertRaises(ValueError, validation.check_length, "spec", f"{most}x")
