"""Replies that are remembered: the latest that were asked for, up to so many bytes."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

from api.cms.asked import Asked

MOST_BYTES = 64 * 2**20  # of all replies that are kept
MOST_OF_ONE = 2 * 2**20
_ENTRY_BYTES = 1_000  # of a reply, its body aside


@dataclass(frozen=True, slots=True)
class Medium:
    """A file that an entry names."""

    file_id: str


# a list, the id of one entry, or a file
What: TypeAlias = Asked | str | Medium
Key: TypeAlias = tuple[str, str, What]  # by whose slugs; of a file, the site's alone


@dataclass(slots=True)
class Kept:
    """A reply, and what it hangs on.

    `position`: that of the tables of these marks, when it was begun to be made.
    `seen`: up to where nothing is known to have come since.  `until`: when time makes
    another one of it, in microseconds since the epoch.
    """

    seen: int
    catalog_seq: int
    marks: tuple[str, ...]
    position: int
    until: int
    turned: str  # what the tag has behind the position
    body: bytes

    @property
    def tag(self) -> str:
        return f"p{self.position}{self.turned}"


class Memory:
    """One process's."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self.size = 0  # bytes

    def get(self, key: Key) -> Kept | None:
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def keep(self, key: Key, kept: Kept) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self.size -= _ENTRY_BYTES + len(before.body)
        if len(kept.body) > MOST_OF_ONE:
            return
        self._kept[key] = kept
        self.size += _ENTRY_BYTES + len(kept.body)
        while self.size > MOST_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self.size -= _ENTRY_BYTES + len(oldest.body)
