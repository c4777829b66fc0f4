"""All that was committed gets its place in the feed, whoever else is sealing."""

import time
from typing import Any

import psycopg

from commands.embedded import DatabaseUrls
from commands.seal import seal
from projections.postgres import connect

SECONDS = 10.0


def seal_all(database: DatabaseUrls) -> None:
    """Also waits for what another sealer has taken and not committed yet."""
    deadline = time.monotonic() + SECONDS
    with connect(database.app, autocommit=True) as connection:
        while seal(connection) or _waiting(connection):
            assert time.monotonic() < deadline
            time.sleep(0.001)


def _waiting(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT FROM ledger.outbox LIMIT 1").fetchone()
    return row is not None
