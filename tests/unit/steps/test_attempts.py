"""What is kept of attempts that failed."""

from __future__ import annotations

import testtools

from osc_imagebuild.model.facts import Mark
from osc_imagebuild.steps import attempts
from tests.unit.decisions import seen, volume
from tests.unit.samples import NOW, server

FIRST = Mark(NOW - 90, {"server_id": "s-1", "reason": "no lease", "then": "server"})
SECOND = Mark(NOW - 30, {"server_id": "s-2", "reason": "no answers", "then": "reboot"})
BOTH = {"attempt-install-1": FIRST, "attempt-verify-1": SECOND}


class AttemptsTest(testtools.TestCase):
    """Marks in, and what steps and people are told of them."""

    def test_noted(self) -> None:
        """The next number, and what a look at the same server must not take for new."""
        running = (server("install"),)
        for marks, servers, name, server_id in (
            ({}, running, "attempt-install-1", "s-install"),
            (BOTH, running, "attempt-install-2", "s-install"),
            (BOTH, (), "attempt-install-2", ""),
        ):
            facts = seen(volume(), marks=marks, servers=servers)
            [(noted, mark)] = attempts.noted(
                facts, "install", "why", "line", "server"
            ).items()
            self.assertEqual((name, NOW), (noted, mark.at))
            wanted = {
                "server_id": server_id,
                "reason": "why",
                "evidence": "line",
                "then": "server",
                "console": "",
                "volumes": "v-root",
            }
            self.assertEqual(wanted, mark.data)

    def test_given_up(self) -> None:
        """A server that is rebooted is not."""
        facts = seen(marks=BOTH)
        self.assertEqual({"s-1"}, attempts.given_up(facts, "install"))
        self.assertEqual(set(), attempts.given_up(facts, "verify"))
        self.assertIsNone(attempts.leftover(facts, "install"))

    def test_archive(self) -> None:
        """A retry begins without attempts, but they are still told, the oldest first."""
        last = Mark(NOW, {"attempt": "verify 2", "reason": "it does not boot"})
        kept = attempts.archive(BOTH, 1, last)
        self.assertEqual([], attempts.failed(kept, "install"))
        self.assertEqual(
            (
                "install 1, before retry 1: no lease",
                "verify 1, before retry 1: no answers",
                "verify 2, before retry 1: it does not boot",
            ),
            attempts.failures(kept),
        )
        self.assertEqual(
            (*attempts.failures(kept), "install 1: no lease"),
            attempts.failures({**kept, "attempt-install-1": FIRST}),
        )

    def test_archive_for_ever(self) -> None:
        """A record does not grow with each retry, and the last ones are kept."""
        kept: dict[str, Mark] = {}
        for retry in range(1, 30):
            last = Mark(NOW, {"attempt": "install 1", "reason": "x" * 5000})
            kept = attempts.archive(kept, retry, last)
        told = attempts.failures(kept)
        self.assertLess(len(told), 20)
        self.assertLess(len("".join(told)), 5000)
        self.assertIn("before retry 29: x", told[-1])
