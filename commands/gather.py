"""Loading the facts of a group, set-based, under the head's lock."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from commands.parts import stage
from commands.unit import Unit
from domain.catalog import Catalog, Field, Table
from domain.constraint import AT_ONCE
from domain.decider import needs
from domain.facts import Facts, File, Link, Needs
from domain.ids import FieldId, TableId, WorkspaceId
from projections import log, turns
from projections.arrays import text_array
from projections.past import BY_INDEX
from projections.records import rows
from projections.target import Target

_KEYS_AT_ONCE = 2_000  # of one statement; a unit of many records has as many keys
_ROWS_AT_ONCE = 500

Sink: TypeAlias = Callable[[Sequence[Sequence[Any]]], None]


def needed(units: Sequence[Unit], catalog: Catalog, *, steps: bool = True) -> Needs:
    """What units look at; that of their attempts' steps only with `steps`."""
    found = Needs()
    for unit in units:
        parts = unit.parts
        commands = unit.all_commands if steps else unit.commands
        for command in commands if parts is None else stage(parts.all):
            needs(command, catalog, found)
        if unit.stream is not None:
            found.include(unit.stream.needs)
    return found


class Gathering:
    """Statements sent in one pipeline, their results read after its sync."""

    def __init__(self, connection: psycopg.Connection[Any], target: Target) -> None:
        self.connection, self.target = connection, target
        self.waiting: list[tuple[psycopg.Cursor[Any], Sink]] = []

    def ask(
        self, statement: bytes | sql.Composed, values: Sequence[Any], sink: Sink
    ) -> None:
        cursor = self.connection.execute(statement, values, prepare=True)
        self.waiting.append((cursor, sink))

    def receive(self) -> None:
        for cursor, sink in self.waiting:
            sink(cursor.fetchall())
        self.waiting.clear()

    def facts(self, found: Needs, facts: Facts) -> None:
        """Asks for everything in `found`; `facts` has it after `receive`."""
        catalog = facts.catalog
        if found.counters:
            self._counters(found, facts)
        for table_id, ids in found.records.items():
            table = catalog.tables.get(TableId(table_id))
            if table is not None:
                for some in _slices(list(ids), _ROWS_AT_ONCE):
                    self._rows(table, some, facts)
        for table_id, ids in found.targets.items():
            if ids and TableId(table_id) in catalog.tables:
                self._versions(table_id, ids, facts)
        if found.keys:
            self._keys(found, facts)
        for table_id, field_id in found.columns:
            self._column(table_id, field_id, facts)
        for table_id, field_id in found.few:
            self._few(table_id, field_id, facts)
        if found.filled:
            self._filled(found, facts)
        if found.gone:
            self._gone(found, facts)
        if found.files:
            self._files(found, facts)
        if found.foreign:
            self._foreign(found, facts)
        if found.after:
            self._after(found, facts)
        self._instance(found, facts)

    def _counters(self, found: Needs, facts: Facts) -> None:
        def sink(rows: Sequence[Sequence[Any]]) -> None:
            facts.counters.update((row[0], row[1]) for row in rows)

        self.ask(_COUNTERS, [facts.catalog.id, text_array(list(found.counters))], sink)

    def _rows(self, table: Table, ids: Sequence[str], facts: Facts) -> None:
        literal = text_array(ids)

        def sink(found: Sequence[Sequence[Any]]) -> None:
            facts.rows.update(dict.fromkeys(ids))
            if len(ids) == _ROWS_AT_ONCE:
                turns.pause(0)
            for row in found:
                made = rows.row_from(table, row)
                facts.rows[made.id] = made
                facts.versions[made.id] = made.version
                facts.live[made.id] = True

        self.ask(rows.select_rows(self.target, table), [literal], sink)
        for field, other in rows.linked_fields(table, facts.catalog):
            self.ask(
                rows.select_links(self.target, field, other),
                [literal],
                _links_sink(facts, field),
            )

    def _versions(self, table_id: str, ids: set[str], facts: Facts) -> None:
        def sink(found: Sequence[Sequence[Any]]) -> None:
            for record_id, version in found:
                facts.versions[record_id] = version
                facts.live[record_id] = True

        self.ask(
            rows.select_versions(self.target, table_id), [text_array(list(ids))], sink
        )

    def _keys(self, found: Needs, facts: Facts) -> None:
        def sink(rows: Sequence[Sequence[Any]]) -> None:
            facts.taken.update(((row[0], bytes(row[1])), row[2]) for row in rows)

        keys = list(found.keys)
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            if start:
                turns.pause(0)
            some = keys[start : start + _KEYS_AT_ONCE]
            self.ask(TAKEN, key_values(some, facts.catalog.id), sink)

    def _column(self, table_id: str, field_id: str, facts: Facts) -> None:
        def sink(found: Sequence[Sequence[Any]]) -> None:
            facts.columns[field_id] = {row[0]: row[1] for row in found}

        statement = self._select_column(table_id, field_id, facts)
        if statement is not None:
            self.ask(statement, [], sink)

    def _few(self, table_id: str, field_id: str, facts: Facts) -> None:
        def sink(found: Sequence[Sequence[Any]]) -> None:
            few = len(found) <= AT_ONCE
            facts.few[field_id] = {row[0]: row[1] for row in found} if few else None

        statement = self._select_column(table_id, field_id, facts)
        if statement is not None:
            limited = statement + sql.SQL(" LIMIT {}").format(sql.Literal(AT_ONCE + 1))
            self.ask(limited, [], sink)

    def _select_column(
        self, table_id: str, field_id: str, facts: Facts
    ) -> sql.Composed | None:
        table = facts.catalog.tables.get(TableId(table_id))
        if table is None:
            return None
        field = table.all_fields.get(FieldId(field_id))
        if field is None:  # the unit itself makes it
            return rows.select_no_values(self.target, table)
        return rows.select_column(self.target, table, field)

    def _filled(self, found: Needs, facts: Facts) -> None:
        def sink(rows: Sequence[Sequence[Any]]) -> None:
            facts.filled.update((row[0], row[1]) for row in rows)

        self.ask(_FILLED, [facts.catalog.id, text_array(list(found.filled))], sink)

    def _gone(self, found: Needs, facts: Facts) -> None:
        def sink(rows: Sequence[Sequence[Any]]) -> None:
            facts.versions.update((row[0], row[1]) for row in rows)

        self.connection.execute(*BY_INDEX)
        self.ask(_LAST_VERSIONS, [text_array(list(found.gone)), facts.catalog.id], sink)

    def _files(self, found: Needs, facts: Facts) -> None:
        def sink(rows: Sequence[Sequence[Any]]) -> None:
            facts.files.update((row[0], File(*row)) for row in rows)

        self.ask(_FILES, [facts.catalog.id, text_array(list(found.files))], sink)

    def _foreign(self, found: Needs, facts: Facts) -> None:
        def sink(rows: Sequence[Sequence[Any]]) -> None:
            for stream, version, theirs in rows:
                facts.versions[stream] = version
                facts.foreign[stream] = theirs

        self.ask(_FOREIGN, [text_array(list(found.foreign)), facts.catalog.id], sink)

    def _after(self, found: Needs, facts: Facts) -> None:
        def sink(rows: Sequence[Sequence[Any]]) -> None:
            facts.after = [(row[0], row[1], row[2]) for row in rows]

        self.ask(log.AFTER, [facts.catalog.id, min(found.after)], sink)

    def _instance(self, found: Needs, facts: Facts) -> None:
        def emails(rows: Sequence[Sequence[Any]]) -> None:
            facts.emails.update((row[0], row[1]) for row in rows)

        def usernames(rows: Sequence[Sequence[Any]]) -> None:
            facts.usernames.update((row[0], row[1]) for row in rows)

        def users(rows: Sequence[Sequence[Any]]) -> None:
            facts.users.update((row[0], row[1]) for row in rows)

        def slugs(rows: Sequence[Sequence[Any]]) -> None:
            facts.slugs.update((row[0], row[1]) for row in rows)

        def api_keys(rows: Sequence[Sequence[Any]]) -> None:
            facts.api_keys.update((row[0], row[1]) for row in rows)

        if found.emails:
            self.ask(_EMAILS, [list(found.emails)], emails)
        if found.usernames:
            self.ask(_USERNAMES, [list(found.usernames)], usernames)
        if found.users:
            self.ask(_USERS, [text_array(list(found.users))], users)
        if found.slugs:
            self.ask(_SLUGS, [list(found.slugs)], slugs)

        def tokens(rows: Sequence[Sequence[Any]]) -> None:
            facts.tokens.update((row[0], row[1]) for row in rows)

        if found.tokens:
            self.ask(_TOKENS, [facts.catalog.id], tokens)
        if found.api_keys_of:
            self.ask(_API_KEYS, [text_array(list(found.api_keys_of))], api_keys)


def _slices(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def key_values(
    keys: Sequence[tuple[str, bytes]], workspace_id: WorkspaceId
) -> list[str]:
    """The values of `TAKEN` for (constraint, digest) pairs."""
    return [
        text_array([constraint for constraint, _ in keys]),
        text_array([digest.hex() for _, digest in keys]),
        workspace_id,
    ]


def _links_sink(facts: Facts, field: Field) -> Sink:
    def sink(found: Sequence[Sequence[Any]]) -> None:
        links: dict[str, list[Link]]
        links, versions, held = rows.group_links(found)
        for record_id, linked in links.items():
            row = facts.rows.get(record_id)
            if row is not None:
                facts.rows[record_id] = rows.with_links(
                    row, {**row.links, field.id: linked}
                )
        for other, count in held.items():
            facts.held[field.reverse_id or "", other] = count
        for other, version in versions.items():
            facts.versions.setdefault(other, version)
            facts.live.setdefault(other, True)

    return sink


_COUNTERS = (
    b"SELECT table_id, number FROM catalog.counters"
    b" WHERE workspace_id = %s::uuid AND table_id = ANY (%s::uuid[])"
)
# by fills' primary key
_FILLED = (
    b"SELECT constraint_id, phase = 'full' FROM catalog.fills"
    b" WHERE workspace_id = %s::uuid AND constraint_id = ANY (%s::uuid[])"
)
# by unique_keys' primary key
TAKEN = b"""
    SELECT k.constraint_id, k.digest, k.record_id
    FROM unnest(%s::uuid[], %s::text[]) AS n (constraint_id, digest)
    JOIN catalog.unique_keys AS k
      ON k.workspace_id = %s::uuid AND k.constraint_id = n.constraint_id
     AND k.digest = decode(n.digest, 'hex')
"""
# by events' unique (workspace_id, stream_id, version)
_LAST_VERSIONS = b"""
    SELECT e.stream_id, e.version
    FROM unnest(%s::uuid[]) AS n (stream_id)
    CROSS JOIN LATERAL (
        SELECT stream_id, version FROM ledger.events
        WHERE workspace_id = %s::uuid AND stream_id = n.stream_id
        ORDER BY version DESC LIMIT 1
    ) AS e
"""
# the same, of each stream the last event
_FOREIGN = b"""
    SELECT e.stream_id, e.version,
           (convert_from(e.data, 'UTF8')::json ->> 'originator_version')::bigint
    FROM unnest(%s::uuid[]) AS n (stream_id)
    CROSS JOIN LATERAL (
        SELECT * FROM ledger.events
        WHERE workspace_id = %s::uuid AND stream_id = n.stream_id
        ORDER BY version DESC LIMIT 1
    ) AS e
"""
# by files' primary key
_FILES = (
    b"SELECT id, name, type, size, sha256 FROM catalog.files"
    b" WHERE workspace_id = %s::uuid AND id = ANY (%s::uuid[])"
)
_EMAILS = b"SELECT email_key, user_id FROM vault.accounts WHERE email_key = ANY (%s)"
# by accounts_by_username
_USERNAMES = (
    b'SELECT lower(username COLLATE "C"), user_id FROM vault.accounts'
    b' WHERE lower(username COLLATE "C") = ANY (%s)'
)
_USERS = b"SELECT id, version FROM catalog.users WHERE id = ANY (%s::uuid[])"
_SLUGS = b"SELECT slug, workspace_id FROM catalog.slugs WHERE slug = ANY (%s)"
# by api_keys_by_user
_API_KEYS = (
    b"SELECT id, user_id FROM vault.api_keys"
    b" WHERE user_id = ANY (%s::uuid[]) AND workspace_id IS NULL"
)
# by api_keys_by_workspace
_TOKENS = b"SELECT id, user_id FROM vault.api_keys WHERE workspace_id = %s::uuid"
