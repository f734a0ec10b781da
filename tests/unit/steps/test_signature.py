"""When the result is signed, and what is evidence of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild import outputs
from osc_imagebuild.engine import recipe
from osc_imagebuild.model import signatures
from osc_imagebuild.model.actions import Act, Fail, SignImage
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps.signature import Sign
from tests.signing import CERTIFICATE
from tests.unit.samples import facts, image, marks, spec

STEP = Sign(outputs.load("image"))
SIGNED = signatures.properties("c2ln", "ECC_SECP384R1", CERTIFICATE)
HASHED = {"sha512": "a" * 128}


def asked(**fields: Any) -> Spec:
    """Return a spec whose image is to be signed."""
    plain = spec(**fields)
    result = dataclasses.replace(plain.result, certificate_id=CERTIFICATE)
    return dataclasses.replace(plain, result=result)


def result(**fields: Any) -> Image:
    """Return the result."""
    return image("result", **(HASHED | fields))


class SignTest(testtools.TestCase):
    """Tables: what is seen, and what follows."""

    def test_done(self) -> None:
        """The mark and the whole signature, by the certificate that is wanted."""
        other = SIGNED | {signatures.CERTIFICATE_ID: CERTIFICATE.replace("3", "4")}
        half = {k: v for k, v in SIGNED.items() if k != signatures.KEY_TYPE}
        for properties, names, done in (
            (SIGNED, ("signed",), True),
            (SIGNED, (), False),
            ({}, ("signed",), False),
            (half, ("signed",), False),
            (other, ("signed",), False),
        ):
            seen = facts((result(properties=properties),), marks=marks(*names))
            self.assertEqual(done, STEP.done(asked(), seen))
        self.assertFalse(STEP.done(asked(), facts(marks=marks("signed"))))

    def test_decides(self) -> None:
        """Whatever signature there is, it is made anew."""
        for properties in ({}, SIGNED):
            seen = result(properties=properties)
            for verify, why in ((True, "proven"), (False, "clean")):
                decision = STEP.decide(asked(verify=verify), facts((seen,)))
                wanted = Act(SignImage(seen, CERTIFICATE), f"the result is {why}")
                self.assertEqual(wanted, decision)

    def test_cannot(self) -> None:
        """It was deleted, or its digest is another one."""
        for seen, wanted in (
            (facts(), "was deleted by somebody before it was signed"),
            (facts((image("result"),)), "Glance tells no sha512"),
        ):
            decision = STEP.decide(asked(), seen)
            assert isinstance(decision, Fail)
            self.assertIn(wanted, decision.reason)

    def test_order(self) -> None:
        """After the boot test, and before the name; nowhere if it is not wanted."""
        names = [step.name for step in recipe.of(asked())]
        place = names.index("sign")
        around = ["remove-verify-server", "sign", "publish"]
        self.assertEqual(around, names[place - 1 : place + 2])
        self.assertNotIn("sign", [step.name for step in recipe.of(spec())])
