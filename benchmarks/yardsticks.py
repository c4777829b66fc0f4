"""What the same Postgres does without us: `pgbench`, `COPY`, and the bare endpoint's
table.

Every yardstick has a table of its own, of one definition, in the schema `bench`.  Rows
are inserted by the app role, over the socket that the server uses.
"""

import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks import lists
from benchmarks.errors import CannotMeasure
from benchmarks.rows import CHOICES, COLUMNS, NAMES, NOTES, copied
from commands.embedded.programs import account_for, programs_for
from domain.catalog import Catalog
from domain.ids import WorkspaceId
from projections.catalog import load
from projections.postgres import adapt
from projections.reader import Statement
from projections.target import live
from workers.indexes import Indexer

TABLES = ("pgbench", "bare", "copied")
PGBENCH_CLIENTS = 16

# the values differ as those of the other workloads do
PGBENCH_SCRIPT = f"""\
\\set n random(1, 1000000000)
INSERT INTO bench.pgbench ({NAMES})
VALUES (
    'Widget ' || :n::text,
    '{NOTES.replace("%d", "' || :n::text || '")}',
    :n::numeric / 4,
    :n::numeric,
    true,
    DATE '2024-02-29',
    TIMESTAMPTZ '2024-01-01T10:00:00Z',
    '{CHOICES[0]}'
);
"""


def make_tables(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bench")
        for name in TABLES:
            connection.execute(
                sql.SQL("CREATE TABLE {} ({})").format(
                    sql.Identifier("bench", name), sql.SQL(COLUMNS)
                )
            )


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("bench", table))
        ).fetchone()
        return int(row[0]) if row else 0


def fill_bare(url: str, records: int) -> list[int]:
    """Gives the bare endpoint's table that many rows; their ids."""
    with psycopg.connect(url) as connection:
        _copy(connection, "bare", list(copied(0, records)))
        rows = connection.execute("SELECT id FROM bench.bare ORDER BY id").fetchall()
        return [id for (id,) in rows]


def copy_rate(url: str, rows: int) -> float:
    """Rows a second by one COPY, its commit included; the text is made before."""
    pieces = list(copied(0, rows))
    with closing(psycopg.connect(url)) as connection:
        connection.execute("TRUNCATE bench.copied")
        connection.commit()
        began = time.perf_counter()
        _copy(connection, "copied", pieces)
        connection.commit()
        return rows / (time.perf_counter() - began)


def _copy(
    connection: psycopg.Connection[tuple[object, ...]], table: str, pieces: list[bytes]
) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier("bench", table), sql.SQL(NAMES)
    )
    with connection.cursor().copy(statement) as copying:
        for piece in pieces:
            copying.write(piece)


def pgbench_rate(url: str, folder: Path, seconds: int) -> float:
    """Single-row inserts a second with 16 clients, prepared as the server's own are."""
    script = folder / "insert.sql"
    script.write_text(PGBENCH_SCRIPT)
    return _pgbench(url, folder, seconds, [script])


def select_rate(
    url: str,
    folder: Path,
    seconds: int,
    workspace_id: WorkspaceId,
    table_id: str,
    *,
    deep: bool,
) -> float:
    """Pages with their totals a second, by the server's own statements."""
    files = []
    with _seeing(url, workspace_id) as (connection, catalog):
        texts = lists.pgbench_scripts(connection, catalog, table_id, deep=deep)
        for number, text in enumerate(texts):
            files.append(folder / f"list{number}.sql")
            files[-1].write_text(text)
    return _pgbench(url, folder, seconds, files)


def statement_rate(
    url: str,
    folder: Path,
    seconds: int,
    workspace_id: WorkspaceId,
    made: Callable[[Catalog], Statement],
) -> float:
    """How often a second the database answers one statement of the server's."""
    with _seeing(url, workspace_id) as (connection, catalog):
        statement, values = made(catalog)
        text = psycopg.ClientCursor(connection).mogrify(statement, values)
    script = folder / "statement.sql"
    script.write_text(" ".join(text.split()) + ";\n")
    return _pgbench(url, folder, seconds, [script])


@contextmanager
def _seeing(
    url: str, workspace_id: WorkspaceId
) -> Iterator[tuple[psycopg.Connection[tuple[object, ...]], Catalog]]:
    with psycopg.connect(url, autocommit=True) as connection:
        adapt(connection)
        connection.execute(
            "SELECT set_config('app.workspaces', %s, false)", [f"{{{workspace_id}}}"]
        )
        yield connection, load(connection, live(workspace_id), workspace_id, 0)


def make_indexes(url: str, workspace_id: WorkspaceId, table_id: str) -> None:
    with _seeing(url, workspace_id) as (_, catalog):
        wanted = lists.selective_indexes(catalog, table_id)
    indexer = Indexer(url, most=len(wanted), clock=time.time)
    for index in wanted:
        if not indexer.make(index):
            raise CannotMeasure(f"{index.name} could not be made")


def analyze(url: str) -> None:
    """Statistics as they are once autovacuum has been there."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def _pgbench(url: str, folder: Path, seconds: int, scripts: Sequence[Path]) -> float:
    done = subprocess.run(
        [
            programs_for(account_for(folder)) / "pgbench",
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={PGBENCH_CLIENTS}",
            "--jobs=2",
            f"--time={seconds}",
            *(f"--file={script}" for script in scripts),
            url,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    failed = re.search(r"failed transactions: (\d+)", done.stdout)
    if done.returncode or rate is None or (failed and failed[1] != "0"):
        raise CannotMeasure(f"pgbench failed:\n{done.stdout}{done.stderr}")
    return float(rate[1])
