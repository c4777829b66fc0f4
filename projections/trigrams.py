"""What an index on trigrams is asked for: the part of a search that few records have.

A GIN index looks every trigram of a pattern up and steps through their lists side by
side.  The list of one that most records have, as of "Widget 0000", is as long as the
table, and to skip in it costs more than all the rest of a page.  So the index is asked
for a part whose trigrams are rare, and what it finds is compared with the whole.

How rare they are is told by what Postgres' statistics keep of the index: common values
with their shares, and a hundred others.  They are read once a minute, with a list.
"""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from domain.ids import WorkspaceId
from projections.arrays import text_array
from projections.indexes import Index, searches
from projections.kept import Kept
from projections.query import And, Query, Where
from projections.reader import Rows, Statement
from projections.target import live

COMMON = 0.05  # share of the values that have a trigram
GOOD_FOR = 60.0  # seconds
ASKING = 5.0  # seconds in which nobody else asks
MOST_BYTES = 16 * 2**20
_LOOKED_AT = 100  # characters of a text: this is done on the event loop
_WORD = re.compile("[0-9a-z]{3,}")


def common(told: Iterable[tuple[str, float]]) -> frozenset[str]:
    """The trigrams of many of these texts, each of which is told with its share."""
    shares: defaultdict[str, float] = defaultdict(float)
    for text, share in told:
        for one in {one for word in _WORD.findall(text) for one in _trigrams(word)}:
            shares[one] += share
    return frozenset(one for one, share in shares.items() if share > COMMON)


def rare_part(sought: str, known: AbstractSet[str]) -> str:
    """The longest part of a text, folded as the index folds, that is inside a word and
    has none of the known trigrams; the whole where there is none."""
    best = ""
    for word in _WORD.findall(sought):
        start = 0
        for at, one in enumerate([*_trigrams(word), None]):
            if one is None or one in known:
                part = word[start : at + 2]
                best = max(best, part if at > start else "", key=len)
                start = at + 1
    return best or sought


def _trigrams(word: str) -> list[str]:
    return [word[at : at + 3] for at in range(len(word) - 2)]


@dataclass(frozen=True, slots=True)
class _Told:
    """What the statistics said of an index, and until when that is good enough."""

    common: frozenset[str]
    until: float

    @property
    def size(self) -> int:
        return 500 + 100 * len(self.common)


class Trigrams:
    """What a process knows of its indexes on trigrams."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: Kept[str, _Told] = Kept(MOST_BYTES)

    def unknown(self, workspace_id: WorkspaceId, query: Query) -> Sequence[str]:
        """The indexes that a query may use of which it is time to ask, once."""
        now = self._clock()
        found = []
        for name in self._names(workspace_id, query).values():
            told = self._told.get(name)
            if told is None or told.until < now:
                known = frozenset[str]() if told is None else told.common
                self._told.put(name, _Told(known, now + ASKING))
                found.append(name)
        return found

    def learn(self, names: Sequence[str], rows: Rows) -> None:
        """What `statistics` said of these."""
        until = self._clock() + GOOD_FOR
        said = {row[0]: common(_shares(*row[1:])) for row in rows}
        for name in names:
            self._told.put(name, _Told(said.get(name, frozenset()), until))

    def narrowed(self, workspace_id: WorkspaceId, query: Query) -> Query:
        """The query with what its indexes are to be asked for."""
        known = {
            field_id: told.common
            for field_id, name in self._names(workspace_id, query).items()
            if (told := self._told.get(name)) is not None and told.common
        }
        if not known:
            return query
        return replace(query, where=_narrowed(query.where, known))

    def _names(self, workspace_id: WorkspaceId, query: Query) -> Mapping[str, str]:
        return {
            one.field.id: Index(
                workspace_id, query.table.id, one.field.id, "search", one.field.slot
            ).name
            for one in searches(query.where)
        }


def statistics(workspace_id: WorkspaceId, names: Sequence[str]) -> Statement:
    """Of each index, where it has been analysed: its common values, their shares, and
    values that stand for all others."""
    return _STATISTICS, [live(workspace_id).records, text_array(names)]


def _shares(
    values: Sequence[str] | None,
    shares: Sequence[float] | None,
    others: Sequence[str] | None,
) -> Iterable[tuple[str, float]]:
    for one, share in zip(values or (), shares or (), strict=True):
        yield one[:_LOOKED_AT], share
    left = max(0.0, 1 - sum(shares or ()))
    for one in others or ():
        yield one[:_LOOKED_AT], left / len(others or ())


def _narrowed(where: Where, known: Mapping[str, AbstractSet[str]]) -> Where:
    if isinstance(where, And):
        return And(tuple(_narrowed(one, known) for one in where.items))
    found = next(iter(searches(where)), None)
    if found is None or found.field.id not in known:
        return where
    part = rare_part(str(found.value).lower(), known[found.field.id])
    return replace(found, part=part)


_STATISTICS = b"""
    SELECT tablename, most_common_vals::text::text[], most_common_freqs,
           histogram_bounds::text::text[]
    FROM pg_stats WHERE schemaname = %s AND tablename = ANY (%s::text[])
"""
