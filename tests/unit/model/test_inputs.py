"""Digests of what decided a result, as a property keeps them."""

from __future__ import annotations

import dataclasses

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_imagebuild.model import inputs
from osc_imagebuild.model.inputs import LONGEST, NAMES, UNKNOWN, Inputs

ONE, TWO = "0123456789abcdef", "fedcba9876543210"
WHOLE = Inputs(**dict.fromkeys(NAMES, ONE))
DIGESTS = st.sampled_from(["", ONE, TWO])
ANY_INPUTS = st.builds(Inputs, **dict.fromkeys(NAMES, DIGESTS))
# What looks nearly like one of ours, and what does not at all.
WORDS = st.sampled_from(
    [*NAMES, "parent", "=", " ", ONE, TWO, ONE.upper(), "\n", "\0", "\ud800", "٣" * 16]
)


class TextTest(testtools.TestCase):
    """To a property and back."""

    def test_text(self) -> None:
        """Only what is known, in a fixed order, and short enough for Cinder."""
        some = Inputs(template=TWO, answers=ONE)
        self.assertEqual(f"answers={ONE} template={TWO}", some.to_text())
        self.assertEqual("", UNKNOWN.to_text())
        self.assertLessEqual(len(WHOLE.to_text()), LONGEST)

    @settings(deadline=None)
    @given(ANY_INPUTS)
    def test_there_and_back(self, some: Inputs) -> None:
        """Whatever is written can be read again."""
        self.assertEqual(some, inputs.from_text(some.to_text()))

    def test_others_words(self) -> None:
        """What is not ours says nothing; what a later version adds is passed over."""
        for text, found in (
            (None, UNKNOWN),
            (7, UNKNOWN),
            ("", UNKNOWN),
            ("answers", UNKNOWN),
            (f"answers={ONE[1:]}", UNKNOWN),
            (f"answers={ONE}0", UNKNOWN),
            (f"answers={ONE.upper()}", UNKNOWN),
            (f"answers={ONE}\n", UNKNOWN),
            (f"answers={ONE} answers={TWO}", UNKNOWN),
            (f"answers={ONE} " * 100, UNKNOWN),
            (f"later={TWO} answers={ONE} x", Inputs(answers=ONE)),
            (f"is_whole={ONE} to_text={ONE} media={TWO}", Inputs(media=TWO)),
        ):
            self.assertEqual(found, inputs.from_text(text), str(text))

    @settings(max_examples=300, deadline=None)
    @given(st.one_of(st.text(max_size=400), st.lists(WORDS).map("".join)))
    def test_garbage(self, text: str) -> None:
        """No text is an error, and none gets anything in but digests."""
        found = dataclasses.asdict(inputs.from_text(text))
        self.assertEqual(set(NAMES), set(found))
        for digest in found.values():
            self.assertRegex(digest, r"\A([0-9a-f]{16})?\Z")

    def test_whole(self) -> None:
        """What needs no web server is always there."""
        self.assertTrue(WHOLE.is_whole)
        self.assertTrue(Inputs(answers=ONE, template=ONE, catalogue=ONE).is_whole)
        for name in ("answers", "template", "catalogue"):
            self.assertFalse(dataclasses.replace(WHOLE, **{name: ""}).is_whole)


class ChangedTest(testtools.TestCase):
    """What differs."""

    def test_each_alone(self) -> None:
        """By its name; what one of them does not know does not count."""
        self.assertEqual((), inputs.changed(WHOLE, WHOLE))
        for name in NAMES:
            other = dataclasses.replace(WHOLE, **{name: TWO})
            self.assertEqual((name,), inputs.changed(WHOLE, other))
            unknown = dataclasses.replace(WHOLE, **{name: ""})
            for pair in ((WHOLE, unknown), (unknown, WHOLE), (unknown, unknown)):
                self.assertEqual((), inputs.changed(*pair), name)

    def test_several(self) -> None:
        """In their order; the answer file not beside what makes it."""
        for names, told in (
            (("updates", "media"), ("media", "updates")),
            (("answers", "mirror"), ("answers", "mirror")),
            (("answers", "template"), ("template",)),
            (("answers", "catalogue", "media"), ("media", "catalogue")),
        ):
            other = dataclasses.replace(WHOLE, **dict.fromkeys(names, TWO))
            self.assertEqual(told, inputs.changed(WHOLE, other))
