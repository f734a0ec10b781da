"""Check that the image can be signed as it is asked for, before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osc_imagebuild.builds import signatures
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.stage import Stage

if TYPE_CHECKING:
    from osc_imagebuild.signing.keys import SigningKey


def check_signing(api: Api, request: Request, key: SigningKey | None) -> Stage[None]:
    """Check the key of this client, and compare it with the certificate as far as that goes."""
    if not request.certificate_id:
        return Stage()
    if key is None:
        missing = "the image is to be signed, and there is no key for that: give --sign-key-path"
        return Stage(problems=(missing,))
    checked = signatures.check(api, request.certificate_id, key)
    warning = checked.untold and (
        f"{checked.untold}; if it is another one, nothing that checks signatures boots the "
        "image"
    )
    return Stage(
        warnings=tuple(filter(None, (warning,))),
        problems=tuple(filter(None, (checked.problem,))),
    )
