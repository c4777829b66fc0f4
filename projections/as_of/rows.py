"""A table as it was, as SQL: four statements over what is there and what came after.

    later   the records that something happened to since
    net     what that comes to: a row a record
    rows    the records as they were, with the columns of the table of then
    links   the links of those records, each seen from them

A value is taken from the first later event that says what it was *before*, else from
the row as it is.  So only what came after is read, and a record that was made since is
known by its first event's type alone.  A change of type says what it made of every
value that was there, and is an event of all those records in this.  A deleted record
comes back from its deletion, which has the whole row.

Lists of links are the other way round: a later event says which links a record had and
not where each one stood among them, so the lists of records whose links were touched
are folded from those records' own events up to the moment.  The others are taken as
they are.

The statements use the live table, or any shadow of a later moment, as what is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from domain.catalog import Field, Table
from domain.ids import WorkspaceId
from projections.of_table import is_of
from projections.records.ddl import SYSTEM_COLUMNS
from projections.target import Beside, Target, column_name


@dataclass(frozen=True, slots=True)
class Retypes:
    """Where fields of the workspace changed their type: field id -> positions."""

    by_field: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def after(self, position: int, upto: int | None) -> frozenset[str]:
        return frozenset(
            name
            for name, found in self.by_field.items()
            if any(position < one and (upto is None or one <= upto) for one in found)
        )

    def before(self, position: int) -> frozenset[str]:
        return frozenset(
            name
            for name, found in self.by_field.items()
            if any(one <= position for one in found)
        )


@dataclass(frozen=True)
class Past:
    """What is asked: `table` as it was at `position`, made from `base`, which has what
    is now (`upto` None) or what was at `upto`.  `record_ids`: of these alone."""

    workspace_id: WorkspaceId
    position: int
    table: Table
    base: Target
    into: Beside
    retypes: Retypes
    upto: int | None = None
    record_ids: tuple[str, ...] | None = None

    @property
    def retyped(self) -> frozenset[str]:
        """The fields, of any table, that another type came to since."""
        return self.retypes.after(self.position, self.upto)


def _scope(past: Past, column: str) -> sql.Composed:
    stream = sql.Identifier(*column.split("."))
    if past.record_ids is None:
        return is_of(sql.SQL("uuid_send({})").format(stream), past.table)
    return sql.SQL("{} = ANY ({}::uuid[])").format(stream, _array(past.record_ids))


def _array(ids: Sequence[str]) -> sql.Literal:
    return sql.Literal("{" + ",".join(ids) + "}")


def _since(past: Past) -> sql.Composed:
    """The events `e` that came after the moment."""
    window = sql.SQL("e.workspace_id = {}::uuid AND e.seq > {}::bigint").format(
        sql.Literal(past.workspace_id), sql.Literal(past.position)
    )
    if past.upto is None:
        return window
    return window + sql.SQL(" AND e.seq <= {}::bigint").format(sql.Literal(past.upto))


# -------------------------------------------------------------------------- net


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
        since=_since(past),
        scope=_scope(past, "e.stream_id"),
    )


def net(past: Past) -> sql.Composed:
    """The same, with (v, updated_at, updated_by, number, created_at, created_by).

    `v`: {field id: {from: value of then}}; the last three of deleted records, those
    before of all that had been changed since they were made.
    """
    return sql.SQL(
        """
        WITH said (id, seq, v) AS (
            SELECT l.id, e.seq,
                   CASE e.type
                   WHEN 'record.deleted' THEN (
                       SELECT jsonb_object_agg(
                           c.key, jsonb_build_object('from', c.value)
                       )
                       FROM jsonb_each(convert_from(e.data, 'UTF8')::jsonb -> 'values')
                            AS c
                   )
                   ELSE convert_from(e.data, 'UTF8')::jsonb -> 'changes' END
            FROM {later} AS l
            JOIN ledger.events AS e ON e.stream_id = l.id
            WHERE {since} AND NOT l.unborn AND (l.gone IS NULL OR e.seq <= l.gone)
              AND e.type IN ('record.updated', 'record.deleted')
            {converted}
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
        since=_since(past),
        until=_until(past),
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
        since=_since(past),
        fields=sql.Literal(fields),
        scope=_scope_of_key(past),
    )


def _scope_of_key(past: Past) -> sql.Composable:
    if past.record_ids is None:
        return sql.SQL("TRUE")
    return sql.SQL("c.key = ANY ({}::text[])").format(_array(past.record_ids))


# ------------------------------------------------------------------------- rows


def rows(past: Past) -> sql.Composed:
    """The records, with the system's columns and those of all fields, deleted too."""
    stored = [(one, one.column) for one in past.table.columns if one.column is not None]
    only: sql.Composable = sql.SQL("")
    if past.record_ids is not None:
        only = sql.SQL(" AND coalesce(t.id, n.id) = ANY ({}::uuid[])").format(
            _array(past.record_ids)
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


def _base_rows(past: Past) -> sql.Composable:
    """One record is looked up by the index: a full join would read the whole table."""
    table = past.base.of_records(past.table.id)
    if past.record_ids is None:
        return table
    return sql.SQL("(SELECT * FROM {} WHERE id = ANY ({}::uuid[]))").format(
        table, _array(past.record_ids)
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
    return sql.SQL(
        "CASE WHEN n.v ? {id} THEN {said} WHEN n.gone IS NOT NULL THEN NULL"
        " ELSE {as_it_is} END AS {name}"
    ).format(id=sql.Literal(one.id), said=_said(one), as_it_is=as_it_is, name=name)


def _said(one: Field) -> sql.Composed:
    """What an event says of a value, as its column keeps it."""
    kind = one.column or "text"
    if kind == "jsonb" and not one.kind.as_text:
        text = "nullif(n.v -> {id} -> 'from', 'null'::jsonb)"
    elif kind.endswith("[]"):
        text = (
            "CASE WHEN jsonb_typeof(n.v -> {id} -> 'from') = 'array' THEN ARRAY("
            "SELECT jsonb_array_elements_text(n.v -> {id} -> 'from'))::{kind} END"
        )
    else:
        text = "(n.v -> {id} ->> 'from')::{kind}"
    return sql.SQL(text).format(id=sql.Literal(one.id), kind=sql.SQL(kind))


# ------------------------------------------------------------------------ links


def links(past: Past) -> sql.Composed:
    """The links of the table's records: one row may hold both ends' places, where a
    table is linked to itself."""
    sides = [side for one in past.table.links for side in _sides(past, one)]
    if not sides:
        return sql.SQL(
            "SELECT NULL::uuid AS field_id, NULL::uuid AS record_id,"
            " NULL::uuid AS target_id, 0::bigint AS position,"
            " 0::bigint AS reverse_position WHERE FALSE"
        ).format()
    return sql.SQL(
        """
        SELECT field_id, record_id, target_id,
               coalesce(max(position), 0) AS position,
               coalesce(max(reverse_position), 0) AS reverse_position
        FROM ({}) AS s (field_id, record_id, target_id, position, reverse_position)
        GROUP BY field_id, record_id, target_id
        """
    ).format(sql.SQL(" UNION ALL ").join(sides))


def _sides(past: Past, one: Field) -> list[sql.Composed]:
    """The lists of one field: those that stayed, and those that are folded."""
    anew = bool(past.retyped & {one.id, one.reverse_id})
    folded = _placed(one, _folded(past, one, anew=anew))
    if anew:
        return [folded]
    own, _, place = _ends(one)
    stayed = sql.SQL(
        "SELECT l.{own} AS own, l.{far} AS far, l.{place} AS place FROM {base} AS l"
        " WHERE l.field_id = {key}::uuid AND NOT EXISTS (SELECT FROM {net} AS n"
        " WHERE n.id = l.{own} AND (n.linked OR n.unborn)){only}"
    ).format(
        own=sql.Identifier(own),
        far=sql.Identifier(_ends(one)[1]),
        place=sql.Identifier(place),
        base=past.base.links,
        key=sql.Literal(one.link_key),
        net=past.into.net,
        only=sql.SQL("")
        if past.record_ids is None
        else sql.SQL(" AND l.{} = ANY ({}::uuid[])").format(
            sql.Identifier(own), _array(past.record_ids)
        ),
    )
    return [_placed(one, stayed), folded]


def _ends(one: Field) -> tuple[str, str, str]:
    """The columns of a record's own end, of the other one, and of its own place."""
    if one.is_reverse:
        return "target_id", "record_id", "reverse_position"
    return "record_id", "target_id", "position"


def _placed(one: Field, lists: sql.Composed) -> sql.Composed:
    """(own, far, place) as rows of links."""
    columns = (
        "far, own, NULL::bigint, place"
        if one.is_reverse
        else "own, far, place, NULL::bigint"
    )
    return sql.SQL("SELECT {}::uuid, {} FROM ({}) AS f").format(
        sql.Literal(one.link_key), sql.SQL(columns), lists
    )


def _folded(past: Past, one: Field, *, anew: bool) -> sql.Composed:
    """(own, far, place) of the records whose links were touched, from their events.

    An event that writes the whole list starts it anew, with the places that it names or
    numbered from 0, as events did before they named any; after it a record at the other
    end takes itself out, or puts itself in at a place.  Where it says so of one that is
    in already, the record's own event has the last word.
    """
    touched = sql.SQL("SELECT id FROM {} AS n WHERE n.linked AND NOT n.unborn").format(
        past.into.net
    )
    if anew:
        touched = sql.SQL("SELECT id FROM {}").format(past.into.rows)
    converted = past.retypes.before(past.position)
    facts = [_from_stream(past, one)]
    if one.id in converted:
        facts.append(_from_conversion(past, one))
    if one.reverse_id in converted:
        facts.append(_from_far_conversion(past, one))
    return sql.SQL(
        """
        SELECT DISTINCT ON (own, far) own, far, place
        FROM (
            SELECT own, seq, far, place,
                   max(seq) FILTER (WHERE whole) OVER (PARTITION BY own) AS began,
                   max(seq) FILTER (WHERE place IS NULL)
                       OVER (PARTITION BY own, far) AS removed
            FROM ({facts}) AS said (own, seq, whole, far, place)
            WHERE own IN ({touched})
        ) AS f
        WHERE far IS NOT NULL AND place IS NOT NULL AND seq >= coalesce(began, 0)
          AND seq > coalesce(removed, 0)
        ORDER BY own, far, seq
        """
    ).format(facts=sql.SQL(" UNION ALL ").join(facts), touched=touched)


def _until(past: Past) -> sql.Composed:
    return sql.SQL("e.workspace_id = {}::uuid AND e.seq <= {}::bigint").format(
        sql.Literal(past.workspace_id), sql.Literal(past.position)
    )


def _from_stream(past: Past, one: Field) -> sql.Composed:
    return sql.SQL(
        """
        SELECT e.stream_id, e.seq,
               e.type IN ('record.created', 'record.restored', 'record.deleted')
               OR d.d -> 'changes' ? {name},
               c.far, c.place
        FROM ledger.events AS e
        CROSS JOIN LATERAL (
            SELECT CASE WHEN position({bytes} IN e.data) > 0
                        THEN convert_from(e.data, 'UTF8')::jsonb END AS d OFFSET 0
        ) AS d
        CROSS JOIN LATERAL (
            SELECT coalesce(
                d.d -> 'changes' -> {name} -> 'own_places' -> 'to',
                d.d -> 'own_places' -> {name}
            ) AS own
        ) AS o
        LEFT JOIN LATERAL (
            SELECT w.far::uuid AS far,
                   coalesce((o.own ->> (w.place - 1)::int)::bigint, w.place - 1)
                       AS place
            FROM jsonb_array_elements_text(
                CASE WHEN e.type IN ('record.created', 'record.restored')
                          AND d.d -> 'links' ? {name} THEN d.d -> 'values' -> {name}
                     WHEN d.d -> 'changes' -> {name} ? 'added'
                          AND jsonb_typeof(d.d -> 'changes' -> {name} -> 'to') = 'array'
                     THEN d.d -> 'changes' -> {name} -> 'to' END
            ) WITH ORDINALITY AS w (far, place)
            UNION ALL
            SELECT (a.one ->> 0)::uuid, (a.one ->> 1)::bigint
            FROM jsonb_array_elements(d.d -> 'added') AS a (one)
            WHERE d.d ->> 'field_id' = {name}
            UNION ALL
            SELECT (a.one ->> 0)::uuid, NULL
            FROM jsonb_array_elements(d.d -> 'removed') AS a (one)
            WHERE d.d ->> 'field_id' = {name}
        ) AS c ON TRUE
        WHERE {until} AND left(e.type, 7) = 'record.' AND {scope}
          AND (position({bytes} IN e.data) > 0
               OR e.type IN ('record.created', 'record.restored', 'record.deleted'))
        """
    ).format(
        name=sql.Literal(one.id),
        bytes=sql.Literal(f'"{one.id}"'.encode()),
        until=_until(past),
        scope=_scope(past, "e.stream_id"),
    )


def _conversions(past: Past, field_id: str) -> sql.Composed:
    return sql.SQL(
        """
        SELECT c.key AS record, e.seq, c.value AS change
        FROM ledger.events AS e
        CROSS JOIN LATERAL (
            SELECT convert_from(e.data, 'UTF8')::jsonb AS d OFFSET 0
        ) AS d
        CROSS JOIN LATERAL jsonb_each(d.d -> 'values') AS c
        WHERE {until} AND left(e.type, 7) <> 'record.' AND e.type = 'field.converted'
          AND d.d ->> 'field_id' = {name}
        """
    ).format(until=_until(past), name=sql.Literal(field_id))


def _from_conversion(past: Past, one: Field) -> sql.Composed:
    return sql.SQL(
        """
        SELECT k.record::uuid, k.seq, TRUE, w.far::uuid,
               coalesce(
                   (k.change -> 'own_places' -> 'to' ->> (w.place - 1)::int)::bigint,
                   w.place - 1
               )
        FROM ({}) AS k
        LEFT JOIN LATERAL jsonb_array_elements_text(
            CASE WHEN k.change ? 'added'
                      AND jsonb_typeof(k.change -> 'to') = 'array'
                 THEN k.change -> 'to' END
        ) WITH ORDINALITY AS w (far, place) ON TRUE
        """
    ).format(_conversions(past, one.id))


def _from_far_conversion(past: Past, one: Field) -> sql.Composed:
    """The field at the other end became a link, or was none any more."""
    return sql.SQL(
        """
        SELECT c.own::uuid, k.seq, FALSE, k.record::uuid, c.place
        FROM ({}) AS k
        CROSS JOIN LATERAL (
            SELECT a.key AS own, (a.value #>> '{{}}')::bigint AS place
            FROM jsonb_each(k.change -> 'added') AS a
            UNION ALL
            SELECT a.key, NULL FROM jsonb_each(k.change -> 'removed') AS a
        ) AS c
        """
    ).format(_conversions(past, str(one.reverse_id)))
