"""Whether a stream is that of a record of a table, as SQL.

A record's id holds its table's number, in bytes 6 to 9 and in six bits of byte 10
(`domain/ids.py`).
"""

from typing import Any

from psycopg import sql

from domain.catalog import Table
from domain.ids import record_id


def number_of(table: Table) -> dict[str, Any]:
    """The parameters of `holds_number`."""
    number, rest = _parts(table)
    return {"number": number, "rest": rest}


def holds_number(id_bytes: sql.Composable) -> sql.Composed:
    """Whether the bytes of an id are of the table that the parameters name."""
    return _condition(
        id_bytes, sql.SQL("%(number)s::bytea"), sql.SQL("%(rest)s::integer")
    )


def is_of(id_bytes: sql.Composable, table: Table) -> sql.Composed:
    """The same for a table that stands in the text."""
    number, rest = _parts(table)
    return _condition(id_bytes, sql.Literal(number), sql.Literal(rest))


def _condition(
    id_bytes: sql.Composable, number: sql.Composable, rest: sql.Composable
) -> sql.Composed:
    return sql.SQL(
        "(substring({id} FROM 7 FOR 4) = {number}"
        " AND get_byte({id}, 10) & 252 = {rest})"
    ).format(id=id_bytes, number=number, rest=rest)


def _parts(table: Table) -> tuple[bytes, int]:
    some = bytes.fromhex(record_id(0, table.number, 0).replace("-", ""))
    return some[6:10], some[10]
