"""Names: the roles of resources, and what tells them."""

from __future__ import annotations

import ast
import json

import testtools

from osc_imagebuild.model.names import BOOKKEEPING, Role, resource_name, role_of
from tests import paths, sources

BUILD_ID = "1d5f7b1c-1c5e-4a6e-9a1f-0d4f3c2b1a00"
# What facts keep by role.
BY_ROLE = ("servers", "consoles", "reports", "images", "volumes", "snapshots")
DECIDING = ("steps", "outputs", "engine", "builds")


class RoleTest(testtools.TestCase):
    """Roles are words, as names of resources and keys of facts."""

    def test_name(self) -> None:
        """A name tells its role; other builds' names and a bare tag tell none."""
        for role in (*Role, "iso", "drivers", "lease-3"):
            name = resource_name(BUILD_ID, role)
            self.assertEqual(f"imagebuild-{BUILD_ID}-{role}", name)
            self.assertEqual(role, role_of(BUILD_ID, name))
            self.assertIsNone(role_of(BUILD_ID[::-1], name))
        self.assertIsNone(role_of(BUILD_ID, f"imagebuild-{BUILD_ID}"))

    def test_word(self) -> None:
        """A role is found by its word, and kept in records as that."""
        for role in Role:
            self.assertEqual(1, {role.value: 1}[role])
            self.assertEqual(f'"{role.value}"', json.dumps(role))
        own = [role for role in Role if not role.startswith(BOOKKEEPING)]
        self.assertEqual(
            [
                *(Role.INSTALL, Role.VERIFY, Role.ROOT, Role.CONTENTS),
                *(Role.RESULT, Role.MANIFEST, Role.COPY, Role.TRIAL),
            ],
            own,
        )

    def test_no_words_of_their_own(self) -> None:
        """What looks for a resource of a role takes the role from the enum."""
        for package in DECIDING:
            for path in sorted((paths.PACKAGE / package).rglob("*.py")):
                for node in sources.nodes(path):
                    self.assertIsNone(
                        literal_role(node), f"{path}: {ast.unparse(node)}"
                    )


def literal_role(node: ast.AST) -> object:
    """The word by which ``facts.servers["word"]`` or ``.get("word")`` looks."""
    match node:
        case ast.Subscript(ast.Attribute(attr=attr), ast.Constant(word)) | ast.Call(
            ast.Attribute(ast.Attribute(attr=attr), "get"), [ast.Constant(word), *_]
        ) if attr in BY_ROLE:
            return word
    return None
