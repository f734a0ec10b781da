"""Sign the proven result before it gets its name. Pure.

The key is on a client, and nowhere else: one that has none leaves the build as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.model import signatures
from osc_imagebuild.model.actions import Act, Decision, Fail, SignImage
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import Milestone
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import Result


@dataclass(frozen=True)
class Sign:
    """Put a signature of the result's content on it."""

    output: Result
    name: str = "sign"

    @property
    def sees(self) -> frozenset[str]:
        return self.output.sees

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark, which a retry takes away, and the signature."""
        image = self.output.result(facts)
        wanted = spec.result.certificate_id
        return (
            Milestone.SIGNED in facts.marks
            and isinstance(image, Image)
            and signatures.certificate_of(image.properties) == wanted
        )

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """What Glance has computed is signed; nothing is downloaded."""
        image = self.output.result(facts)
        if not isinstance(image, Image):
            return Fail("the result was deleted by somebody before it was signed")
        if not image.sha512:
            return Fail(
                "Glance tells no sha512 of the image, and a signature is made of that: build "
                "without --sign-cert-id, or have its hashing_algorithm set"
            )
        proven = "proven" if spec.verify.enabled else "clean"
        return Act(
            SignImage(image, spec.result.certificate_id), f"the result is {proven}"
        )
