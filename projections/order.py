"""The whole order of one list, kept as of a position and brought up to date by what was
written since.

Pure, but for the texts of its statements.

    whole      ids, numbers and sort keys of all its records, in order
    changes    the records that an event since a position is about, as they are now:
               their numbers, sort keys and, where they match, their JSON
    take       puts those in their places; what it gives is of the changes' position

What changed is told as it is, not as what was done, so a change may be told twice, or
together with one that followed it.  The changes are one statement, hence of one state
of the database.  The page's other records are read a moment earlier in the same
pipeline: an event since would have made them part of the changes.

A sort key travels as text and is compared here as Postgres compares it: texts by their
bytes, as `COLLATE "C"` does; numbers as decimals; days, moments and places among
choices as integers; several choices as tuples of these, nulls last.
"""

import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from math import inf
from typing import Any, Final, TypeAlias

from psycopg import sql

from domain.ids import WorkspaceId
from projections.changed import changed_records, is_little
from projections.query import Page, Query, Sort, family
from projections.reader import Rows, Statement
from projections.records.output import Rendition, by_ids, record_json
from projections.sql import Clause, order_by, sort_key, where
from projections.target import Target, live

MOST_IDS = 200_000  # of one list that is kept; fewer where it has several sorts
MOST_SHOWN_BYTES = 12 * 2**20  # of one list's records that are kept as they were shown
MOST_STEPS = 4_000_000  # changed records times all: each is looked for, 3 ns a step
LONGEST_KEY = 200  # bytes of a text that an order goes on by
_RECORD_BYTES = 24  # its id and its number
_KEY_BYTES = 80  # of a sort key, about
_SHOWN_BYTES = 150  # of a record that is kept as it was shown, beside its JSON


@dataclass(frozen=True, slots=True)
class Changed:
    """A record as it is now.  `number`: None where it is gone; `json`: None where it
    does not match."""

    number: int | None
    json: bytes | None
    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """All the table's records that something happened to, by id, up to a position."""

    position: int
    records: Mapping[bytes, Changed]


class Order:
    """Of the list of a query.  `position` is where it stands, `catalog_seq` under which
    schema.  `row` is what `whole` found, at that position or later.
    """

    def __init__(
        self,
        workspace_id: WorkspaceId,
        query: Query,
        catalog_seq: int,
        position: int,
        row: Sequence[Any],
    ) -> None:
        self.catalog_seq, self.position = catalog_seq, position
        self._workspace_id, self._query = workspace_id, query
        same = query.fields == query.table.fields
        self._fields = None if same else query.fields
        self._readers = [_READERS[family(sort.field)] for sort in query.sorts]
        _, ids, numbers, *keys = row
        self._ids = bytearray(ids or b"")
        self._numbers = array("q", numbers or b"")
        if sys.byteorder == "little":
            self._numbers.byteswap()
        self._highest = max(self._numbers, default=0)  # that ever was in it
        self._keys: list[list[Any]] = []
        self._goes_on = True
        for text, read in zip(keys, self._readers, strict=True):
            self._keys.append(self._read_keys(text, read))
        self._shown: dict[Rendition, dict[bytes, bytes]] = {}
        self._shown_bytes = 0
        self._statements: dict[Rendition, tuple[bytes, list[Any]]] = {}

    def __len__(self) -> int:
        """How many records match."""
        return len(self._numbers)

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        each = _RECORD_BYTES + _KEY_BYTES * len(self._keys)
        return 2_000 + len(self) * each + self._shown_bytes

    def statements(self, page: Page, rendition: Rendition) -> list[Statement]:
        """What a page takes: its records that are not kept as they were shown, if there
        are any, then what changed."""
        known = self._shown_as(rendition)
        missing = [one for one in self._slice(page) if one not in known]
        asked = self._changes(rendition)
        if not missing:
            return [asked]
        target, table = live(self._workspace_id), self._query.table
        records = by_ids(target, table, rendition, self._fields)
        return [(records, [ids_literal(b"".join(missing))]), asked]

    def take(
        self, page: Page, rendition: Rendition, found: Sequence[Rows]
    ) -> list[bytes] | None:
        """The page's records by what its statements found.

        None where it has to be asked again: another record has come into it, or the
        order was brought further meanwhile.  Raises TooMuch, and is of no use then.
        """
        *rows, told = found
        fetched: dict[bytes, bytes] = {}
        if told[0][0] >= self.position:
            changes = self._read(told)
            self._follow(changes)
            fetched = {_id_of(row[0]): row[2].encode() for row in chain(*rows)}
            for one, changed in changes.records.items():
                if changed.json is not None:
                    fetched[one] = changed.json
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

    def _read_keys(self, text: bytes | None, read: "_Reading") -> list[Any]:
        texts = text.split(b"\0") if text is not None else []
        known = {one: read(one.decode()) if one else None for one in set(texts)}
        if _TOO_LONG.encode() in known:
            self._goes_on = False
        return [known[one] for one in texts]

    # what changed

    def _changes(self, rendition: Rendition) -> Statement:
        if rendition not in self._statements:
            target, table = live(self._workspace_id), self._query.table
            shown = record_json(target, table, rendition, self._fields)
            self._statements[rendition] = _changes(
                self._workspace_id, self._query, shown
            )
        text, values = self._statements[rendition]
        return text, [self._workspace_id, self.position, *values]

    def _read(self, rows: Rows) -> Changes:
        """Raises TooMuch."""
        position, events = rows[0][:2]
        changed = 0 if rows[0][2] is None else len(rows)
        if not is_little(events, changed):
            raise TooMuch()
        if changed and (not self._goes_on or changed * len(self) > MOST_STEPS):
            raise TooMuch()
        return Changes(position, {row[2]: self._changed(row) for row in rows[:changed]})

    def _changed(self, row: Sequence[Any]) -> Changed:
        _, _, _, number, json, *keys = row
        if _TOO_LONG in keys:
            raise TooMuch()
        read = zip(self._readers, keys, strict=True)
        return Changed(
            number,
            None if json is None else json.encode(),
            tuple(None if key is None else one(key) for one, key in read),
        )

    def _follow(self, changes: Changes) -> None:
        for one, changed in changes.records.items():
            if changed.number is None or changed.number <= self._highest:
                self._leave(one)
            for shown in self._shown.values():
                item = shown.pop(one, None)
                if item is not None:
                    self._shown_bytes -= len(item) + _SHOWN_BYTES
            if changed.number is not None and changed.json is not None:
                self._enter(one, changed.number, changed.keys)
        self.position = changes.position

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


class TooMuch(Exception):
    """More has changed than an order is brought up to date for."""


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


def all_ids(target: Target, query: Query) -> Statement:
    """One row, (number, ids), of a whole list; at most `MOST_IDS` and one."""
    return _all(target, query, [sql.SQL("t.id")], [_IDS], [], MOST_IDS)


def whole(target: Target, query: Query) -> Statement:
    """One row, (number, ids, numbers, and for each sort its keys), of a whole list; at
    most `most_ids` and one."""
    inner: list[sql.Composable] = [sql.SQL("t.id, t.number")]
    outer: list[sql.Composable] = [_IDS, _NUMBERS]
    values: list[Any] = []
    for n, key in enumerate(map(_travelling, query.sorts)):
        name = sql.Identifier(f"k{n}")
        inner.append(sql.SQL("{} AS {}").format(key.text, name))
        outer.append(_KEYS.format(name))
        values += key.values
    return _all(target, query, inner, outer, values, most_ids(query))


def most_ids(query: Query) -> int:
    """Of an order with its keys, which are read on the event loop."""
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


def _changes(
    workspace_id: WorkspaceId, query: Query, shown: sql.Composable
) -> tuple[bytes, list[Any]]:
    """(position, events, id, number, JSON, keys…), a row a record that changed; one row
    without an id where none did.  The values lack the first two: workspace, position.
    """
    target = live(workspace_id)
    condition, keys = where(query, target), [_travelling(sort) for sort in query.sorts]
    changed, limits = changed_records(query.table)
    text = _CHANGES.format(
        changed=changed,
        where=condition.text,
        shown=shown,
        keys=sql.SQL("").join(
            sql.SQL(", {} AS {}").format(key.text, sql.Identifier(f"k{n}"))
            for n, key in enumerate(keys)
        ),
        table=target.of_records(query.table.id),
    )
    values = [*condition.values, *(value for key in keys for value in key.values)]
    return text.as_bytes(), [*limits, workspace_id, *values]


_TOO_LONG: Final = "~"
_Reading: TypeAlias = Callable[[str], Any]


def _travelling(sort: Sort) -> Clause:
    """What a sort compares, as text; NULL where it is empty."""
    key, kind = sort_key(sort), family(sort.field)
    text = sql.SQL(_TEXTS.get(kind, "({0})::text")).format(key.text)
    return Clause(text, key.values * _TEXTS.get(kind, "{0}").count("{0}"))


def _read_places(text: str) -> tuple[float, ...]:
    """An array of integers; a null is behind all others, as Postgres has it."""
    inner = text[1:-1]
    places = inner.split(",") if inner else []
    return tuple(inf if one == "NULL" else int(one) for one in places)


# how a key of a family is told, where its own text would not do
_TEXTS: Final[Mapping[str, str]] = {
    "text": f"CASE WHEN octet_length({{0}}) > {LONGEST_KEY} THEN '{_TOO_LONG}'"
    " ELSE '=' || ({0}) END",
    "date": "({0} - DATE '2000-01-01')::text",
    "datetime": "(extract(epoch FROM {0}) * 1000000)::bigint::text",
    "checkbox": "({0})::integer::text",
}
# what is told, as what is compared
_READERS: Final[Mapping[str, _Reading]] = {
    "text": str,
    "id": str,
    "number": Decimal,
    "date": int,
    "datetime": int,
    "checkbox": int,
    "select": int,
    "choices": _read_places,
}

_IDS = sql.SQL("string_agg(uuid_send(t.id), ''::bytea)")
_NUMBERS = sql.SQL("string_agg(int8send(t.number), ''::bytea)")
# no text of Postgres has the character 0
_KEYS = sql.SQL(
    "string_agg(coalesce(convert_to(t.{}, 'UTF8'), ''::bytea), '\\x00'::bytea)"
)

_CHANGES = sql.SQL("""
    {changed}
    SELECT h.seq, (SELECT count(*) FROM later), uuid_send(c.id), n.*
    FROM (SELECT seq FROM ledger.heads WHERE workspace_id = %s::uuid) AS h
    LEFT JOIN changed AS c ON TRUE
    LEFT JOIN LATERAL (  -- each by its id, however many the planner takes them for
        SELECT t.number, CASE WHEN {where} THEN {shown} END{keys}
        FROM {table} AS t WHERE t.id = c.id OFFSET 0
    ) AS n ON TRUE
""")
