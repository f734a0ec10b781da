"""The plugin contract of python-openstackclient.

This module is imported by every `openstack` call, so it imports next to nothing.
Source: python-openstackclient, doc/source/contributor/plugins.rst.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from osc_imagebuild.v1 import API_NAME as API_NAME

if TYPE_CHECKING:
    from osc_imagebuild.builder import Builder
API_VERSION_OPTION = "os_image_build_api_version"
API_VERSIONS = ("1",)
DEFAULT_API_VERSION = "1"


def make_client(instance: Any) -> Builder:
    """Return the library on the user's own session."""
    from osc_imagebuild.builder import Builder

    return Builder(instance.sdk_connection)


def build_option_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Teach the client's own parser the option ``--os`` of our create.

    It reads the whole command line first and takes --os for a short form of
    --os-cloud, --os-auth-url and so on, which is an error. Known to it by its
    full name, the value is kept for the command.
    """
    parser.add_argument("--os", dest="imagebuild_os", help=argparse.SUPPRESS)
    return parser
