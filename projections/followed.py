"""How far followers are: `ledger.positions`, and `ledger.followed` by workspace.

A position is the number in the feed up to which a follower has looked what there is; a
row of `followed` is how far it is in one workspace.  Backlog and lag are of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg


@dataclass(frozen=True, slots=True)
class Standing:
    """A follower of the feed.  `lag`: seconds that the oldest event waits for it, in
    the workspaces that go on; `parked`: workspaces that do not."""

    follower: str
    backlog: int
    lag: float
    parked: int


@dataclass(frozen=True, slots=True)
class Parked:
    """A workspace in which a follower stands still, before an event it cannot do."""

    follower: str
    workspace_id: str
    seq: int
    upto: int
    error: str


def standings(connection: psycopg.Connection[Any]) -> Sequence[Standing]:
    return [Standing(*row) for row in connection.execute(STANDINGS.decode())]


def parked(connection: psycopg.Connection[Any]) -> Sequence[Parked]:
    return [Parked(*row) for row in connection.execute(_PARKED)]


def unbegun(
    connection: psycopg.Connection[Any], followers: Sequence[str], seconds: float
) -> Sequence[str]:
    """Those that were never there, though there has been something to follow for so
    long."""
    values = {"followers": list(followers), "seconds": seconds}
    found = connection.execute(_UNBEGUN, values)
    return [row[0] for row in found]


def resume(
    connection: psycopg.Connection[Any], follower: str, workspace_id: str | None
) -> int:
    """Has a follower go on in a workspace, or in all of them; gives how many."""
    values = {"follower": follower, "workspace": workspace_id}
    return connection.execute(_RESUME, values).rowcount


# by feed's primary key and feed_by_seq
STANDINGS = b"""
    SELECT p.follower,
           (coalesce(h.last_global - p.global_seq, 0) + w.events)::bigint,
           greatest(coalesce(extract(epoch FROM clock_timestamp()
                                     - least(n.sealed_at, w.since)), 0), 0)::float,
           w.parked::int
    FROM ledger.positions AS p
    LEFT JOIN LATERAL (
        SELECT last_global FROM ledger.feed ORDER BY last_global DESC LIMIT 1
    ) AS h ON true
    LEFT JOIN LATERAL (
        SELECT sealed_at FROM ledger.feed WHERE last_global > p.global_seq
        ORDER BY last_global LIMIT 1
    ) AS n ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(f.upto - f.seq), 0) AS events, min(o.sealed_at) AS since,
               count(*) FILTER (WHERE f.parked) AS parked
        FROM ledger.followed AS f
        LEFT JOIN LATERAL (
            SELECT sealed_at FROM ledger.feed
            WHERE workspace_id = f.workspace_id AND last_seq > f.seq AND NOT f.parked
            ORDER BY last_seq LIMIT 1
        ) AS o ON true
        WHERE f.follower = p.follower AND f.seq < f.upto
    ) AS w
    ORDER BY p.follower
"""
_PARKED = """
    SELECT follower, workspace_id::text, seq, upto, coalesce(error, '')
    FROM ledger.followed WHERE parked ORDER BY follower, workspace_id
"""
# the first one of the feed, by its primary key
_UNBEGUN = """
    SELECT f.follower FROM unnest(%(followers)s::text[]) AS f (follower)
    WHERE NOT EXISTS (SELECT FROM ledger.positions AS p WHERE p.follower = f.follower)
      AND (SELECT coalesce(sealed_at, '-infinity') FROM ledger.feed
           ORDER BY last_global LIMIT 1)
          < clock_timestamp() - %(seconds)s::float8 * interval '1 second'
    ORDER BY f.follower
"""
_RESUME = """
    UPDATE ledger.followed
    SET parked = false, failures = 0, error = NULL, due_at = clock_timestamp()
    WHERE follower = %(follower)s AND parked
      AND workspace_id = coalesce(%(workspace)s::uuid, workspace_id)
"""
