"""The whole order of one list, kept as of a position and brought up to date by what was
written since.

Pure, but for the texts of its statements.

    whole      ids, numbers and sort keys of all its records, in order
    changes    the records that an event since a position is about, as they are now
               (`projections/changed.py`): whether they match, numbers and sort keys
    take       puts those in their places; what it gives is of the changes' position

What changed is told as it is, not as what was done, so a change may be told twice, or
together with one that followed it.  The changes are one statement, hence of one state
of the database.  The page's other records are read a moment earlier in the same
pipeline: an event since would have made them part of the changes.
"""

import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Any

from psycopg import sql

from domain.ids import WorkspaceId
from projections.changed import changed_rows, is_little
from projections.query import Page, Query
from projections.reader import AnyPlan, Rows, Statement
from projections.records.output import Rendition, by_ids, record_json
from projections.sort_keys import TOO_LONG, read, read_all, size, told
from projections.sql import order_by, where
from projections.target import Target, live

MOST_IDS = 200_000  # of one list that is kept; fewer where it has several sorts
MOST_SHOWN_BYTES = 8 * 2**20  # of one list's records that are kept as they were shown
MOST_STEPS = 4_000_000  # changed records times all: each is looked for, 3 ns a step
_RECORD_BYTES = 24  # its id and its number
_SHOWN_BYTES = 150  # of a record that is kept as it was shown, beside its JSON


@dataclass(frozen=True, slots=True)
class _Changed:
    """A record that changed.  `number`: None where it is gone; `json`: None where it
    does not match, or is not told; `keys`: None where it does not match."""

    number: int | None
    json: bytes | None
    keys: tuple[Any, ...] | None


class Outdated(Exception):
    """An order cannot be brought up to date."""


class Order:
    """Of the list of a query.  `position` is where it stands, `catalog_seq` under which
    schema; `goes_on`: whether it can be brought up to date for anything at all; `until`
    when it is trusted, by the monotonic clock.

    `row` is what `whole` found, at that position or later.
    """

    def __init__(
        self,
        workspace_id: WorkspaceId,
        query: Query,
        catalog_seq: int,
        position: int,
        row: Sequence[Any],
        until: float = inf,
    ) -> None:
        self.catalog_seq, self.position = catalog_seq, position
        self.until = until
        self._workspace_id, self._query = workspace_id, query
        self._fields = query.chosen
        _, ids, numbers, *sent = row
        self._ids = bytearray(ids or b"")
        self._numbers = array("q", numbers or b"")
        if sys.byteorder == "little":
            self._numbers.byteswap()
        self._highest = max(self._numbers, default=0)  # that ever was in it
        keys = [[] if one is None else one.decode().split("\0") for one in sent]
        self.goes_on = not any(TOO_LONG in column for column in keys)
        self._keys: list[list[Any]] = []
        if self.goes_on:
            sorts = zip(query.sorts, keys, strict=True)
            self._keys = [read_all(sort, column) for sort, column in sorts]
        self._shown: dict[Rendition, dict[bytes, bytes]] = {}
        self._shown_bytes = 0
        self._statements: dict[Rendition, tuple[AnyPlan, list[Any]]] = {}
        bytes_of_keys = sum(map(size, self._keys))
        self._each = _RECORD_BYTES + bytes_of_keys // max(1, len(self))

    def __len__(self) -> int:
        """How many records match."""
        return len(self._numbers)

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        texts = sum(len(text) for text, _ in self._statements.values())
        return 2_000 + len(self) * self._each + self._shown_bytes + texts

    def statements(self, page: Page, rendition: Rendition) -> list[Statement]:
        """What a page takes: its records that are not kept as they were shown, if there
        are any, then what changed since the order's position."""
        known = self._shown_as(rendition)
        missing = [one for one in self._slice(page) if one not in known]
        asked = self._since(rendition)
        if not missing:
            return [asked]
        target, table = live(self._workspace_id), self._query.table
        records = by_ids(target, table, rendition, self._fields)
        return [(records, [ids_literal(b"".join(missing))]), asked]

    def take(
        self, page: Page, rendition: Rendition, since: int, found: Sequence[Rows]
    ) -> list[bytes] | None:
        """The page's records by what its statements found, which were made at the
        position `since`.

        None where it has to be asked again: another record has come into it, or the
        order was brought further meanwhile.  Raises Outdated.
        """
        *rows, told_rows = found
        position = told_rows[0][0] if told_rows else 0
        if position < since:  # the database is an earlier one
            raise Outdated()
        fetched: dict[bytes, bytes] = {}
        if position >= self.position:
            changed = self._read(told_rows)
            if position > self.position:
                self._follow(changed, position)
            fetched = {_id_of(row[0]): row[2].encode() for row in chain(*rows)}
            for one, it in changed.items():
                fetched.pop(one, None)
                if it.json is not None:
                    fetched[one] = it.json
        known = self._shown_as(rendition)
        items = []
        for one in self._slice(page):
            item = known.get(one)
            if item is None:
                item = fetched.get(one)
                if item is None:
                    return None
                known[one] = item
                self._shown_bytes += len(item) + _SHOWN_BYTES
            items.append(item)
        if self._shown_bytes > MOST_SHOWN_BYTES:
            self._shown_bytes = 0
            self._shown = {}
        return items

    def _shown_as(self, rendition: Rendition) -> dict[bytes, bytes]:
        return self._shown.setdefault(rendition, {})

    def _slice(self, page: Page) -> list[bytes]:
        ids = slice_of(self._ids, page)
        return [ids[at : at + 16] for at in range(0, len(ids), 16)]

    # what changed

    def _since(self, rendition: Rendition) -> Statement:
        made = self._statements.get(rendition)
        if made is None:
            target, query = live(self._workspace_id), self._query
            shown = record_json(target, query.table, rendition, self._fields)
            made = changed_rows(self._workspace_id, query, shown)
            self._statements[rendition] = made
        text, values = made
        return text, [self._workspace_id, self.position, *values]

    def _read(self, rows: Rows) -> Mapping[bytes, _Changed]:
        """Raises Outdated."""
        events, number = rows[0][1], 0 if rows[0][2] is None else len(rows)
        if not is_followed(events, number, len(self)):
            raise Outdated()
        if number and not self.goes_on:
            raise Outdated()
        return {row[2]: self._changed(row) for row in rows[:number]}

    def _changed(self, row: Sequence[Any]) -> _Changed:
        _, _, _, number, matches, json, *keys = row
        if not matches:
            return _Changed(number, None, None)
        if TOO_LONG in keys:
            raise Outdated()
        return _Changed(
            number,
            None if json is None else json.encode(),
            tuple(
                None if key is None else read(sort, key)
                for sort, key in zip(self._query.sorts, keys, strict=True)
            ),
        )

    def _follow(self, changed: Mapping[bytes, _Changed], position: int) -> None:
        for one, it in changed.items():
            if it.number is None or it.number <= self._highest:
                self._leave(one)
            for shown in self._shown.values():
                item = shown.pop(one, None)
                if item is not None:
                    self._shown_bytes -= len(item) + _SHOWN_BYTES
            if it.number is not None and it.keys is not None:
                self._enter(one, it.number, it.keys)
        self.position = position

    def _leave(self, one: bytes) -> None:
        at = self._ids.find(one)
        while at % 16 and at >= 0:
            at = self._ids.find(one, at + 1)
        if at < 0:
            return
        del self._ids[at : at + 16]
        for column in (self._numbers, *self._keys):
            del column[at // 16]

    def _enter(self, one: bytes, number: int, keys: tuple[Any, ...]) -> None:
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._is_before(middle, number, keys):
                low = middle + 1
            else:
                high = middle
        self._ids[16 * low : 16 * low] = one
        self._numbers.insert(low, number)
        for column, key in zip(self._keys, keys, strict=True):
            column.insert(low, key)
        self._highest = max(self._highest, number)

    def _is_before(self, place: int, number: int, keys: tuple[Any, ...]) -> bool:
        """Whether what stands at a place comes before these."""
        for sort, column, key in zip(self._query.sorts, self._keys, keys, strict=True):
            other = column[place]
            if other == key:
                continue
            if other is None or key is None:
                return (other is None) is sort.empty_first
            return bool(other > key if sort.descending else other < key)
        return bool(self._numbers[place] < number)


def slice_of(ids: bytes | bytearray, page: Page) -> bytes:
    return bytes(ids[16 * page.offset : 16 * (page.offset + page.limit)])


def ids_literal(ids: bytes) -> str:
    """An array of uuids; Postgres reads them without hyphens too."""
    text = ids.hex()
    return "{" + ",".join(text[at : at + 32] for at in range(0, len(text), 32)) + "}"


def in_order(ids: bytes, rows: Sequence[Sequence[str]]) -> list[bytes]:
    """The JSON of the records that `by_ids` found."""
    found = {_id_of(row[0]): row[2].encode() for row in rows}
    each = (ids[at : at + 16] for at in range(0, len(ids), 16))
    return [found[one] for one in each if one in found]


def _id_of(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


# the statements


def is_followed(events: int, changed: int, number: int) -> bool:
    """Whether an order of so many records is brought up to date for that."""
    return is_little(events, changed) and changed * number <= MOST_STEPS


def all_ids(target: Target, query: Query) -> Statement:
    """One row, (number, ids), of a whole list; at most `MOST_IDS` and one."""
    return _all(target, query, [sql.SQL("t.id")], [_IDS], [], MOST_IDS)


def whole(target: Target, query: Query) -> Statement:
    """One row, (number, ids, numbers, and for each sort its keys), of a whole list; at
    most `most_ids` and one."""
    inner: list[sql.Composable] = [sql.SQL("t.id, t.number")]
    outer: list[sql.Composable] = [_IDS, _NUMBERS]
    values: list[Any] = []
    for n, key in enumerate(map(told, query.sorts)):
        name = sql.Identifier(f"k{n}")
        inner.append(sql.SQL("{} AS {}").format(key.text, name))
        outer.append(_KEYS.format(name))
        values += key.values
    return _all(target, query, inner, outer, values, most_ids(query))


def most_ids(query: Query) -> int:
    """Of an order that is kept: all its keys are read at once."""
    return MOST_IDS // max(1, len(query.sorts))


def _all(
    target: Target,
    query: Query,
    inner: Sequence[sql.Composable],
    outer: Sequence[sql.Composable],
    values: Sequence[Any],
    most: int,
) -> Statement:
    condition, order = where(query, target), order_by(query)
    text = sql.SQL(
        "SELECT count(*), {outer} FROM (SELECT {inner} FROM {table} AS t WHERE {where}"
        " ORDER BY {order} LIMIT %s::bigint) AS t"
    ).format(
        outer=sql.SQL(", ").join(outer),
        inner=sql.SQL(", ").join(inner),
        table=target.of_records(query.table.id),
        where=condition.text,
        order=order.text,
    )
    return text, [*values, *condition.values, *order.values, most + 1]


_IDS = sql.SQL("string_agg(uuid_send(t.id), ''::bytea)")
_NUMBERS = sql.SQL("string_agg(int8send(t.number), ''::bytea)")
# no text of Postgres has the character 0
_KEYS = sql.SQL(
    "string_agg(coalesce(convert_to(t.{}, 'UTF8'), ''::bytea), '\\x00'::bytea)"
)
