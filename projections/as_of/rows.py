"""A table as it was, as SQL: four statements over what is there and what came after.

    later   the records that something happened to since
    net     what that comes to: a row a record
    rows    the records as they were, with the columns of the table of then
    links   the links of those records, each seen from them (`links.py`)

A value is taken from the first later event that says what it was *before*, else from
the row as it is.  So only what came after is read, and a record that was made since is
known by its first event's type alone.  A change of type says what it made of every
value that was there, and is an event of all those records in this.  A deleted record
comes back from its deletion, which has the whole row.

The statements use the live table, or any shadow of a later moment, as what is there.
"""

from psycopg import sql

from domain.catalog import Field, Table
from projections.as_of.past import Past, array, scope, since, until
from projections.records.ddl import SYSTEM_COLUMNS
from projections.target import column_name


def later(past: Past) -> sql.Composed:
    """(id, version, gone, unborn, linked) of each record that something happened to.

    `version`: the one of then; `gone`: where it was deleted first; `unborn`: it was not
    there at the moment; `linked`: its links may have been others.
    """
    return sql.SQL(
        """
        SELECT e.stream_id AS id, min(e.version) - 1 AS version,
               min(e.seq) FILTER (WHERE e.type = 'record.deleted') AS gone,
               coalesce(
                   min(e.seq) FILTER (
                       WHERE e.type IN ('record.created', 'record.restored')
                   ) = min(e.seq), FALSE
               ) AS unborn,
               {linked} AS linked
        FROM ledger.events AS e
        WHERE {since} AND left(e.type, 7) = 'record.' AND {scope}
        GROUP BY e.stream_id
        """
    ).format(
        linked=_linked(past.table),
        since=since(past),
        scope=scope(past, "e.stream_id"),
    )


def net(past: Past) -> sql.Composed:
    """The same, with (v, updated_at, updated_by, number, created_at, created_by).

    `v`: {field id: {from: value of then}}, of deleted records also {"": values at the
    deletion}; the last three of deleted records, those before of all that had been
    changed since they were made.

    JSON is read before it is sorted, and so by the parallel workers; the aggregate
    finds its order there.
    """
    return sql.SQL(
        """
        WITH said (id, seq, v) AS (
            SELECT l.id, e.seq,
                   CASE e.type
                   WHEN 'record.deleted' THEN jsonb_build_object(
                       '', convert_from(e.data, 'UTF8')::jsonb -> 'values'
                   )
                   ELSE convert_from(e.data, 'UTF8')::jsonb -> 'changes' END
            FROM {later} AS l
            JOIN ledger.events AS e ON e.stream_id = l.id
            WHERE {since} AND NOT l.unborn AND (l.gone IS NULL OR e.seq <= l.gone)
              AND e.type IN ('record.updated', 'record.deleted')
            {converted}
            ORDER BY 1, 2 DESC
        ), had AS (
            SELECT id, ledger.together(v ORDER BY seq DESC) AS v
            FROM said GROUP BY id
        )
        SELECT coalesce(l.id, h.id) AS id, l.version, l.gone,
               coalesce(l.unborn, FALSE) AS unborn, coalesce(l.linked, FALSE) AS linked,
               h.v, u.recorded_at AS updated_at, b.actor::text AS updated_by,
               (g.d ->> 'number')::bigint AS number,
               (g.d ->> 'created_at')::timestamptz AS created_at,
               g.d ->> 'created_by' AS created_by
        FROM {later} AS l
        FULL JOIN had AS h ON h.id = l.id
        LEFT JOIN (
            SELECT e.stream_id, e.version, e.recorded_at, e.seq
            FROM ledger.events AS e WHERE {until}
        ) AS u ON NOT l.unborn AND l.version > 1
              AND u.stream_id = l.id AND u.version = l.version
        LEFT JOIN LATERAL (
            SELECT batch.actor FROM ledger.batches AS batch
            WHERE u.seq IS NOT NULL AND batch.workspace_id = {workspace}::uuid
              AND batch.last_seq >= u.seq AND batch.first_seq <= u.seq
            ORDER BY batch.last_seq LIMIT 1
        ) AS b ON TRUE
        LEFT JOIN LATERAL (
            SELECT convert_from(e.data, 'UTF8')::jsonb AS d FROM ledger.events AS e
            WHERE e.workspace_id = {workspace}::uuid AND e.seq = l.gone LIMIT 1
        ) AS g ON NOT l.unborn
        """
    ).format(
        later=past.into.later,
        since=since(past),
        until=until(past),
        converted=_converted(past),
        workspace=sql.Literal(past.workspace_id),
    )


def _linked(table: Table) -> sql.Composable:
    """By the bytes: to read them as JSON costs ten times that."""
    if not table.links:
        return sql.SQL("FALSE")
    return sql.SQL(
        "bool_or(e.type IN ('record.links_changed', 'record.deleted')"
        " OR e.type = 'record.updated' AND position({} IN e.data) > 0)"
    ).format(sql.Literal(b'"added":'))


def _converted(past: Past) -> sql.Composable:
    """What changes of type say of values that were there."""
    fields = sorted(past.retyped.intersection(past.table.all_fields))
    if not fields:
        return sql.SQL("")
    return sql.SQL(
        """
        UNION ALL
        SELECT r.id, r.seq, r.v
        FROM (
            SELECT c.key::uuid AS id, e.seq,
                   jsonb_build_object(d.d ->> 'field_id', c.value) AS v
            FROM ledger.events AS e
            CROSS JOIN LATERAL (
                SELECT convert_from(e.data, 'UTF8')::jsonb AS d OFFSET 0
            ) AS d
            CROSS JOIN LATERAL jsonb_each(d.d -> 'values') AS c
            WHERE {since} AND left(e.type, 7) <> 'record.'
              AND e.type = 'field.converted' AND d.d ->> 'field_id' = ANY ({fields})
              AND {scope}
        ) AS r
        LEFT JOIN {later} AS l ON l.id = r.id
        WHERE NOT coalesce(l.unborn, FALSE) AND (l.gone IS NULL OR r.seq <= l.gone)
        """
    ).format(
        later=past.into.later,
        since=since(past),
        fields=sql.Literal(fields),
        scope=_scope_of_key(past),
    )


def _scope_of_key(past: Past) -> sql.Composable:
    if past.record_ids is None:
        return sql.SQL("TRUE")
    return sql.SQL("c.key = ANY ({}::text[])").format(array(past.record_ids))


def rows(past: Past) -> sql.Composed:
    """The records, with the system's columns and those of all fields, deleted too."""
    stored = [(one, one.column) for one in past.table.columns if one.column is not None]
    only: sql.Composable = sql.SQL("")
    if past.record_ids is not None:
        only = sql.SQL(" AND coalesce(t.id, n.id) = ANY ({}::uuid[])").format(
            array(past.record_ids)
        )
    return sql.SQL(
        """
        SELECT {columns}
        FROM {base} AS t
        FULL JOIN {net} AS n ON n.id = t.id
        WHERE NOT coalesce(n.unborn, FALSE){only}
        """
    ).format(
        columns=sql.SQL(", ").join(
            [*map(_system, SYSTEM_COLUMNS), *(_value(past, one) for one, _ in stored)]
        ),
        base=_base_rows(past),
        net=past.into.net,
        only=only,
    )


def within(past: Past, links: sql.Composable, asked: sql.Composable) -> sql.Composed:
    """A statement that reads the rows and the links of then as `asked` says."""
    into = past.into
    return sql.SQL(
        "WITH {later} AS MATERIALIZED ({later_text}),"
        " {net} AS MATERIALIZED ({net_text}), {rows} AS MATERIALIZED ({rows_text}),"
        " {links} AS MATERIALIZED ({links_text}) {asked}"
    ).format(
        later=into.later,
        later_text=later(past),
        net=into.net,
        net_text=net(past),
        rows=into.rows,
        rows_text=rows(past),
        links=into.links,
        links_text=links,
        asked=asked,
    )


def _base_rows(past: Past) -> sql.Composable:
    """One record is looked up by the index: a full join would read the whole table."""
    table = past.base.of_records(past.table.id)
    if past.record_ids is None:
        return table
    return sql.SQL("(SELECT * FROM {} WHERE id = ANY ({}::uuid[]))").format(
        table, array(past.record_ids)
    )


def _system(name: str) -> sql.Composed:
    column = sql.Identifier(name)
    match name:
        case "id":
            text = "coalesce(t.id, n.id)"
        case "version":
            # where only a type was changed, the record itself was not
            text = "coalesce(n.version, t.version)"
        case "updated_at" | "updated_by":
            made = sql.Identifier(name.replace("updated", "created"))
            return sql.SQL(
                "CASE WHEN n.version IS NULL THEN t.{0}"
                " WHEN n.version = 1 THEN coalesce(n.{1}, t.{1}) ELSE n.{0} END AS {0}"
            ).format(column, made)
        case _:
            text = "coalesce(n.{0}, t.{0})"
    return sql.SQL(text + " AS {0}").format(column)


def _value(past: Past, one: Field) -> sql.Composed:
    name = sql.Identifier(column_name(one.id, one.slot))
    as_it_is: sql.Composable = sql.SQL("t.{}").format(name)
    if one.id in past.retyped:
        # what was there is said by the conversion, and nothing was where it is silent
        as_it_is = sql.SQL("NULL::{}").format(sql.SQL(one.column or "text"))
    changed = sql.SQL("n.v -> {}").format(sql.Literal(one.id))
    return sql.SQL(
        "CASE WHEN n.v ? {id} THEN {before} WHEN n.gone IS NOT NULL THEN {at_the_end}"
        " ELSE {as_it_is} END AS {name}"
    ).format(
        id=sql.Literal(one.id),
        before=_said(one, changed, "from"),
        at_the_end=_said(one, sql.SQL("n.v -> ''"), one.id),
        as_it_is=as_it_is,
        name=name,
    )


def _said(one: Field, of: sql.Composable, name: str) -> sql.Composed:
    """What an event says of a value, as its column keeps it: a key of an object."""
    kind = one.column or "text"
    if kind == "jsonb" and not one.kind.as_text:
        text = "nullif({of} -> {name}, 'null'::jsonb)"
    elif kind.endswith("[]"):
        text = (
            "CASE WHEN jsonb_typeof({of} -> {name}) = 'array' THEN ARRAY("
            "SELECT jsonb_array_elements_text({of} -> {name}))::{kind} END"
        )
    else:
        text = "({of} ->> {name})::{kind}"
    return sql.SQL(text).format(of=of, name=sql.Literal(name), kind=sql.SQL(kind))
