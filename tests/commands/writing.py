"""A process that writes under load, for tests of what several processes do at once.

    python -m tests.commands.writing URL SECONDS LEAST WRITERS PLACE …

A place is WORKSPACE:USER:TABLE:FIELD and what a command says of the table.  Each writer
commits units of random size and length to one of the tables, one after the other,
through this process's own committers, for so many seconds and, on a machine that is
slow, until it has written so many records; a sealer runs beside them.  A line a
committed unit tells its workspace and its last position.
"""

import random
import sys
import threading
import time

from psycopg import sql

from commands.seal import Sealer
from commands.system import new_id, random_bits
from commands.unit import Origin, Unit, VaultWrite
from domain.events import Actor
from domain.ids import RecordId, TableId, WorkspaceId, record_id
from domain.record import CreateRecords
from domain.values import Values
from tests.commands.tenant import a_committer, plain_reply

LONGEST = 0.008  # seconds that a transaction is held open

_SLEEP = sql.SQL("SELECT pg_sleep(%s)")


def a_unit(place: str, schema_seq: int, number: int) -> Unit:
    """Some records, in a transaction that lasts a random while."""
    workspace_id, user_id, table_id, field_id = place.split(":")
    milliseconds = int(time.time() * 1000)
    records: list[tuple[RecordId, Values]] = [
        (record_id(milliseconds, number, random_bits(41)), {field_id: new_id()})
        for _ in range(random.randint(1, 3))
    ]
    return Unit(
        WorkspaceId(workspace_id),
        Origin(Actor("user", user_id), "pybase", "request-1"),
        [CreateRecords(TableId(table_id), schema_seq, records)],
        plain_reply,
        vault=[VaultWrite(_SLEEP, [random.uniform(0, LONGEST)])],
        size=len(records),
    )


def main(url: str, seconds: str, least: str, writers: str, *places: str) -> None:
    committer = a_committer(url, connections=3)
    sealer = Sealer(url)
    until = time.monotonic() + float(seconds)

    def write() -> None:
        written = 0
        while time.monotonic() < until or written < int(least):
            place, schema_seq, number = random.choice(places).split("/")
            unit = a_unit(place, int(schema_seq), int(number))
            done = committer.submit_and_wait(unit)
            sealer.wake()
            assert done.outcome is not None
            written += unit.size
            sys.stdout.write(f"{unit.workspace_id} {done.outcome.position}\n")

    threads = [threading.Thread(target=write) for _ in range(int(writers))]
    committer.start()
    sealer.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    committer.stop()
    sealer.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
