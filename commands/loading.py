"""What a group is decided by: the head of its workspace, and the facts about it.

One wait for the database; two where the catalogue in the cache is not the present one.
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from commands.append import Head
from commands.deciding import Seen
from commands.gather import Gathering, needed
from commands.unit import Unit
from domain.catalog import Catalog
from domain.facts import Facts
from domain.ids import WorkspaceId
from projections.arrays import text_array
from projections.catalog import load
from projections.log import ZERO
from projections.reader import ALIVE
from projections.records.convert import stretches
from projections.target import live


@dataclass(frozen=True, slots=True)
class Loaded:
    """`head`: None where there is no such workspace; `seen`: the keys of the units that
    were used before."""

    head: Head | None
    facts: Facts
    seen: Seen


def loaded(
    connection: psycopg.Connection[Any],
    pipeline: psycopg.Pipeline,
    catalogs: MutableMapping[WorkspaceId, Catalog],
    workspace_id: WorkspaceId,
    units: Sequence[Unit],
    *,
    lock: bool = True,
    steps: bool = True,
) -> Loaded:
    """With `lock` the head is held from now on; the facts of attempts' steps are there
    only with `steps`.  A newer catalogue replaces the one in `catalogs`."""
    target = live(workspace_id)
    catalog = catalogs.get(workspace_id) or Catalog(workspace_id)
    seen: Seen = {}
    connection.execute(SEE, [f"{{{workspace_id}}}"], prepare=True)
    if units[0].alone:
        connection.execute("SET LOCAL lock_timeout = '1s'")
    if units[0].makes_workspace:
        connection.execute(NEW_HEAD, [workspace_id, ZERO])
    select = LOCK_HEAD if lock else _SEE_HEAD
    locked = connection.execute(select, [workspace_id], prepare=True)
    gathering = Gathering(connection, target)
    facts = Facts(catalog)
    _ask(gathering, facts, seen, units, steps)
    # after a mere flush the backend would count as active, and the timer that
    # frees the head of a stopped process would never fire
    pipeline.sync()
    row = locked.fetchone()
    if row is None:
        return Loaded(None, facts, seen)
    head = Head(workspace_id, row[0], row[1], bytes(row[2]), row[3])
    gathering.receive()
    if head.catalog_seq != catalog.seq:
        facts = Facts(load(connection, target, workspace_id, head.catalog_seq))
        seen.clear()
        _ask(gathering, facts, seen, units, steps)
        pipeline.sync()
        gathering.receive()
        catalogs[workspace_id] = facts.catalog
    facts.position = head.seq
    facts.stretches = stretches(connection, workspace_id)
    return Loaded(head, facts, seen)


def _ask(
    gathering: Gathering,
    facts: Facts,
    seen: Seen,
    units: Sequence[Unit],
    steps: bool,
) -> None:
    gathering.facts(needed(units, facts.catalog, steps=steps), facts)
    sessions = {one.origin.session_id for one in units if one.origin.session_id}
    if sessions:

        def alive(rows: Sequence[Sequence[Any]]) -> None:
            facts.sessions = {row[0] for row in rows}

        gathering.ask(_SESSIONS, [text_array(list(sessions))], alive)
    keys = [(one.origin.actor.id, one.once.key) for one in units if one.once]
    if keys:

        def known(rows: Sequence[Sequence[Any]]) -> None:
            for actor, key, fingerprint, reply in rows:
                seen[actor, key] = (bytes(fingerprint), bytes(reply))

        actors, names = zip(*keys, strict=True)
        gathering.ask(
            _KEYS_SEEN,
            [text_array(actors), text_array(names), facts.catalog.id],
            known,
        )


SEE = "SELECT set_config('app.workspaces', %s, true)"
NEW_HEAD = (
    "INSERT INTO ledger.heads (workspace_id, seq, catalog_seq, hash, recorded_at)"
    " VALUES (%s, 0, 0, %s, 'epoch') ON CONFLICT DO NOTHING"
)
_SEE_HEAD = (
    "SELECT seq, catalog_seq, hash, ledger.rfc3339(recorded_at)"
    " FROM ledger.heads WHERE workspace_id = %s::uuid"
)
LOCK_HEAD = _SEE_HEAD + " FOR UPDATE"
_SESSIONS = b"SELECT id FROM vault.sessions WHERE id = ANY (%s::uuid[]) AND " + ALIVE
# by batches' unique (workspace_id, actor, key)
_KEYS_SEEN = b"""
    SELECT b.actor, b.key, b.fingerprint, b.reply
    FROM unnest(%s::uuid[], %s::text[]) AS n (actor, key)
    JOIN ledger.batches AS b
      ON b.workspace_id = %s::uuid AND b.actor = n.actor AND b.key = n.key
"""
