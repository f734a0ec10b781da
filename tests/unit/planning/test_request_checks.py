"""What is wrong with a request, judged by itself."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.names import VISIBILITIES
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import request_checks

REQUEST = Request(name="golden", os="mini")
LONG = "x" * 256
# What is changed, and the beginning of what is said of it; None for nothing.
ROWS: tuple[tuple[dict[str, Any], str | None], ...] = (
    ({}, None),
    ({"name": " "}, "the image needs a name"),
    ({"name": LONG}, "the image name has 256 characters"),
    ({"name": LONG[1:]}, None),
    ({"name": "a\0b"}, "Glance cannot store the characters of 'a\\x00b'"),
    ({"name": "\U0001f600"}, "Glance cannot store the characters of"),
    ({"tags": ("\udcff",)}, "Glance cannot store the characters of"),
    ({"properties": {"key": "\0"}}, "Glance cannot store the characters of"),
    ({"tags": ("",)}, "a tag must have 1 to 255 characters: ''"),
    ({"tags": (LONG,)}, "a tag must have 1 to 255 characters"),
    ({"tags": ("imagebuild-1",)}, "tags that begin with imagebuild are the tool's own"),
    ({"tags": ("imagebuilder",)}, None),
    ({"properties": {"": "x"}}, "a property name has 1 to 255 characters: ''"),
    ({"properties": {LONG: "x"}}, "a property name has 1 to 255 characters"),
    ({"properties": {"imagebuild_x": "x"}}, "this property name cannot be given"),
    ({"properties": {"os_glance_x": "x"}}, "this property name cannot be given"),
    ({"properties": {"min_disk": "1"}}, "min_disk is a field of every image"),
    ({"properties": {"os_distro": "x"}}, None),
    ({"hints": {"group": ("a", "b")}}, "Nova takes the hint group once, not 2 times"),
    ({"hints": {"group": ("a",)}}, None),
    ({"hints": {"group": "ab"}}, None),
    ({"hints": {"different_host": ("a", "b")}}, None),
    ({"visibility": "secret"}, "no visibility 'secret'; there are: "),
    ({"visibility": "community"}, None),
    ({"visibility": "public", "output": "volume"}, "a volume has no visibility"),
    ({"visibility": "private", "output": "volume"}, None),
    ({"output": "tape"}, "no output 'tape'; there are: image, "),
    ({"visibility": "public", "output": "tape"}, "no output 'tape'"),
    ({"timeout_min": 0}, "--timeout takes 1 to "),
    ({"stall_min": 10**9}, "--stall-timeout takes 1 to "),
    ({"timeout_min": 1, "stall_min": 1}, None),
    ({"disk_gib": 10**9}, "--disk takes "),
    ({"disk_gib": 10}, None),
    ({"swap_mib": -1}, "--swap takes 0 to "),
    ({"attempts": 0}, "--attempts takes 1 to "),
    ({"boot_method": "image"}, "boot method image changes an existing image"),
    ({"from_image": "base"}, None),
    ({"from_image": "base", "boot_method": "image"}, None),
    ({"from_image": "base", "boot_method": "ipxe"}, "--boot-method ipxe is for an"),
    ({"from_image": "base", "source": "x.iso"}, "--source is for an installer"),
    ({"from_image": "base", "checksum": "x"}, "--checksum is for an installer"),
    ({"from_image": "base", "driver_iso": "x"}, "--driver-iso is for an installer"),
    ({"from_image": "base", "answer_file": ""}, "--answer-file is for an installer"),
    ({"from_image": "base", "tpm": True}, "--tpm: an image that exists says itself"),
    ({"from_image": "family:"}, "--from-image family: needs the name of the family"),
    ({"from_image": " "}, "--from-image takes an image's name or ID"),
    ({"from_properties": {"a": "b"}}, None),
    ({"from_properties": {"": "b"}}, "'' is no property of images"),
    ({"from_properties": {"name": "b"}}, "'name' is no property of images"),
    ({"from_properties": {"marker": "b"}}, "'marker' is no property of images"),
    ({"source": "http://a b/"}, "this is no URL: 'http://a b/'"),
    ({"source": "http://mirror/debian"}, None),
    ({"source": "my image"}, None),
    (
        {"source": "https://token@mirror/"},
        "the source has a name or password in its URL",
    ),
    ({"copies": (Copy("two", "R"),), "stores": ("ssd",)}, None),
    ({"copies": (Copy("two"),), "all_stores": True}, None),
    ({"copies": (Copy(""),)}, "no cloud is named ''"),
    ({"copies": (Copy("-x"),)}, "no cloud is named '-x'"),
    ({"copies": (Copy("two", "a/b"),)}, "no region is named 'a/b'"),
    ({"copies": (Copy("two"), Copy("two"))}, "the image is copied to two once"),
    ({"copies": (Copy("two"),), "output": "volume"}, "a volume cannot be copied"),
    ({"all_stores": True, "output": "snapshot"}, "a snapshot cannot be copied"),
    ({"copies": tuple(Copy(f"c{n}") for n in range(17))}, "an image is copied to 16"),
    ({"stores": tuple(f"s{n}" for n in range(33))}, "--store can be given 32 times"),
    ({"stores": ("a b",)}, "no store is named 'a b'"),
    ({"stores": ("a",), "all_stores": True}, "--store and --all-stores exclude"),
    ({"ports": ("a", "b")}, None),
    ({"ports": (" ",)}, "--port takes a name or an ID, not ' '"),
    ({"ports": (LONG,)}, "--port takes a name or an ID"),
    ({"ports": tuple(f"p{n}" for n in range(17))}, "--port can be given 16 times"),
    (
        {"ports": ("a",), "security_groups": ("web",)},
        "a port has security groups of its own",
    ),
    ({"server_properties": {"a-b_c:d. e": "ü"}}, None),
    ({"server_properties": {"": "x"}}, "Nova takes no server property ''"),
    ({"server_properties": {"a/b": "x"}}, "Nova takes no server property 'a/b'"),
    ({"server_properties": {"a\n": "x"}}, "Nova takes no server property 'a\\n'"),
    ({"server_properties": {LONG: "x"}}, "Nova takes no server property 'xxx"),
    ({"server_properties": {"a": LONG}}, "the value of the server property 'a' has"),
    ({"server_properties": {"a": "\0"}}, "the value of the server property 'a' has"),
    ({"server_properties": {"a": "\U0001f600"}}, "the value of the server property"),
    ({"server_properties": {"a": "\udcff"}}, "the value of the server property"),
    ({"server_properties": {"imagebuild_x": "x"}}, "server properties that begin with"),
    ({"server_properties": {"ImageBuild": "x"}}, "server properties that begin with"),
    (
        {"server_properties": {f"k{n}": "" for n in range(129)}},
        "a server has 128 properties at most",
    ),
    ({"min_disk_gib": 1, "min_ram_mib": 1, "protected": True}, None),
    ({"disk_format": "raw"}, None),
    ({"disk_format": "vmdk"}, "no disk format 'vmdk'; there are: qcow2, raw"),
    ({"disk_format": "raw", "output": "snapshot"}, "--disk-format is for images"),
    ({"min_disk_gib": 0}, "--min-disk takes 1 to 65536 GiB"),
    ({"min_disk_gib": 10**9}, "--min-disk takes 1 to 65536 GiB"),
    ({"min_ram_mib": -1}, "--min-ram takes 1 to 16777216 MiB"),
    ({"min_disk_gib": 1, "output": "volume"}, "--min-disk is for images, Cinder knows"),
    ({"min_ram_mib": 1, "output": "snapshot"}, "--min-ram is for images, Cinder knows"),
    ({"protected": True, "output": "volume"}, "--protected is for images, Cinder"),
    ({"protected": True, "output": "tape"}, "no output 'tape'"),
    ({"volume_type": "fast"}, None),
    ({"volume_type": ""}, "--volume-type takes a name or an ID, not ''"),
    ({"volume_type": LONG}, "--volume-type takes a name or an ID"),
    ({"driver_iso": "https://u:p@h/x.iso"}, "the driver ISO has a name or password"),
    ({"family": LONG}, "a family has 256 characters, 255 is most"),
    ({"old": "burn", "replace": True}, "no way 'burn' to put images away; there are: "),
    ({"old": "delete", "replace": True, "output": "volume"}, None),
    (
        {"old": "community", "replace": True, "output": "volume"},
        "a volume cannot be put away by community: Cinder knows no such thing; take one",
    ),
    ({"keep": -1, "replace": True}, "--keep takes 0 to 100 older images"),
    ({"keep": 101, "replace": True}, "--keep takes 0 to 100 older images"),
    ({"keep": 1}, "--old and --keep are for older images: give --replace too"),
    ({"old": "keep"}, "--old and --keep are for older images: give --replace too"),
    ({"old": "keep", "keep": 0, "replace": True}, None),
    ({"members": ("p",)}, None),
    ({"members": ("p",), "output": "snapshot"}, "a snapshot cannot be shared: leave"),
    ({"member_clouds": ("c",), "output": "volume"}, "a volume cannot be shared: leave"),
    (
        {"members": ("p",), "visibility": "public"},
        "a public image is everybody's: leave out --member, or --visibility",
    ),
)


class RequestTest(testtools.TestCase):
    """One mistake, and one problem that names it."""

    def test_rows(self) -> None:
        """Nothing is said of what is right."""
        for changes, begins in ROWS:
            request = dataclasses.replace(REQUEST, **changes)
            problems = request_checks.validate_request(request)
            if begins is None:
                self.assertEqual([], problems, str(changes))
            else:
                self.assertEqual([begins], [p[: len(begins)] for p in problems])

    def test_no_secret_is_shown(self) -> None:
        """The problem with a URL does not say the password in it."""
        for url in ("https://u:hush@mirror/", "https://u:hush@mir ror/"):
            (problem,) = request_checks.address_problems("source", url)
            self.assertNotIn("hush", problem)

    def test_all_at_once(self) -> None:
        """The user corrects all of his mistakes in one go."""
        request = dataclasses.replace(
            REQUEST, name="", visibility=VISIBILITIES[0] + "?", attempts=0, swap_mib=-1
        )
        self.assertEqual(4, len(request_checks.validate_request(request)))
