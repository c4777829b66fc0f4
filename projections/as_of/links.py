"""The links of a table as they were, as SQL.

It is the other way round than with values (`rows.py`): a later event says which links a
record had and not where each one stood among them, so the lists of records whose links
were touched are folded from those records' own events up to the moment.  The others are
taken as they are.
"""

from psycopg import sql

from domain.catalog import Field
from projections.as_of.past import Past, array, scope, until


def links(past: Past) -> sql.Composed:
    """The links of the table's records: one row may hold both ends' places, where a
    table is linked to itself."""
    return _links(past, sql.SQL("coalesce(max({}), 0)"))


def links_seen(past: Past) -> sql.Composed:
    """The same, with a place that is NULL where the record at that end is not asked for
    or did not have the link: within a batch, one end may have it before the other."""
    return _links(past, sql.SQL("max({})"))


def _links(past: Past, place: sql.SQL) -> sql.Composed:
    sides = [side for one in past.table.links for side in _sides(past, one)]
    if not sides:
        return sql.SQL(
            "SELECT NULL::uuid AS field_id, NULL::uuid AS record_id,"
            " NULL::uuid AS target_id, 0::bigint AS position,"
            " 0::bigint AS reverse_position WHERE FALSE"
        ).format()
    return sql.SQL(
        """
        SELECT field_id, record_id, target_id, {} AS position, {} AS reverse_position
        FROM ({}) AS s (field_id, record_id, target_id, position, reverse_position)
        GROUP BY field_id, record_id, target_id
        """
    ).format(
        place.format(sql.Identifier("position")),
        place.format(sql.Identifier("reverse_position")),
        sql.SQL(" UNION ALL ").join(sides),
    )


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
            sql.Identifier(own), array(past.record_ids)
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
        until=until(past),
        scope=scope(past, "e.stream_id"),
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
    ).format(until=until(past), name=sql.Literal(field_id))


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
