"""Errors: their fields, their texts, and what they offer to do next."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
from typing import Any

import testtools

from osc_imagebuild import errors
from osc_imagebuild.builder import Builder
from osc_imagebuild.errors import (
    CloudError,
    DrivenError,
    Evidence,
    ImageBuildError,
    InstallError,
    LockedError,
    Message,
    NextStep,
    NotFoundError,
    RecordError,
    SpecError,
    TransientError,
    Verb,
    because,
)
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.guests.entry import Entry
from tests import paths, sources

FIELDS = ("brief", "details", "resolution", "build_id", "step")
RESUME = NextStep(Verb.RESUME, "ID")
GO_ON = Message("go on with: ", RESUME, ".")
FULL = (
    ImageBuildError("a", details="b", resolution=GO_ON, build_id="ID", step="install"),
    SpecError([Message("a: ", RESUME), "b"], build_id="ID"),
    CloudError("a", service="image", status=409, request_id="r", resolution=GO_ON),
    TransientError("a", service="image", status=503, retry_after=7.0),
    InstallError(
        "a", details="b", step="verify", console_tail="c", evidence=Evidence("verify")
    ),
    DrivenError("a", resolution=GO_ON, build_id="ID"),
)


def named(step: NextStep) -> str:
    """Word a next step as nobody else does."""
    return f"<{step.verb} {step.target}>"


class ErrorTest(testtools.TestCase):
    """What each error has."""

    def test_text(self) -> None:
        """A line each of what there is."""
        table: tuple[tuple[dict[str, Any], str], ...] = (
            ({}, "a"),
            ({"details": "b"}, "a\nb"),
            ({"resolution": "c"}, "a\nc"),
            ({"details": "b1\nb2", "resolution": "c"}, "a\nb1\nb2\nc"),
            ({"build_id": "ID", "step": "install"}, "a"),
        )
        for fields, text in table:
            for kind in (ImageBuildError, RecordError, DrivenError, InstallError):
                error = kind("a", **fields)
                self.assertEqual(text, str(error))
                self.assertEqual(("a",), error.args)
                wanted = [fields.get(name, "") for name in FIELDS[1:]]
                self.assertEqual(wanted, [getattr(error, n) for n in FIELDS[1:]])

    def test_problems(self) -> None:
        """One is the brief; of several the details are a list."""
        for problems in ("no flavor", ["no flavor"]):
            error = SpecError(problems)
            self.assertEqual(("no flavor",), error.problems)
            self.assertEqual(("no flavor", ""), (error.brief, error.details))
        error = SpecError(["no flavor", Message("unknown OS; see: ", RESUME)])
        self.assertEqual("2 things keep this build from starting:", error.brief)
        self.assertEqual(
            "  1. no flavor\n  2. unknown OS; see: <resume ID>",
            error.message.worded(named).partition("\n")[2],
        )
        self.assertEqual((RESUME,), error.next_steps)

    def test_refusals(self) -> None:
        """The details are who refused, and which request; they are told once."""
        fields: dict[str, Any]
        for fields, details in (
            ({}, "image"),
            ({"status": 413}, "image, HTTP 413"),
            ({"status": 413, "request_id": "r-1"}, "image, HTTP 413, request r-1"),
        ):
            error = CloudError("no", service="image", resolution="ask", **fields)
            self.assertEqual(details, error.details)
            self.assertEqual(f"no ({details})\nask", str(error))
            other = because(error, f"it stays: {error.brief} ({error.details})")
            self.assertEqual(f"it stays: no ({details})", str(other))
            self.assertEqual(details, other.details)
            self.assertEqual(f"gone ({details})", str(because(error, "gone")))

    def test_copies(self) -> None:
        """A copy and a pickle have all that an error has, causes aside."""
        for error in FULL:
            for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
                self.assertIs(type(error), type(other))
                self.assertEqual(error.args, other.args)
                self.assertEqual(vars(error), vars(other))
                self.assertEqual(str(error), str(other))
                self.assertEqual(error.next_steps, other.next_steps)
        self.assertTrue(any(error.next_steps for error in FULL))

    def test_kinds(self) -> None:
        """Each takes the fields of the base, and says in a docstring what it is."""
        for name in errors.__all__:
            kind = getattr(errors, name)
            if not name.endswith("Error"):
                continue
            self.assertTrue(kind.__doc__, name)
            self.assertIn("build_id", inspect.signature(kind).parameters, name)
        for refusal in (NotFoundError, LockedError):
            error = refusal("a", service="image", resolution="b", build_id="ID")
            self.assertEqual(("b", "ID"), (error.resolution, error.build_id))


class MessageTest(testtools.TestCase):
    """A text with next steps in it."""

    def test_text(self) -> None:
        """It is the text that its parts make, and gives them to whoever asks."""
        self.assertEqual("go on with: Builder.resume('ID').", GO_ON)
        self.assertEqual("go on with: <resume ID>.", GO_ON.worded(named))
        self.assertEqual((RESUME,), GO_ON.next_steps)
        self.assertIs(str, type(GO_ON.worded(named)))
        self.assertEqual(("", ()), (Message(), Message().next_steps))

    def test_nested(self) -> None:
        """A message in another one is still to be worded."""
        outer = Message("failed: ", GO_ON, " ", NextStep(Verb.LIST))
        self.assertEqual(
            "failed: go on with: <resume ID>. <list >", outer.worded(named)
        )
        self.assertEqual((RESUME, NextStep(Verb.LIST)), outer.next_steps)

    def test_lines(self) -> None:
        """Empty ones are left out."""
        lines = Message.lines(("", "a", "", GO_ON, ""))
        self.assertEqual("a\ngo on with: <resume ID>.", lines.worded(named))
        self.assertEqual("", Message.lines(("", "")))

    def test_copies(self) -> None:
        """Copies can be worded too."""
        for other in (copy.deepcopy(GO_ON), pickle.loads(pickle.dumps(GO_ON))):
            self.assertEqual(GO_ON, other)
            self.assertEqual(GO_ON.parts, other.parts)


class NextStepTest(testtools.TestCase):
    """What the library says of itself."""

    def test_calls(self) -> None:
        """Each step is a call that there is, of an object of the public interface."""
        homes = {"Builder": Builder, "Catalog": Catalog}
        for verb in Verb:
            for target in ("", "ID"):
                call = ast.parse(str(NextStep(verb, target)), mode="eval").body
                if isinstance(call, ast.Attribute):
                    self.assertIn(call.attr, Entry.__dataclass_fields__)
                    call = call.value
                assert isinstance(call, ast.Call)
                assert isinstance(call.func, ast.Attribute)
                assert isinstance(call.func.value, ast.Name)
                method = getattr(homes[call.func.value.id], call.func.attr)
                self.assertTrue(callable(method), verb)
                given = [ast.literal_eval(argument) for argument in call.args]
                self.assertEqual([target] if target else [], given)

    def test_options(self) -> None:
        """They are arguments that the method has."""
        options = (("start", "install"), ("flavor", "<flavor>"))
        text = str(NextStep(Verb.RETRY, "ID", options))
        self.assertEqual(
            "Builder.retry('ID', start='install', flavor='<flavor>')", text
        )
        taken = inspect.signature(Builder.retry).parameters
        self.assertLessEqual({name for name, _ in options}, set(taken))

    def test_commands_are_not_the_librarys(self) -> None:
        """No text outside of the command layer names a command of ours."""
        for path in sorted(paths.PACKAGE.rglob("*.py")):
            if "v1" in path.relative_to(paths.PACKAGE).parts:
                continue
            for node in sources.nodes(path):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    self.assertNotIn("openstack image build", node.value, str(path))
