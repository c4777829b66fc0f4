"""Records as content: one JSON object of the fields that have a value, by `api_name`.

The database builds it, as it does the other forms (`output.py`).  A key is there only
with a value: null, "" and an empty array never are.

    RELATION, MEDIA    an id, or an array of ids in stored order, as the field says;
                       of a file that lies elsewhere its address
    DATETIME           in UTC
    NUMBER             a JSON number with the digits that it was given
    selects            names of choices
    json               as it is

What was given under names that no field has lies in one json field of the table; its
keys stand beside the fields', and a field wins over a key of its name.  The other end
of a link is the other table's to show, and what nobody computes yet is no value.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

import orjson
from psycopg import sql

from domain.catalog import Field, Table
from projections.records.output import Same, literal, value_json
from projections.records.rows import MOMENT
from projections.target import Target, column_name

_ARGUMENTS = 90  # of one concat_ws; a function takes a hundred

# the JSON text of a field's value as an expression over `t`, NULL where it is empty
Shown: TypeAlias = Callable[[Target, Field], sql.Composable]


def is_rest(field: Field) -> bool:
    """Whether it holds what was given under names that no field has."""
    return field.type == "json" and bool(field.option("other", False))


def is_private(field: Field) -> bool:
    """Whether its values are for members alone."""
    return bool(field.option("private", False))


def is_single(field: Field) -> bool:
    """Whether a relation or a medium is one, not an array."""
    return field.option("allow_multiple", True) is False


def content_fields(table: Table) -> tuple[Field, ...]:
    """The fields that content has keys of, in their order."""
    return tuple(one for one in table.fields if not one.is_reverse and not is_rest(one))


def public_fields(table: Table) -> tuple[Field, ...]:
    """Those of them that anybody may see the values of."""
    return tuple(one for one in content_fields(table) if not is_private(one))


def content_json(
    target: Target, table: Table, *, with_private: bool = True
) -> sql.Composed:
    """The expression of one record's content; the table's alias is `t`."""
    return _content(target, table.id, table.schema_seq, with_private, Same(table))


@lru_cache(maxsize=512)
def _content(
    target: Target, _table_id: str, _schema_seq: int, with_private: bool, table: Same
) -> sql.Composed:
    leaves = _anything if with_private else _is_public
    rendered = content_object(target, table.table, shown_json, leaves).as_string()
    return sql.Composed([sql.SQL(rendered)])


def _anything(_field: Field) -> bool:
    return True


def _is_public(field: Field) -> bool:
    return not is_private(field)


def content_object(
    target: Target,
    table: Table,
    shown: Shown,
    leaves: Callable[[Field], bool],
    taken: Iterable[str] = (),
) -> sql.Composable:
    """The object of the fields that `leaves` lets out, with values that `shown` makes,
    over `t`.  `taken`: more names that no unknown key is shown by."""
    every = content_fields(table)
    members = [
        _member(field, shown(target, field))
        for field in every
        if not field.kind.computed and leaves(field)
    ]
    rest = next((one for one in table.fields if is_rest(one)), None)
    if rest is not None and leaves(rest):
        members.append(_members(rest, {*taken, *(one.api_name for one in every)}))
    return sql.SQL("'{{' || {} || '}}'").format(_joined(members))


def shown_json(target: Target, field: Field) -> sql.Composable:
    """The JSON text of a value, NULL where there is none."""
    column = sql.Identifier("t", column_name(field.id, field.slot))
    match field.type:
        case "linked_record":
            return _links(target, field)
        case "attachment":
            return _media(field, column)
        case "checkbox" | "json":
            return sql.SQL("{}::text").format(column)
        case _ if field.column in ("numeric", "integer"):
            return sql.SQL("{}::text").format(column)
        case _ if field.column == "text" and field.type != "single_select":
            return sql.SQL("to_json({})::text").format(column)
        case _ if field.column == "date":
            return sql.SQL("to_json({}::text)::text").format(column)
        case _ if field.column == "timestamptz":
            return sql.SQL("'\"' || {} || '\"'").format(MOMENT.format(column))
        case "autonumber":
            return value_json(target, field)
        case _:
            return sql.SQL("nullif({}, 'null')").format(value_json(target, field))


def _member(field: Field, value: sql.Composable) -> sql.Composable:
    """`"name":value`, or NULL with the value."""
    name = orjson.dumps(field.api_name).decode()
    return sql.SQL("{} || {}").format(literal(name + ":"), value)


def _members(rest: Field, names: Iterable[str]) -> sql.Composable:
    """What stands between the braces of an object, without the keys of these names."""
    return sql.SQL(
        "(SELECT nullif(substr(o.rest, 2, length(o.rest) - 2), '') FROM (SELECT"
        " CASE WHEN jsonb_typeof({0}) = 'object' THEN ({0} - {1}::text[])::text END"
        " AS rest) AS o)"
    ).format(
        sql.Identifier("t", column_name(rest.id, rest.slot)),
        literal("{" + ",".join(f'"{name}"' for name in sorted(names)) + "}"),
    )


def _links(target: Target, field: Field) -> sql.Composable:
    """By the links' primary key."""
    if is_single(field):
        found = sql.SQL(
            "(SELECT to_json(l.target_id)::text FROM {links} AS l"
            " WHERE l.field_id = {field}::uuid AND l.record_id = t.id"
            " ORDER BY l.position, l.target_id LIMIT 1)"
        )
    else:
        found = sql.SQL(
            "(SELECT json_agg(l.target_id ORDER BY l.position, l.target_id)::text"
            " FROM {links} AS l"
            " WHERE l.field_id = {field}::uuid AND l.record_id = t.id)"
        )
    return found.format(links=target.links, field=sql.Literal(field.id))


def _media(field: Field, column: sql.Identifier) -> sql.Composable:
    if is_single(field):
        return sql.SQL(
            "to_json(coalesce({0} -> 0 ->> 'id', {0} -> 0 ->> 'url'))::text"
        ).format(column)
    return sql.SQL(
        "(SELECT json_agg(coalesce(f.one ->> 'id', f.one ->> 'url') ORDER BY f.place)"
        "::text FROM jsonb_array_elements({}) WITH ORDINALITY AS f (one, place))"
    ).format(column)


def _joined(members: Sequence[sql.Composable]) -> sql.Composable:
    """Those that are there, with commas between: '' where none is."""
    if len(members) <= _ARGUMENTS:
        return sql.SQL("concat_ws({})").format(
            sql.SQL(", ").join([literal(","), *members])
        )
    return _joined(
        [
            sql.SQL("nullif({}, '')").format(
                _joined(members[start : start + _ARGUMENTS])
            )
            for start in range(0, len(members), _ARGUMENTS)
        ]
    )
