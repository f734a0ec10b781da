"""Options for keys, and the files that they name."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions, utils

from osc_imagebuild.v1 import files

if TYPE_CHECKING:
    from osc_imagebuild.signing.keys import SigningKey, VerifyingKey

# Of an encrypted key, where nobody is there to type it.
PASSWORD = "OSC_IMAGEBUILD_SIGN_KEY_PASSWORD"


def add_key(parser: argparse.ArgumentParser, text: str, **kwargs: Any) -> None:
    """Let a command take a private key; ``text`` says what it is for."""
    parser.add_argument(
        "--sign-key-path",
        metavar="<sign-key-path>",
        help=f"{text}: a private key in PEM, of ECDSA, RSA or Ed25519. The password of an "
        f"encrypted one is asked for, or taken from the environment variable {PASSWORD}",
        **kwargs,
    )


def add_signature(parser: argparse.ArgumentParser) -> None:
    """Let a command sign the image that it builds."""
    add_key(parser, "Sign the image with this key, which goes with --sign-cert-id")
    parser.add_argument(
        "--sign-cert-id",
        metavar="<sign-cert-id>",
        help="Certificate in the cloud's key manager by which the signature is checked, by "
        "its UUID",
    )


def signing_key(args: argparse.Namespace, stdin: Any) -> SigningKey | None:
    """Return the key that was given, None where none was.

    :raises: CommandError where the file cannot be read, SpecError where it is no such key
    """
    path = args.sign_key_path
    if not path:
        return None
    from osc_imagebuild.signing import keys

    data = files.read_bounded(path, keys.SIZE_LIMIT, secret=True)
    password = _password(path, stdin) if keys.is_encrypted(data) else None
    return keys.SigningKey.from_pem(data, path, password)


def verifying_key(path: str) -> VerifyingKey:
    """Return the public key in a file.

    :raises: CommandError where the file cannot be read, SpecError where it is no such key
    """
    from osc_imagebuild.signing import keys

    return keys.VerifyingKey.from_pem(files.read_bounded(path, keys.SIZE_LIMIT), path)


def _password(path: str, stdin: Any) -> bytes:
    """Return the password of a key.

    :raises: CommandError where nobody tells it
    """
    if said := os.environ.get(PASSWORD):
        return said.encode("utf-8", "surrogateescape")
    if not (hasattr(stdin, "isatty") and stdin.isatty()):
        raise exceptions.CommandError(
            f"the key in {path} is encrypted, and there is no terminal to ask for its "
            f"password: set {PASSWORD}"
        )
    said = utils.get_password(stdin, prompt=f"Password of {path}: ", confirm=False)
    return str(said).encode("utf-8", "surrogateescape")
