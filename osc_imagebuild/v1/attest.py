"""openstack image build attest, verify-attestation"""

from __future__ import annotations

import argparse

from osc_imagebuild.v1 import files, own_files, signing
from osc_imagebuild.v1.base import WHICH_IMAGE, BuildCommand, Lister, Shown
from osc_imagebuild.v1.columns import Lines

_BUILDER = (
    "URI for whoever is trusted to have built the image (default: that of this plugin)"
)


class AttestImageBuild(BuildCommand):
    """Write what a finished image was made of, as a signed statement of in-toto and SLSA"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "image",
            metavar="<image>",
            help=f"Finished image: {WHICH_IMAGE}",
        )
        signing.add_key(parser, "Sign the statement with this key", required=True)
        parser.add_argument(
            "--file",
            metavar="<file>",
            help="File to write, which must not be there yet (default: "
            "imagebuild-<ID>.intoto.json, with a number where that is taken)",
        )
        parser.add_argument("--builder-id", metavar="<uri>", default="", help=_BUILDER)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        key = signing.signing_key(parsed_args, self.app.stdin)
        assert key is not None
        made = self.builder.attest(
            parsed_args.image, key, builder_id=parsed_args.builder_id
        )
        progress = self.progress()
        for note in made.notes:
            progress.note(f"warning: {note}")
        name = f"imagebuild-{made.build_id}.intoto.json"
        path = own_files.write_new(parsed_args.file, name, f"{made.text}\n".encode())
        self.app.stdout.write(f"{path}\n")


class VerifyImageBuildAttestation(BuildCommand, Lister):
    """Tell what of an attestation holds of an image as it is today, and what does not"""

    failed = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "image",
            metavar="<image>",
            help=f"Image: {WHICH_IMAGE}",
        )
        parser.add_argument(
            "file", metavar="<file>", help="File with the attestation, a DSSE envelope"
        )
        parser.add_argument(
            "--key",
            metavar="<key>",
            required=True,
            help="Public key, or certificate, of whoever must have signed it, in PEM",
        )
        parser.add_argument("--builder-id", metavar="<uri>", default="", help=_BUILDER)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run; what does not hold is a failure of the command."""
        return super().run(parsed_args) or int(self.failed)

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        from osc_imagebuild.signing import dsse

        key = signing.verifying_key(parsed_args.key)
        data = files.read_bounded(parsed_args.file, dsse.SIZE_LIMIT)
        verified = self.builder.verify_attestation(
            parsed_args.image, data, key, builder_id=parsed_args.builder_id
        )
        self.failed = not verified.holds
        return ("About", "Holds", "Detail"), [
            (f.about, f.holds, Lines(f.text)) for f in verified.findings
        ]
