"""What a process remembers of the past: which shadow a table is read from, and the
order of the lists that were asked for twice.

A moment does not change, so an order that was found once is good for ever; it is kept
apart from the orders of live lists (`projections/lists.py`), which go by what was
written since.  Both are bounded, the oldest goes first.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from domain.ids import WorkspaceId
from projections.as_of.shadows import Key, Made
from projections.kept import Kept
from projections.lists import Listed, by_query
from projections.order import MOST_IDS, all_ids, ids_literal, in_order, slice_of
from projections.query import Page, Query
from projections.reader import Rows, Statement
from projections.records.output import Rendition, by_ids
from projections.target import Target

MOST_SOURCES = 1_000
MOST_BYTES = 32 * 2**20  # of all orders
SAY_SECONDS = 60.0  # a shadow's use is noted down as often
_ENTRY_BYTES = 500  # of a list of which no ids are kept

Asked: TypeAlias = "tuple[WorkspaceId, str, int, tuple[str | None, ...]]"


class Sources:
    """Where a table of a moment was read last: a hint, which may be wrong."""

    def __init__(self) -> None:
        self._made: OrderedDict[Key, Made] = OrderedDict()
        self._said: dict[Key, float] = {}

    def get(self, key: Key) -> Made | None:
        return self._made.get(key)

    def put(self, key: Key, made: Made) -> None:
        self._made[key] = made
        self._made.move_to_end(key)
        while len(self._made) > MOST_SOURCES:
            oldest, _ = self._made.popitem(last=False)
            self._said.pop(oldest, None)

    def is_long_unsaid(self, key: Key) -> bool:
        """Whether it is time to note down that the shadow is in use."""
        now = time.monotonic()
        if now - self._said.get(key, -SAY_SECONDS) < SAY_SECONDS:
            return False
        self._said[key] = now
        return True


@dataclass(frozen=True, slots=True)
class Order:
    """`ids`: all the list's records in order, 16 bytes each; None where they were not
    asked for yet, or, `long`, are too many."""

    ids: bytes | None = None
    long: bool = False

    @property
    def size(self) -> int:
        return _ENTRY_BYTES + len(self.ids or b"")


class Orders:
    """Lists that were asked for before."""

    def __init__(self) -> None:
        self._known: Kept[Asked, Order] = Kept(MOST_BYTES)

    def of(self, asked: Asked) -> Order | None:
        return self._known.get(asked)

    def learn(
        self, asked: Asked, before: Order | None, results: Sequence[Rows]
    ) -> None:
        """From what `plan` has found."""
        now = Order()
        if before is not None and before.long:
            return
        if before is not None:
            number, ids = results[1][0]
            now = Order(long=True) if number > MOST_IDS else Order(bytes(ids or b""))
        self._known.put(asked, now)


def plan(
    query: Query, page: Page, order: Order | None, rendition: Rendition, target: Target
) -> list[Statement]:
    """The page by the order, where that is known; else by the query, with all ids where
    it was asked for before."""
    if order is not None and order.ids is not None:
        statement = by_ids(target, query.table, rendition, query.chosen)
        return [(statement, [ids_literal(slice_of(order.ids, page))])]
    statements = [by_query(target, query, page, rendition)]
    if order is not None and not order.long:
        statements.append(all_ids(target, query))
    return statements


def listed(ids: bytes, page: Page, rows: Rows, position: int) -> Listed:
    return Listed(in_order(slice_of(ids, page), rows), len(ids) // 16, position)
