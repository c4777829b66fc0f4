"""What anybody may read of the past: of what is public now, as it was.

An answer shows what the same request would have shown at the moment, by the names of
then, but for whatever is not public any more: a workspace, a type, a field, an entry
has to have been public then and to be public now.  Nobody finds by a moment what was
taken back since.  A relation leads to entries of both; the ids within those are of
entries that are public now.

The tables of then are read one by one (`projections/as_of`), so relations come as marks
with ids in them, which `opened` replaces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import orjson
from psycopg import sql

from domain.catalog import Catalog, Field, Table
from projections.published import rules, statements
from projections.query import Sort
from projections.reader import Statement
from projections.records.content import (
    content_fields,
    content_object,
    is_private,
    is_single,
    public_fields,
)
from projections.sql import Clause
from projections.target import Target, live

LINKS = "\x03"  # around a relation: the field's id, then the array of ids


@dataclass(frozen=True)
class Both:
    """A public table as it was, and as it is; `at` and `now` are the two moments."""

    then: Catalog
    now: Catalog
    table: Table
    at: str
    moment: str

    @property
    def present(self) -> Table:
        return self.now.tables[self.table.id]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields that leave."""
        present = {one.id for one in public_fields(self.present)}
        return tuple(one for one in public_fields(self.table) if one.id in present)

    def related(self, field: Field) -> "Both | None":
        """What a relation leads to, where that leaves too."""
        other = rules.related(self.then, field)
        return None if other is None else self.of(other)

    def of(self, table: Table) -> "Both | None":
        """Another table of then, where it is public now."""
        present = self.now.tables.get(table.id)
        if present is None or not rules.is_public(self.now, present):
            return None
        return Both(self.then, self.now, table, self.at, self.moment)

    def leaves(self, field: Field) -> bool:
        """Of any field of then, also the one of unknown keys."""
        present = self.present.by_id.get(field.id)
        return not is_private(field) and present is not None and not is_private(present)

    @property
    def names(self) -> set[str]:
        """What fields are called now: no unknown key of then is shown by it."""
        return {one.api_name for one in content_fields(self.present)}


def page(both: Both, target: Target, sort: Sort, limit: int, offset: int) -> Statement:
    """As `statements.page`, of the table in `target`."""
    found = statements.page_of(
        target,
        both.table,
        sort,
        _entry(both, target, partial(_linked, target)),
        _public(both, target),
    )
    return _at(both, Clause(found.text, [*found.values, limit, offset]))


def one(both: Both, target: Target, record_id: str) -> Statement:
    text = sql.SQL(
        "SELECT {shown} FROM {table} AS t WHERE t.id = %s::uuid AND {public}"
    ).format(
        shown=_entry(both, target, partial(_linked, target)),
        table=target.of_records(both.table.id),
        public=_public(both, target),
    )
    return _at(both, Clause(text, [record_id]))


def several(both: Both, target: Target, ids: Sequence[str]) -> Statement:
    """(id, JSON) of records that relations lead to."""
    text = sql.SQL(
        "SELECT t.id, {shown} FROM {table} AS t WHERE t.id = ANY (%s::uuid[])"
        " AND {public}"
    ).format(
        shown=_entry(both, target, partial(_ids, both, target)),
        table=target.of_records(both.table.id),
        public=_public(both, target),
    )
    return _at(both, Clause(text, ["{" + ",".join(ids) + "}"]))


def _at(both: Both, clause: Clause) -> Statement:
    opening = sql.SQL(
        "WITH moment AS (SELECT %s::timestamptz AS at, %s::timestamptz AS now) "
    )
    return opening + clause.text, [both.at, both.moment, *clause.values]


def _public(both: Both, target: Target) -> sql.Composed:
    """Whether the record `t` of then was public, and is."""
    present = live(both.now.id)
    return sql.SQL(
        "({then} AND t.id IN (SELECT t.id FROM {present} AS t WHERE {now}))"
    ).format(
        then=statements.visible(target, both.table),
        present=present.of_records(both.table.id),
        now=statements.visible(present, both.present, "now"),
    )


def _entry(
    both: Both, target: Target, value: "partial[sql.Composable]"
) -> sql.Composable:
    data = content_object(target, both.table, _shown(value), both.leaves, both.names)
    return statements.entry(both.table, data)


def _shown(relation: "partial[sql.Composable]") -> "partial[sql.Composable]":
    return partial(_value, relation)


def _value(
    relation: "partial[sql.Composable]", target: Target, field: Field
) -> sql.Composable:
    if field.type == "linked_record":
        return relation(field)
    return statements.plain_json(target, field)


def _linked(target: Target, field: Field) -> sql.Composable:
    return sql.SQL(
        "concat({mark}, {field}, (SELECT json_agg(l.target_id ORDER BY l.position,"
        " l.target_id) FROM (SELECT l.target_id, l.position FROM {links} AS l"
        " WHERE l.field_id = {field}::uuid AND l.record_id = t.id"
        " ORDER BY l.position, l.target_id LIMIT {most}) AS l), {mark})"
    ).format(
        mark=sql.Literal(LINKS),
        field=sql.Literal(str(field.id)),
        links=target.links,
        most=sql.Literal(statements.MOST_RELATED),
    )


def _ids(both: Both, target: Target, field: Field) -> sql.Composable:
    """Those of the records within a relation's that are public now."""
    other = both.related(field)
    if other is None:
        return sql.SQL("NULL")
    present = live(both.now.id)
    among = sql.SQL("SELECT t.id FROM {} AS t WHERE {}").format(
        present.of_records(other.table.id),
        statements.visible(present, other.present, "now"),
    )
    text = (
        "(SELECT to_json(l.target_id)::text FROM {links} AS l"
        " WHERE l.field_id = {field}::uuid AND l.record_id = t.id"
        " AND l.target_id IN ({among}) ORDER BY l.position, l.target_id LIMIT 1)"
        if is_single(field)
        else "(SELECT json_agg(l.target_id ORDER BY l.position, l.target_id)::text"
        " FROM {links} AS l WHERE l.field_id = {field}::uuid AND l.record_id = t.id"
        " AND l.target_id IN ({among}))"
    )
    return sql.SQL(text).format(
        links=target.links, field=sql.Literal(str(field.id)), among=among
    )


def wanted(both: Both, text: str) -> Mapping[str, tuple[Both, list[str]]]:
    """What has to be read to open the relations in a text: by the table's id, the table
    and its records' ids."""
    found: dict[str, tuple[Both, list[str]]] = {}
    for field, ids in map(partial(_read, both), text.split(LINKS)[1::2]):
        other = both.related(field)
        if other is not None and ids:
            _, known = found.setdefault(other.table.id, (other, []))
            known += ids
    return found


def opened(both: Both, text: str, records: Mapping[str, str]) -> str:
    """The text with its relations opened; `records`: the JSON of each by its id."""
    pieces = text.split(LINKS)
    for number in range(1, len(pieces), 2):
        field, ids = _read(both, pieces[number])
        shown = [records[one] for one in ids if one in records]
        if both.related(field) is None:
            shown = []
        if is_single(field):
            pieces[number] = shown[0] if shown else "null"
        else:
            pieces[number] = f"[{','.join(shown)}]"
    return "".join(pieces)


def _read(both: Both, piece: str) -> tuple[Field, list[str]]:
    ids: list[str] = orjson.loads(piece[36:]) if len(piece) > 36 else []
    return both.table.by_id[piece[:36]], ids
