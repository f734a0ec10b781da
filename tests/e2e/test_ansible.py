"""Playbooks and hardening on a real cloud, in Debian.

The layers need an image of Debian 13, by default the newest of the family base-debian;
IMAGEBUILD_TEST_PARENT names another one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from devcloud import settings
from osc_imagebuild import template
from osc_imagebuild.builder import Builder
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.request import Request
from tests.e2e.base import EndToEndTest

PARENT = os.environ.get("IMAGEBUILD_TEST_PARENT", "family:base-debian")
LIMIT_S = 7200
RECAP = "ansible passed: ok=13 changed=10 failed=0"
# Debian's own, of a newer release: that of Debian 13 has no guide for it.
GUIDE = {
    "url": f"http://{settings.GATEWAY}:{settings.PROXY_PORT}/debian/pool/main/s/"
    "scap-security-guide/ssg-debian_0.1.82-1_all.deb",
    "sha256": "cfde145916f1f37ec96c0fe2a9ea5f44a2db0ee6f0a2dacfcf86534c0977755a",
}
FILES = {
    "play/site.yml": """\
- hosts: localhost
  roles: [web]
  tasks:
    - {name: 7. a command, command: {argv: [echo, "{{ greeting }}"]}, register: said}
    - name: 8. what is rescued
      block: [{name: it fails, command: "false"}]
      rescue: [{name: it is rescued, copy: {content: rescued, dest: /etc/rescued}}]
    - {name: 9. its words, assert: {that: ["said.stdout == greeting", "numbers == [1, true]"]}}
    - name: 10. a secret
      copy: {content: "{{ secret }}", dest: /etc/play-secret, mode: "0600"}
    - name: 'eleven: "quoted" ☃'
      fail: {msg: "no: 'why'\\n☃ $(id)"}
      when: is_broken
""",
    "play/group_vars/all.yml": "from_group: grouped\nis_broken: false\n",
    "play/roles/web/tasks/main.yml": """\
- {name: 1. a package, apt: {name: tree, update_cache: true}}
- {name: 2. a directory, file: {path: /srv/site, state: directory, mode: "0755"}}
- {name: 3. a template, template: {src: x.j2, dest: /srv/site/x}, notify: reload}
- {name: 4. a file, copy: {src: motd, dest: /etc/motd}}
- {name: 5. a user, user: {name: web, system: true}}
- {name: 6. a line, lineinfile: {path: /etc/hosts, line: 127.0.0.9 web}, notify: again}
""",
    "play/roles/web/handlers/main.yml": """\
- {name: reload, copy: {content: handled, dest: /srv/site/handled}}
- {name: again, debug: {msg: again}}
""",
    "play/roles/web/templates/x.j2": "hello {{ greeting }} {{ from_group }}\n",
    "play/roles/web/files/motd": "of a role\n",
}
# A command that fails ends the build: these prove what the play did.
CHECKS = (
    "command -v tree && id web && grep '127.0.0.9 web' /etc/hosts",
    '[ "$(cat /srv/site/x)" = "hello it\'s ☃ grouped" ]',
    '[ "$(cat /srv/site/handled)" = handled ] && [ "$(cat /etc/rescued)" = rescued ]',
    '[ "$(cat /etc/play-secret)" = tr0ub4dor ] && grep "of a role" /etc/motd',
    "! command -v ansible-playbook && ! [ -e /var/lib/imagebuild-ansible ]",
    "! dpkg-query -W python3-apt && ! [ -e /root/.ansible ]",
)


class AnsibleTestCase(EndToEndTest):
    """Has a playbook of ten tasks, with a role and handlers, beside a template."""

    def setUp(self) -> None:
        super().setUp()
        self.environment["PLAY_SECRET"] = "tr0ub4dor"
        for path, text in FILES.items():
            place = Path(self.directory, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")

    def template(self, **more: Any) -> str:
        """The path of a template with the playbook, and more for it."""
        variables = {"greeting": "it's ☃", "numbers": [1, True]}
        play = {
            "playbook": "play/site.yml",
            "vars": {**variables, "secret": {"env": "PLAY_SECRET"}},
            **more,
        }
        return self.write({"ansible": play, "commands": list(CHECKS)})

    def write(self, customise: dict[str, Any]) -> str:
        """The path of a template that asks for this."""
        path = Path(self.directory, "t.yaml")
        said = {"version": 1, "customise": customise}
        path.write_text(yaml.safe_dump(said), encoding="utf-8")
        return str(path)


class TestLayer(AnsibleTestCase):
    """An image of Debian that is changed."""

    def layer(self, path: str) -> Any:
        """Run the command that changes it."""
        words = ("--template", path, "--from-image", PARENT, "--family", self.name)
        return self.run_command(
            "image", "build", "create", *words, self.name, limit_s=LIMIT_S
        )

    def test_playbook(self) -> None:
        """It does what it says, and goes; its recap is shown."""
        done = self.layer(self.template())
        self.assertEqual(0, done.returncode, done.stderr)
        build = self.openstack("image", "build", "show", self.name)
        self.assertEqual("complete", build["status"])
        self.assertIn(RECAP, build["tests"])
        self.assertNotIn("tr0ub4dor", str(build) + done.stdout + done.stderr)
        self.assert_left(images=1, hidden_images=1)

    def test_a_task_that_fails(self) -> None:
        """It is named, with its message."""
        broken = {"extra_args": ["-e", '{"is_broken": true}']}
        done = self.layer(self.template(**broken))
        self.assertNotEqual(0, done.returncode)
        # Of what a console says Nova tells ASCII alone.
        # Source: nova.compute.manager, get_console_output.
        lost = "\ufffd" * len("☃".encode())
        wanted = f'the playbook failed: task "eleven: "quoted" {lost}": no: \'why\' {lost} $(id)'
        self.assertIn(wanted, done.stderr)
        build = self.openstack("image", "build", "show", self.name)
        self.assertEqual("failed", build["status"])
        self.assertIn(wanted, build["reason"])
        self.assert_left(hidden_images=1)

    def test_hardening(self) -> None:
        """The result boots with the profile; its score and what fails is shown."""
        hard = {"profile": "cis_level1_server", "guide": GUIDE, "min_score": 50}
        done = self.layer(self.write({"hardening": hard}))
        self.assertEqual(0, done.returncode, done.stderr)
        build = self.openstack("image", "build", "show", self.name)
        self.assertEqual("complete", build["status"])
        self.assertRegex(
            build["tests"],
            r"hardening failed: score=\d+\.\d passed=\d+ failed=\d+: .*\btmp",
        )


class TestInstall(AnsibleTestCase):
    """The real debian-installer, which ends with the playbook."""

    MEDIA = ("debian",)

    def test_playbook(self) -> None:
        """In the new system, which is not up."""
        os.environ["PLAY_SECRET"] = "tr0ub4dor"
        self.addCleanup(os.environ.pop, "PLAY_SECRET")
        fields = template.load(self.template(), {}, catalog=Catalog()).fields
        request = Request(**{**fields, "name": self.name, "os": "debian-13"})
        build = Builder(self.cloud).create(request)
        shown = self.openstack("image", "build", "show", build.id)
        self.assertEqual("complete", shown["status"])
        self.assertIn(RECAP, shown["tests"])
        self.assert_left(images=1, hidden_images=1)
