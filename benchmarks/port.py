"""What appending by the `eventsourcing` library costs: on our recorder and on its own.

    python -m benchmarks.port

Both append one event at a time from 1 and from 16 threads to the same embedded cluster,
with durable commits, in turns.  Ours commits and seals; the library's own locks its
table for each append.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console
from rich.table import Table

from benchmarks.place import empty_folder, forget_settings
from commands.embedded import DatabaseUrls, database
from commands.migrate import migrate
from commands.recorder import LedgerRecorder
from commands.settings import Settings
from commands.system import new_id

THREADS = (1, 16)
ROUNDS = 3
SECONDS = 4.0
STATE = b'{"name":"' + b"x" * 200 + b'"}'


def rate(append: Callable[[StoredEvent], object], threads: int) -> float:
    """Appends a second, each to a stream of its own."""
    counts = [0] * threads
    started = time.monotonic()

    def work(place: int) -> None:
        while time.monotonic() < started + SECONDS:
            append(StoredEvent(UUID(new_id()), 1, "Ordered", STATE))
            counts[place] += 1

    working = [threading.Thread(target=work, args=[n]) for n in range(threads)]
    for one in working:
        one.start()
    for one in working:
        one.join()
    return sum(counts) / (time.monotonic() - started)


def the_librarys_own(
    urls: DatabaseUrls,
) -> tuple[ApplicationRecorder, PostgresDatastore]:
    """Over a table of its own in the same database."""
    place = {key: str(value) for key, value in conninfo_to_dict(urls.owner).items()}
    datastore = PostgresDatastore(
        place["dbname"],
        place["host"],
        place["port"],
        place["user"],
        os.environ.get("PGPASSWORD", ""),
        pool_size=16,
        schema="bench",
    )
    with datastore.get_connection() as connection:
        connection.execute("CREATE SCHEMA bench")
    recorder = PostgresApplicationRecorder(datastore, events_table_name="stock")
    recorder.create_table()
    return recorder, datastore


def measure(urls: DatabaseUrls) -> Table:
    migrate(urls)
    ours = LedgerRecorder(urls)
    stock, datastore = the_librarys_own(urls)
    shown = Table("threads", "our recorder", "the library's own", title="appends/s")
    for threads in THREADS:
        found: dict[str, list[float]] = {"ours": [], "stock": []}
        for _ in range(ROUNDS):
            found["ours"].append(rate(lambda e: ours.insert_events([e]), threads))
            found["stock"].append(rate(lambda e: stock.insert_events([e]), threads))
        shown.add_row(str(threads), *(f"{median(one):,.0f}" for one in found.values()))
    ours.close()
    datastore.close()
    return shown


def main() -> None:
    forget_settings()
    with empty_folder(None) as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder))
        with database(settings) as urls:
            Console().print(measure(urls))


if __name__ == "__main__":
    main()
