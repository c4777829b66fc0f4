"""What must always hold: one function an invariant.

Each gives the problems it found, none where the invariant holds.  Those of a workspace
run with `app.workspaces` set to it; those of the instance see every workspace.  That
rows and events agree value by value is `projections.rebuild.check`.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from domain.catalog import Constraint
from domain.constraint import unique_digest
from domain.decider import changes_catalog
from domain.ids import WorkspaceId
from projections import log
from projections.catalog import load
from projections.records.rows import column_values
from projections.target import column_name, live, table_name

Connection: TypeAlias = psycopg.Connection[Any]
Invariant: TypeAlias = Callable[[Connection, WorkspaceId], Iterator[str]]


def positions_are_gapless(
    connection: Connection, workspace: WorkspaceId
) -> Iterator[str]:
    """A workspace's positions are 1..n, and its head is at n."""
    rows = connection.execute(
        "SELECT seq, lag(seq, 1, 0::bigint) OVER (ORDER BY seq) FROM ledger.events"
        " WHERE workspace_id = %s",
        [workspace],
    )
    last = 0
    for seq, before in rows:
        if seq != before + 1:
            yield f"position {before} is followed by {seq}"
        last = seq
    head = _head(connection, workspace)
    if head[0] != last:
        yield f"the head is at {head[0]}, the last event at {last}"


def chain_holds(connection: Connection, workspace: WorkspaceId) -> Iterator[str]:
    """Every hash is that of the one before, the envelope and the bytes."""
    previous = log.ZERO
    for page in log.read(connection, workspace):
        for envelope in page:
            hashed = log.chained(previous, envelope.header, envelope.data)
            if hashed != bytes(envelope.hash):
                yield f"the hash at position {envelope.seq} is not its content's"
            previous = bytes(envelope.hash)
    if bytes(_head(connection, workspace)[1]) != previous:
        yield "the head's hash is not the last event's"


def events_are_known(connection: Connection, workspace: WorkspaceId) -> Iterator[str]:
    """Every event can be read, and its bytes are canonical."""
    for page in log.read(connection, workspace):
        for envelope in page:
            try:
                recorded = envelope.recorded
            except (LookupError, ValueError, TypeError) as error:
                yield f"the event at position {envelope.seq} cannot be read: {error}"
                continue
            same = log.data_of(recorded.event) == envelope.data
            if not same and envelope.schema == recorded.event.SCHEMA:
                yield f"the bytes at position {envelope.seq} are not canonical"


def batches_are_whole(connection: Connection, workspace: WorkspaceId) -> Iterator[str]:
    """Batches follow one another without gap or overlap, and cover every event."""
    rows = connection.execute(
        "SELECT batch_id::text, first_seq, last_seq FROM ledger.batches"
        " WHERE workspace_id = %s AND last_seq >= first_seq ORDER BY first_seq",
        [workspace],
    ).fetchall()
    next_seq = 1
    for batch_id, first, last in rows:
        if first != next_seq:
            yield f"batch {batch_id} starts at {first} where {next_seq} is next"
        next_seq = last + 1
    last_event = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM ledger.events WHERE workspace_id = %s",
        [workspace],
    ).fetchone()
    if last_event is not None and last_event[0] != next_seq - 1:
        yield f"batches end at {next_seq - 1}, events at {last_event[0]}"


def streams_are_gapless(
    connection: Connection, workspace: WorkspaceId
) -> Iterator[str]:
    """A stream's versions are 1..n in the order of positions."""
    rows = connection.execute(
        """
        SELECT stream_id::text, seq, version, place FROM (
            SELECT stream_id, seq, version,
                   row_number() OVER (PARTITION BY stream_id ORDER BY seq) AS place
            FROM ledger.events WHERE workspace_id = %s
        ) AS numbered
        WHERE version <> place ORDER BY seq LIMIT 100
        """,
        [workspace],
    )
    for stream, seq, version, place in rows:
        yield f"stream {stream} has version {version} at {seq}, not {place}"


def times_never_fall(connection: Connection, workspace: WorkspaceId) -> Iterator[str]:
    """`recorded_at` never falls, and an event's id carries its millisecond or a later
    one."""
    previous = ""
    for page in log.read(connection, workspace):
        for envelope in page:
            if envelope.recorded_at < previous:
                yield f"the time at position {envelope.seq} is before the one before"
            previous = envelope.recorded_at


def catalogue_has_its_position(
    connection: Connection, workspace: WorkspaceId
) -> Iterator[str]:
    """`catalog_seq` of the head is the last event's that changed the catalogue."""
    last = 0
    for page in log.read(connection, workspace):
        for envelope in page:
            if changes_catalog(envelope.recorded.event):
                last = envelope.seq
    head = _head(connection, workspace)
    if head[2] != last:
        yield f"the head's catalog_seq is {head[2]}, the last such event is at {last}"


def rows_have_their_versions(
    connection: Connection, workspace: WorkspaceId
) -> Iterator[str]:
    """A record's row has the version of its stream's last event."""
    for table_id in _tables(connection, workspace):
        rows = connection.execute(
            sql.SQL(
                """
                SELECT t.id::text, t.version, max(e.version) FROM {} AS t
                LEFT JOIN ledger.events AS e
                  ON e.workspace_id = %s AND e.stream_id = t.id
                GROUP BY t.id, t.version
                HAVING max(e.version) IS DISTINCT FROM t.version LIMIT 100
                """
            ).format(sql.Identifier(live(workspace).records, table_name(table_id))),
            [workspace],
        )
        for record_id, version, last in rows:
            yield f"record {record_id} has version {version}, its stream {last}"


def numbers_are_counted(
    connection: Connection, workspace: WorkspaceId
) -> Iterator[str]:
    """No row's number is above its table's counter."""
    for table_id in _tables(connection, workspace):
        rows = connection.execute(
            sql.SQL(
                "SELECT coalesce(max(t.number), 0), coalesce((SELECT number"
                " FROM catalog.counters WHERE workspace_id = %s AND table_id = %s), 0)"
                " FROM {} AS t"
            ).format(sql.Identifier(live(workspace).records, table_name(table_id))),
            [workspace, table_id],
        ).fetchall()
        for highest, counter in rows:
            if highest > counter:
                yield f"table {table_id} has row {highest}, its counter says {counter}"


def unique_keys_agree(connection: Connection, workspace: WorkspaceId) -> Iterator[str]:
    """The keys of each active constraint are those of its rows, each once; a pending
    one has none beside, and all of them when it is full."""
    target = live(workspace)
    catalog = load(connection, target, workspace, 0)
    for table in catalog.tables.values():
        for constraint in table.all_constraints.values():
            # first: a worker that goes on meanwhile only adds keys
            phase = _phase(connection, workspace, constraint)
            if phase in ("drop", "clear"):
                continue
            kept = {
                bytes(digest): record_id
                for digest, record_id in connection.execute(
                    "SELECT digest, record_id::text FROM catalog.unique_keys"
                    " WHERE workspace_id = %s AND constraint_id = %s",
                    [workspace, constraint.id],
                )
            }
            wanted: dict[bytes, str] = {}
            if constraint.status != "disabled" and not constraint.deleted:
                field = table.all_fields[constraint.field_id]
                for record_id, value in column_values(connection, target, table, field):
                    digest = unique_digest(
                        value, case_sensitive=constraint.case_sensitive
                    )
                    if digest is not None and digest in wanted and phase is None:
                        yield f"constraint {constraint.id} has a value twice"
                    if digest is not None and (
                        digest not in wanted or kept.get(digest) == record_id
                    ):
                        wanted[digest] = record_id
            if phase in ("fill", "duplicates"):
                wanted = {one: wanted[one] for one in kept if one in wanted}
            if kept != wanted:
                yield f"the keys of constraint {constraint.id} are not its rows'"


def _phase(
    connection: Connection, workspace: WorkspaceId, constraint: Constraint
) -> str | None:
    """What a worker still has to do for a constraint (`projections.records.keys`)."""
    row = connection.execute(
        "SELECT phase FROM catalog.fills"
        " WHERE workspace_id = %s AND constraint_id = %s",
        [workspace, constraint.id],
    ).fetchone()
    return None if row is None else str(row[0])


def links_have_both_ends(
    connection: Connection, workspace: WorkspaceId
) -> Iterator[str]:
    """Every link leads from a row to a row."""
    target = live(workspace)
    catalog = load(connection, target, workspace, 0)
    for table in catalog.tables.values():
        for field in table.links:
            other = str(field.options["linked_table_id"])
            if field.is_reverse:
                continue
            rows = connection.execute(
                sql.SQL(
                    """
                    SELECT l.record_id::text, l.target_id::text FROM {links} AS l
                    LEFT JOIN {own} AS o ON o.id = l.record_id
                    LEFT JOIN {other} AS t ON t.id = l.target_id
                    WHERE l.field_id = %s AND (o.id IS NULL OR t.id IS NULL) LIMIT 100
                    """
                ).format(
                    links=target.links,
                    own=target.of_records(table.id),
                    other=target.of_records(other),
                ),
                [field.id],
            )
            for record_id, target_id in rows:
                yield f"a link of field {field.id} dangles: {record_id} to {target_id}"


def attachments_are_files(
    connection: Connection, workspace: WorkspaceId
) -> Iterator[str]:
    """Every file that a record names is one of the workspace's, as it is known."""
    target = live(workspace)
    catalog = load(connection, target, workspace, 0)
    for table in catalog.tables.values():
        for field in table.columns:
            if field.type != "attachment":
                continue
            rows = connection.execute(
                sql.SQL(
                    """
                    SELECT t.id::text, a.one ->> 'id' FROM {table} AS t
                    CROSS JOIN jsonb_array_elements({column}) AS a (one)
                    LEFT JOIN catalog.files AS f
                      ON f.workspace_id = %s AND f.id = (a.one ->> 'id')::uuid
                    WHERE a.one ? 'id' AND (a.one ->> 'name', a.one ->> 'type',
                          (a.one ->> 'size')::bigint) IS DISTINCT FROM
                          (f.name, f.type, f.size)
                    LIMIT 100
                    """
                ).format(
                    table=target.of_records(table.id),
                    column=sql.Identifier("t", column_name(field.id)),
                ),
                [workspace],
            )
            for record_id, file_id in rows:
                yield f"record {record_id} names file {file_id}, which is not that one"


def feed_is_whole(connection: Connection, workspace: WorkspaceId) -> Iterator[str]:
    """Every event is once in the feed or, not yet sealed, in the outbox."""
    rows = connection.execute(
        """
        SELECT first_seq, last_seq FROM ledger.feed WHERE workspace_id = %s
        UNION ALL
        SELECT first_seq, last_seq FROM ledger.outbox WHERE workspace_id = %s
        ORDER BY first_seq
        """,
        [workspace, workspace],
    ).fetchall()
    next_seq = 1
    for first, last in rows:
        if first != next_seq:
            yield f"the feed has {first} where {next_seq} is next"
        next_seq = last + 1
    head = _head(connection, workspace)
    if next_seq != head[0] + 1:
        yield f"the feed ends at {next_seq - 1}, the head is at {head[0]}"


def global_order_is_gapless(connection: Connection) -> Iterator[str]:
    """Global numbers are 1..n, and each workspace's rise with its positions."""
    rows = connection.execute(
        "SELECT last_global, last_global - (last_seq - first_seq), workspace_id::text,"
        " first_seq FROM ledger.feed ORDER BY last_global"
    ).fetchall()
    if rows and rows[0][1] != 1:
        yield f"the feed starts at {rows[0][1]}"
    for before, after in pairwise(rows):
        if after[1] != before[0] + 1:
            yield f"global number {before[0]} is followed by {after[1]}"
    reached: dict[str, int] = {}
    for _, first_global, workspace, first_seq in rows:
        if first_seq <= reached.get(workspace, 0):
            yield f"workspace {workspace} goes back at global number {first_global}"
        reached[workspace] = first_seq


def followers_are_not_ahead(connection: Connection) -> Iterator[str]:
    """No follower has followed, or noticed, what the feed does not have."""
    rows = connection.execute(
        """
        SELECT p.follower, p.global_seq FROM ledger.positions AS p
        WHERE p.global_seq > (SELECT coalesce(max(last_global), 0) FROM ledger.feed)
        """
    )
    for follower, at in rows:
        yield f"follower {follower} is at {at}, behind the end of the feed"
    rows = connection.execute(
        """
        SELECT f.follower, f.workspace_id::text, f.seq, f.upto, e.last_seq
        FROM ledger.followed AS f
        CROSS JOIN LATERAL (
            SELECT coalesce(max(last_seq), 0) AS last_seq FROM ledger.feed
            WHERE workspace_id = f.workspace_id
        ) AS e
        WHERE f.seq > f.upto OR f.upto > e.last_seq
        """
    )
    for follower, workspace, seq, upto, last in rows:
        yield (
            f"follower {follower} is at {seq} of {upto} in workspace {workspace},"
            f" whose feed ends at {last}"
        )


# of a workspace, by name
INVARIANTS: Mapping[str, Invariant] = {
    one.__name__: one
    for one in (
        positions_are_gapless,
        chain_holds,
        events_are_known,
        batches_are_whole,
        streams_are_gapless,
        times_never_fall,
        catalogue_has_its_position,
        rows_have_their_versions,
        numbers_are_counted,
        unique_keys_agree,
        links_have_both_ends,
        attachments_are_files,
        feed_is_whole,
    )
}

# of the whole instance, by name
INSTANCE_INVARIANTS: Mapping[str, Callable[[Connection], Iterator[str]]] = {
    one.__name__: one for one in (global_order_is_gapless, followers_are_not_ahead)
}


def see(connection: Connection, workspace: WorkspaceId) -> None:
    """Makes a session see one workspace."""
    connection.execute(
        "SELECT set_config('app.workspaces', %s, false)", [f"{{{workspace}}}"]
    )


def _head(connection: Connection, workspace: WorkspaceId) -> tuple[int, bytes, int]:
    row = connection.execute(
        "SELECT seq, hash, catalog_seq FROM ledger.heads WHERE workspace_id = %s",
        [workspace],
    ).fetchone()
    if row is None:
        raise LookupError(f"workspace {workspace} has no head")
    return int(row[0]), bytes(row[1]), int(row[2])


def _tables(connection: Connection, workspace: WorkspaceId) -> list[str]:
    rows = connection.execute(
        "SELECT id::text FROM catalog.tables WHERE workspace_id = %s", [workspace]
    )
    return [row[0] for row in rows]
