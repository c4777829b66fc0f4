"""How this system talks to Postgres: one way to set a connection up."""

import select
from typing import Any

import orjson
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader
from psycopg_pool import AsyncConnectionPool

from projections import turns
from projections.arrays import ByteStrings, Integers, Uuids

# seconds; a stopped process must not hold a head, a dead peer not a connection
OPTIONS = {
    "idle_in_transaction_session_timeout": "5s",
    "statement_timeout": "60s",
    "lock_timeout": "5s",
    # the server's own: a client that falls silent over TCP is noticed
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "jit": "off",
    "default_transaction_isolation": "read committed",
}
CONNECT: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "options": " ".join(
        f"-c {name}={value.replace(' ', chr(92) + ' ')}"
        for name, value in OPTIONS.items()
    ),
    "application_name": "tabellion",
}


class _Ready(Dumper):
    """Of what is in Postgres' binary form already."""

    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return obj


_DUMPERS = {
    array: type(f"{array.__name__}Dumper", (_Ready,), {"oid": array.OID})
    for array in (Uuids, Integers, ByteStrings)
}


def adapt(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """Ids are text on our side; JSON is read by orjson; some arrays are binary."""
    connection.adapters.register_loader("uuid", TextLoader)
    for array, dumper in _DUMPERS.items():
        connection.adapters.register_dumper(array, dumper)
    set_json_loads(orjson.loads, connection)


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A synchronous connection.  Raises psycopg.OperationalError."""
    connection = turns.elsewhere(
        lambda: turns.Connection.connect(url, autocommit=autocommit, **CONNECT)
    )
    adapt(connection)
    connection.prepare_threshold = 0
    return connection


class Pool(AsyncConnectionPool[psycopg.AsyncConnection[Any]]):
    """A pool that gives out no connection that the server has ended while it rested,
    as all of them are after a restart.

    The server is asked nothing for it: what says so has come already.
    """

    async def getconn(
        self, timeout: float | None = None
    ) -> psycopg.AsyncConnection[Any]:
        while True:
            connection = await super().getconn(timeout)
            if _is_alive(connection):
                return connection
            await connection.close()
            await self.putconn(connection)  # another one is made in its place


def _is_alive(connection: psycopg.AsyncConnection[Any]) -> bool:
    socket = select.poll()
    socket.register(connection.pgconn.socket, select.POLLIN)
    try:
        while socket.poll(0):
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return True
