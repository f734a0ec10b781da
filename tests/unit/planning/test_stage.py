"""Stages of planning: values, notes and problems."""

from __future__ import annotations

import testtools

from osc_imagebuild.errors import CloudError, SpecError
from osc_imagebuild.planning.stage import Stage, chosen, stage


@stage
def _stage(error: Exception | None = None) -> Stage[int]:
    if error:
        raise error
    return Stage(7, notes=("seven",))


class StageTest(testtools.TestCase):
    """What a stage comes to."""

    def test_problems(self) -> None:
        """What is wrong with a request is kept; what the cloud refuses is raised."""
        self.assertEqual(Stage(7, ("seven",)), _stage())
        self.assertEqual(Stage(problems=("a", "b")), _stage(SpecError(["a", "b"])))
        error = CloudError("no", service="image")
        self.assertIs(error, self.assertRaises(CloudError, _stage, error))

    def test_after(self) -> None:
        """Lines of earlier stages come first."""
        first = Stage("x", ("n1",), ("w1",), ("p1",))
        last = Stage(2, ("n2",), ("w2",), ("p2",))
        both = last.after(first)
        self.assertEqual(Stage(2, ("n1", "n2"), ("w1", "w2"), ("p1", "p2")), both)

    def test_chosen(self) -> None:
        """No line where the user chose."""
        self.assertEqual(Stage("a"), chosen(("a", "")))
        self.assertEqual(Stage("a", ("why",)), chosen(("a", "why")))
