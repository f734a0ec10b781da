"""Columns that tables and scripts show in their own ways."""

from __future__ import annotations

import testtools

from osc_imagebuild.v1.columns import Age, Texts, cell


class ColumnsTest(testtools.TestCase):
    """For people, and for programs."""

    def test_age(self) -> None:
        """In days or hours; in whole seconds, and never below nothing."""
        for seconds, human, machine in ((-3.0, "0m", 0), (90_000.9, "1d", 90_000)):
            age = Age(seconds)
            self.assertEqual(human, age.human_readable())
            self.assertEqual(machine, age.machine_readable())
            self.assertIs(age, cell(age))

    def test_ages_are_sorted(self) -> None:
        """As times, not as texts."""
        self.assertLess(Age(9 * 3600), Age(86_400))

    def test_texts(self) -> None:
        """One line without what a terminal obeys; a list as it is."""
        texts = Texts(["a", "b\n\x1b[2J"])
        self.assertEqual("a, b\\n\\x1b[2J", texts.human_readable())
        self.assertEqual(["a", "b\n\x1b[2J"], texts.machine_readable())
        self.assertEqual(texts.human_readable(), cell(texts))
        self.assertEqual("", cell(Texts([])))
