"""Records as the JSON that readers get, built by the database.

A record's text is one expression, so a page of any size reaches the client as bytes
that Python has only joined.
"""

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

import orjson
from psycopg import sql

from domain.catalog import Field, Table
from domain.values.attachments import PATH
from projections.reader import AnyPlan
from projections.target import Target, column_name

_ARGUMENTS = 90  # of one concat; a function takes a hundred


class Rendition(Enum):
    """How a reader is shown a record."""

    RECORD = "record"
    RECORD_BY_ID = "record with its values by fields' ids beside those by names"
    ROW = "row"
    ROW_WITH_RECORD_ID = "row with its record's id beside its number"


def literal(text: str) -> sql.Composable:
    """A string constant in a statement that also takes parameters."""
    quoted = sql.Literal(text).as_string()
    return sql.SQL(quoted.replace("%", "%%"))


@lru_cache(maxsize=512)
def _parts(
    target: Target,
    table_id: str,
    schema_seq: int,
    rendition: Rendition,
    chosen: tuple[str, ...] | None,
    table: "Same",
) -> sql.Composed:
    one = table.table
    fields = one.fields if chosen is None else [one.by_id[name] for name in chosen]
    match rendition:
        case Rendition.RECORD | Rendition.RECORD_BY_ID:
            by_id = rendition is Rendition.RECORD_BY_ID
            made = _record(target, one, fields, by_id=by_id)
        case Rendition.ROW | Rendition.ROW_WITH_RECORD_ID:
            with_record_id = rendition is Rendition.ROW_WITH_RECORD_ID
            made = _row(target, fields, with_record_id=with_record_id)
    # rendering it costs as much as a get
    return sql.Composed([sql.SQL(made.as_string())])


class Same:
    """Carries a table past the cache: its id and schema_seq say all that matters."""

    __slots__ = ("table",)

    def __init__(self, table: Table) -> None:
        self.table = table

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same)


def record_json(
    target: Target,
    table: Table,
    rendition: Rendition = Rendition.RECORD,
    fields: Sequence[Field] | None = None,
) -> sql.Composed:
    """The expression of one record's JSON; the table's alias is `t`.

    `fields`: those that are shown, all live ones where it is None.
    """
    chosen = None if fields is None else tuple(str(one.id) for one in fields)
    return _parts(target, table.id, table.schema_seq, rendition, chosen, Same(table))


def _record(
    target: Target, table: Table, fields: Sequence[Field], *, by_id: bool
) -> sql.Composed:
    parts: list[sql.Composable] = [
        literal('{"id":"'),
        sql.SQL("t.id"),
        literal(f'","table_id":"{table.id}","fields":{{'),
        *_fields(target, fields, by_id=False),
    ]
    if by_id:
        parts += [literal('},"data":{'), *_fields(target, fields, by_id=True)]
    parts += [
        literal('},"version":'),
        sql.SQL("t.version"),
        literal(',"created_by_id":"'),
        sql.SQL("t.created_by"),
        literal('","last_modified_by_id":"'),
        sql.SQL("t.updated_by"),
        literal('","created_at":"'),
        sql.SQL("ledger.rfc3339(t.created_at)"),
        literal('","updated_at":"'),
        sql.SQL("ledger.rfc3339(t.updated_at)"),
        literal('"}'),
    ]
    return _concatenated(parts)


def _row(
    target: Target, fields: Sequence[Field], *, with_record_id: bool
) -> sql.Composed:
    """A flat row, by the names that the table's columns have in URLs; `id` is its
    number."""
    parts: list[sql.Composable] = [literal('{"id":'), sql.SQL("t.number")]
    if with_record_id:
        parts += [literal(',"record_id":"'), sql.SQL("t.id"), literal('"')]
    for field in fields:
        parts += [literal(f',"{field.api_name}":'), value_json(target, field)]
    return _concatenated([*parts, literal("}")])


def _concatenated(parts: list[sql.Composable]) -> sql.Composed:
    groups = [
        sql.SQL("concat({})").format(
            sql.SQL(", ").join(parts[start : start + _ARGUMENTS])
        )
        for start in range(0, len(parts), _ARGUMENTS)
    ]
    return sql.SQL(" || ").join(groups)


def _fields(
    target: Target, fields: Sequence[Field], *, by_id: bool
) -> list[sql.Composable]:
    parts: list[sql.Composable] = []
    for index, field in enumerate(fields):
        key = orjson.dumps(field.id if by_id else field.name).decode()
        parts.append(literal(("," if index else "") + key + ":"))
        parts.append(value_json(target, field))
    return parts


def value_json(target: Target, field: Field) -> sql.Composable:
    """The JSON text of one value: never NULL."""
    column = sql.Identifier("t", column_name(field.id, field.slot))
    match field.type:
        case "autonumber":
            prefix = str(field.option("prefix", ""))
            if not prefix:
                return sql.SQL("t.number")
            return sql.SQL("to_json({} || t.number)").format(literal(prefix))
        case "linked_record":
            return _links(target, field)
        case "single_select":
            names = orjson.dumps(dict(field.choice_names)).decode()
            return sql.SQL("coalesce(({}::jsonb -> {})::text, 'null')").format(
                literal(names), column
            )
        case "multi_select":
            return _choices(field, column)
        case "dimension":
            return _dimension(column)
        case "gdt":
            return _gdt(column)
        case "attachment":
            return _attachments(column)
        case _ if field.kind.computed:
            return literal("null")
        case _:
            return _column(field, column)


def _choices(field: Field, column: sql.Identifier) -> sql.Composable:
    names = orjson.dumps(dict(field.choice_names)).decode()
    return sql.SQL(
        "coalesce('[' || (SELECT string_agg(({}::jsonb -> c.id)::text, ','"
        " ORDER BY c.place) FROM unnest({}) WITH ORDINALITY AS c (id, place)) || ']',"
        " 'null')"
    ).format(literal(names), column)


def _dimension(column: sql.Identifier) -> sql.Composable:
    """Its numbers are text where they are kept, so that none loses a digit."""
    return sql.SQL(
        "CASE WHEN {0} IS NULL THEN 'null' ELSE concat("
        "'{{\"value\":', {0} ->> 'value', ',\"unit\":', {0} -> 'unit',"
        " ',\"plus\":', coalesce({0} ->> 'plus', 'null'),"
        " ',\"minus\":', coalesce({0} ->> 'minus', 'null'), '}}') END"
    ).format(column)


def _gdt(column: sql.Identifier) -> sql.Composable:
    return sql.SQL(
        "coalesce(({0} || CASE WHEN {0} -> 'tolerance' IS NULL THEN '{{}}'::jsonb"
        " ELSE jsonb_build_object('tolerance', ({0} ->> 'tolerance')::numeric)"
        " END)::text, 'null')"
    ).format(column)


def _attachments(column: sql.Identifier) -> sql.Composable:
    """What is uploaded has no address where it is kept, what lies elsewhere no id."""
    before, behind = map(literal, PATH)
    return sql.SQL(
        "coalesce('[' || (SELECT string_agg(concat("
        "'{{\"id\":', coalesce((f.one -> 'id')::text, 'null'),"
        " ',\"name\":', f.one -> 'name',"
        " ',\"size\":', coalesce(f.one ->> 'size', 'null'),"
        " ',\"type\":', coalesce((f.one -> 'type')::text, 'null'),"
        " ',\"url\":', coalesce((f.one -> 'url')::text,"
        " to_json(concat({}, f.one ->> 'id', {}))::text), '}}'), ','"
        " ORDER BY f.place) FROM jsonb_array_elements({})"
        " WITH ORDINALITY AS f (one, place)) || ']', 'null')"
    ).format(before, behind, column)


def _column(field: Field, column: sql.Identifier) -> sql.Composable:
    match field.column:
        case "numeric" | "integer":
            return sql.SQL("coalesce({}::text, 'null')").format(column)
        case "boolean":
            return sql.SQL("coalesce({}::text, 'false')").format(column)
        case "jsonb":
            return sql.SQL("coalesce({}::text, 'null')").format(column)
        case "date":
            return sql.SQL("coalesce(to_json({}::text)::text, 'null')").format(column)
        case "timestamptz":
            return sql.SQL(
                "coalesce(left(to_json({} AT TIME ZONE 'UTC')::text, -1) || 'Z\"',"
                " 'null')"
            ).format(column)
        case _:
            return sql.SQL("coalesce(to_json({})::text, 'null')").format(column)


def _links(target: Target, field: Field) -> sql.Composable:
    """By the links' primary key, or links (field_id, target_id) for a reverse field."""
    own, far, position = (
        ("target_id", "record_id", "reverse_position")
        if field.is_reverse
        else ("record_id", "target_id", "position")
    )
    return sql.SQL(
        "coalesce((SELECT json_agg(l.{far} ORDER BY l.{position}, l.{far})::text"
        " FROM {links} AS l WHERE l.field_id = {field}::uuid AND l.{own} = t.id),"
        " 'null')"
    ).format(
        own=sql.Identifier(own),
        far=sql.Identifier(far),
        position=sql.Identifier(position),
        links=target.links,
        field=sql.Literal(field.link_key),
    )


@lru_cache(maxsize=512)
def _by_ids(
    target: Target,
    table_id: str,
    schema_seq: int,
    rendition: Rendition,
    chosen: tuple[str, ...] | None,
    table: Same,
) -> AnyPlan:
    json = _parts(target, table_id, schema_seq, rendition, chosen, table)
    statement = sql.SQL(
        "SELECT t.id, t.version, {} FROM {} AS t WHERE t.id = ANY (%s::uuid[])"
    )
    return AnyPlan(statement.format(json, target.of_records(table_id)).as_bytes())


def by_ids(
    target: Target,
    table: Table,
    rendition: Rendition = Rendition.RECORD,
    fields: Sequence[Field] | None = None,
) -> AnyPlan:
    """(id, version, JSON) of records by `%s::uuid[]`: served by the primary key."""
    chosen = None if fields is None else tuple(str(one.id) for one in fields)
    return _by_ids(target, table.id, table.schema_seq, rendition, chosen, Same(table))
