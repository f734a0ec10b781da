"""The command and call that copy an image of a build that is over."""

from __future__ import annotations

from osc_imagebuild.builds import copies
from osc_imagebuild.errors import RecordError, SpecError
from osc_imagebuild.model.copies import Copy
from tests.fakes.faults import answered
from tests.scenarios.elsewhere import TWO, ElsewhereTestCase
from tests.unit.base import NAME


class CopyingAnewTest(ElsewhereTestCase):
    """Whatever came of the build's own copies."""

    def test_mended(self) -> None:
        """What failed is made good, and the record says so."""
        self.two.hooks.append(
            lambda call: (
                answered(503) if call.mutating and call.service == "image" else None
            )
        )
        build = self.built(replace=True)
        self.assertIn("two/RegionTwo: failed: ", build.copies[0])
        self.two.hooks.clear()
        builder = self.builder("later")
        (lacking,) = builder.missing_copies(build.id, (TWO,))
        self.assertEqual("it is not there", lacking.trouble)
        (made,) = builder.copy(build.result_id)
        copy = self.assert_copied(build)
        self.assertEqual((copy.id, ""), (made.image_id, made.trouble))
        again = builder.find(build.id)
        self.assertEqual((f"two/RegionTwo: {copy.id}",), again.copies)
        self.assertEqual((), builder.missing_copies(build.id, (TWO,)))
        self.assert_empty(build.id, build.result_id)

    def test_again(self) -> None:
        """Nothing is changed where it is there."""
        build = self.built()
        before = len(self.two.mutations)
        for word in (NAME, build.id, build.result_id):
            (made,) = self.builder().copy(word, "two/RegionTwo")
            self.assertEqual(made.image_id, self.assert_copied(build).id)
        self.assertEqual(before, len(self.two.mutations))

    def test_without_record(self) -> None:
        """The image alone is enough; its name is its own."""
        build = self.built(copies=())
        self.builder().delete(build.id)
        (made,) = self.builder().copy(build.result_id, [TWO])
        self.assertEqual("", made.trouble)
        self.assert_copied(build)
        self.assert_empty(build.result_id)

    def test_an_older_one(self) -> None:
        """A copy of an older image takes the name from no newer one."""
        first = self.built(replace=True, copies=())
        second = self.built(replace=True)
        self.builder().copy(first.result_id, "two")
        copy = self.assert_copied(second)
        self.assertEqual(2, len(self.there()))
        old = next(i for i in self.there() if i.id != copy.id)
        self.assertTrue(old.hidden)
        self.assertRegex(str(old.name), rf"^{NAME} \(")

    def test_refused(self) -> None:
        """Each in words."""
        builder = self.builder()
        error = self.assertRaises(RecordError, builder.copy, "nothing", "two")
        self.assertIn("there is no finished image 'nothing'", str(error))
        wrong = self.assertRaises(SpecError, builder.copy, "nothing", "two/a/b")
        self.assertIn("no region is named 'a/b'", str(wrong))
        build = self.built(copies=())
        error = self.assertRaises(RecordError, builder.copy, build.result_id)
        self.assertIn("nothing says where image", str(error))
        (made,) = builder.copy(build.result_id, [Copy("nowhere")])
        self.assertIn("no way to the cloud nowhere", made.trouble)
        self.assert_empty(build.id, build.result_id)

    def test_forged_record(self) -> None:
        """Of a record that somebody else wrote nothing counts."""
        build = self.built(copies=())
        record = self.cloud.glance.images[build.id]
        record.properties["imagebuild_signature"] = "forged"
        self.logins.clear()
        error = self.assertRaises(RecordError, self.builder().copy, build.id)
        self.assertIn("nothing says where", str(error))
        self.assertEqual([], self.logins)

    def test_two_clients(self) -> None:
        """One at a time copies."""
        build = self.built(copies=())
        from osc_imagebuild.builds import lease

        held = lease.take(self.builder("other").api, build.id)
        error = self.assertRaises(
            RecordError, self.builder().copy, build.result_id, "two"
        )
        self.assertIn("is driven by", str(error))
        held.release()

    def test_nobody_knows(self) -> None:
        """A cloud that does not answer counts as one that lacks it."""
        build = self.built()
        image = self.builder().missing_copies(build.id, (Copy("nowhere"),))
        self.assertIn("nobody knows: ", image[0].trouble)
        self.assertIsInstance(image[0], copies.Copied)
