"""Remember what this client just did, as the cloud's lists may lag behind.

A list may be of a replica that is behind, by a second or by a minute. What this client
made, changed or deleted is therefore asked for by its ID, and so is what was seen and is
not listed any more. Nothing in here is needed to go on: another client begins with
the server that the record names, and sees what else there is once the lists show it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from osc_imagebuild.model.facts import Mark
from osc_imagebuild.model.names import Milestone
from osc_imagebuild.model.resources import Resource, Server, Volume

# How long a list may be behind, at the most that is reckoned with.
LAG_S = 120.0
# How long what was made may not be there for a look by its ID.
UNSEEN_S = 60.0

Kind = type[Resource]


class Memory:
    """What is remembered of the resources of one build, by their kinds and IDs.

    ``expected`` is what others say that there is: it is asked for where no list has it,
    and forgotten where it is not there. ``unsure_at`` is when something may have been
    made, or deleted, that no list showed at that time; None where nothing was.
    """

    def __init__(
        self, now: Callable[[], float], expected: Iterable[tuple[Kind, str]] = ()
    ) -> None:
        self._now = now
        self._expected = dict.fromkeys(expected)
        self._made: dict[tuple[Kind, str], tuple[str, float]] = {}
        self._seen: dict[Kind, dict[str, str]] = {}
        self._touched: dict[str, float] = {}
        self._deleted: set[str] = set()
        self._forgotten: dict[str, float] = {}
        self.unsure_at: float | None = None

    def made(self, kind: Kind, role: str, item_id: str) -> None:
        """Note that this client made something, or took it for the build."""
        self._made[kind, item_id] = role, self._now()
        self.touched(item_id)

    def touched(self, item_id: str) -> None:
        """Note that this client is about to change something."""
        self._touched[item_id] = self._now()

    def deleted(self, item_id: str) -> None:
        """Note that this client is about to delete something."""
        self.touched(item_id)
        self._deleted.add(item_id)

    def forget(self, item_id: str) -> None:
        """Take something that was deleted for gone, whatever lists say for a while."""
        self._forgotten[item_id] = self._now()
        self.unsure()

    def unsure(self, at: float | None = None) -> None:
        """Note that at a time, now if None, something may have been made unseen."""
        self.unsure_at = max(self.unsure_at or 0.0, self._now() if at is None else at)

    def is_unsure(self, for_s: float) -> bool:
        """Whether that was less than ``for_s`` seconds ago."""
        return self.unsure_at is not None and self._now() - self.unsure_at < for_s

    def seen(self, kind: Kind, roles: dict[str, str]) -> None:
        """Note which ID is whose role at present."""
        self._seen[kind] = dict(roles)

    def is_in_use(self, kind: Kind, role: str, item_id: str) -> bool:
        """Whether this client goes on with that one as ``role``."""
        return self._seen.get(kind, {}).get(role) == item_id

    def has_made(self, kind: Kind, item_id: str) -> bool:
        """Whether this client made it."""
        return (kind, item_id) in self._made

    def is_forgotten(self, item_id: str) -> bool:
        """Whether it was deleted so recently that lists are not believed."""
        at = self._forgotten.get(item_id)
        return at is not None and self._now() - at < LAG_S

    def is_deleted(self, item_id: str) -> bool:
        """Whether this client deleted it, some time."""
        return item_id in self._deleted

    def was_just_made(self, kind: Kind, item_id: str) -> bool:
        """Whether it may be there although nobody sees it yet."""
        _, at = self._made.get((kind, item_id), ("", -UNSEEN_S))
        return self._now() - at < UNSEEN_S and item_id not in self._deleted

    def missing(
        self, kind: Kind, listed: Collection[str], role: str | None = None
    ) -> list[str]:
        """Return the IDs that should be listed, all or those of a ``role``, and are not."""
        due = [(r, i) for (of, i), (r, _) in self._made.items() if of is kind]
        due += self._seen.get(kind, {}).items()
        due += [("", i) for of, i in self._expected if of is kind]
        unlisted = dict.fromkeys(
            i for r, i in due if role in (None, r) and i not in listed
        )
        return [item_id for item_id in unlisted if not self.is_forgotten(item_id)]

    def doubtful(self, listed: Iterable[str]) -> list[str]:
        """Return the IDs whose entry in a list may be of before this client's change."""
        now = self._now()
        return [
            i
            for i in listed
            if i in self._deleted or now - self._touched.get(i, now - LAG_S) < LAG_S
        ]

    def drop(self, kind: Kind, item_id: str) -> None:
        """Note that something is gone."""
        self._made.pop((kind, item_id), None)
        self._expected.pop((kind, item_id), None)
        for role, seen_id in list(self._seen.get(kind, {}).items()):
            if seen_id == item_id:
                del self._seen[kind][role]


def expected(marks: Mapping[str, Mark]) -> list[tuple[Kind, str]]:
    """Return what there is of a build by its record, until its result is noted.

    Without them a list that lacks the server once, seen by a client that has just begun,
    would be a server that somebody deleted.
    """
    started = marks.get(Milestone.STARTED)
    if started is None or Milestone.HARVESTED in marks:
        return []
    server_id = started.data.get("server_id", "")
    found: list[tuple[Kind, str]] = [(Server, server_id)] if server_id else []
    return found + [(Volume, i) for i in started.data.get("volumes", "").split()]
