"""Boot method image: the parent itself, on a disk of the flavor or on a volume."""

from __future__ import annotations

import dataclasses

import testtools

from osc_imagebuild import boot
from osc_imagebuild.boot import image
from osc_imagebuild.engine import recipe
from osc_imagebuild.model.actions import Act, CreateServer, CreateVolume
from osc_imagebuild.model.spec import Media
from osc_imagebuild.steps.boot_sources import EnsureVolume
from osc_imagebuild.steps.install import StartServer
from tests.unit.samples import facts, spec


class ImageBootTest(testtools.TestCase):
    """What it says of itself, and what comes of that."""

    def test_it_brings_nothing(self) -> None:
        """No image of the build's, no CD, and no parts of this machine."""
        wanted = spec(boot_method="image")
        method = image.METHOD
        self.assertEqual((), method.images(wanted))
        self.assertEqual((), method.cds(wanted))
        self.assertIsNone(method.made_here("bios", "x86_64"))
        self.assertNotEqual("", method.refusal("x86_64", "http://mirror/linux"))
        self.assertEqual("", method.drawback("uefi"))
        self.assertEqual([], method.problems(wanted))
        none = dataclasses.replace(wanted, media=Media())
        self.assertIn("--from-image", method.problems(none)[0])

    def test_on_a_disk_of_the_flavor(self) -> None:
        """The server is made of the parent, first of all."""
        wanted = spec(boot_method="image")
        step = recipe.of(wanted)[0]
        assert isinstance(step, StartServer)
        decision = step.decide(wanted, facts())
        assert isinstance(decision, Act)
        self.assertEqual(CreateServer("install", "i-parent", "answer"), decision.action)
        self.assertEqual("start the image that is changed", decision.reason)

    def test_on_a_volume(self) -> None:
        """It is made of the parent, in the size of the disk."""
        wanted = spec(boot_method="image", root="volume", disk_gib=3)
        [volume] = boot.volumes(wanted)
        decision = EnsureVolume(volume).decide(wanted, facts())
        assert isinstance(decision, Act)
        made = CreateVolume("root", 3, ("imageRef", "i-parent"))
        self.assertEqual(made, decision.action)

    def test_others_are_of_their_own_image(self) -> None:
        """A parent in a record of another method is none."""
        wanted = spec(boot_method="image")
        installer = dataclasses.replace(wanted.installer, boot_method="ipxe")
        other = dataclasses.replace(wanted, installer=installer)
        self.assertEqual("i-parent", boot.root_image_id(wanted))
        self.assertEqual("", boot.root_image_id(other))
