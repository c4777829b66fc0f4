"""What Table REST costs beside the SQL that it sends.

    .venv/bin/python -m benchmarks.table_rest [ROWS] [PORT] [SECONDS]

A server of its own with a table of ROWS records (100,000 by default):

    pages a second    100 rows as JSON at 16 connections, filtered and sorted, beside
                      pgbench with the same list's statements at 16 clients
    a page of CSV     1,000 rows, one after the other, beside its statement alone
    all rows as CSV   how long they take, and what the server held before and at most
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg

from benchmarks import lists, scripts, yardsticks
from benchmarks.export_memory import forget_the_peak
from benchmarks.machine import memory_mb, peak_memory_mb
from benchmarks.processes import serving
from benchmarks.subject import Subject
from benchmarks.wrk import put_load, require_wrk
from commands.embedded import database
from commands.settings import Settings
from domain.ids import TableId, WorkspaceId
from projections.catalog import load
from projections.plainly import condition, sort
from projections.postgres import adapt
from projections.query import And, Page, Query
from projections.records.output import Rendition, record_json
from projections.sql import page_with_total
from projections.target import live

CONNECTIONS, THREADS = 16, 2
ROUNDS = 3  # of load, the server's and pgbench's in turn
CSV_ROWS = 1_000
CSV_PAGES = 40


@dataclass(frozen=True)
class Place:
    """A table behind its URL, and in its database."""

    subject: Subject
    path: str
    url: str

    def client(self) -> httpx2.Client:
        return httpx2.Client(
            base_url=f"http://127.0.0.1:{self.subject.port}",
            headers={"authorization": f"Bearer {self.subject.token}"},
            timeout=120,
            trust_env=False,
        )


def place_of(subject: Subject, url: str) -> Place:
    names = []
    with httpx2.Client(
        base_url=f"http://127.0.0.1:{subject.port}/api/v1",
        headers={"authorization": f"Bearer {subject.token}"},
        trust_env=False,
    ) as client:
        table = client.get(f"/tables/{subject.table_id}").json()
        base = client.get(f"/bases/{table['base_id']}").json()
        workspace = client.get(f"/workspaces/{subject.workspace_id}").json()
        names = [workspace["slug"], base["db_name"], table["slug"]]
    path = "/api/workspace/{}/database/{}/table/{}/".format(*names)
    return Place(subject, path, url)


# ------------------------------------------------------------------ pages a second


def pages(place: Place, folder: Path, seconds: int) -> tuple[float, float]:
    """The server's and pgbench's, the median of each."""
    served, plain = [], []
    for number in range(ROUNDS):
        served.append(_served(place, folder, seconds, number))
        plain.append(
            yardsticks.select_rate(
                place.url,
                folder,
                seconds,
                WorkspaceId(place.subject.workspace_id),
                place.subject.table_id,
                deep=False,
            )
        )
    return statistics.median(served), statistics.median(plain)


def _served(place: Place, folder: Path, seconds: int, number: int) -> float:
    """The lists of the yardstick, any of their first hundred pages."""
    paths = [
        f"{place.path}?price__gt=100&name__icontains={digit}&sort=day"
        f"&page={page}&limit="
        for digit in lists.DIGITS
        for page in range(1, lists.PAGES, 3)
    ]
    target = scripts.Target(place.subject.port, place.path, place.subject.token)
    script = folder / "table_rest.lua"
    script.write_text(scripts.lists(target, number, THREADS, paths, offset=lists.LIMIT))
    load = put_load(
        place.subject.port,
        script,
        connections=CONNECTIONS,
        threads=THREADS,
        seconds=seconds,
    )
    if load.failed or load.broken:
        raise SystemExit(f"{load.failed} replies not 2xx, {load.broken} socket errors")
    return load.requests / load.seconds


# --------------------------------------------------------------------- a page of CSV


def csv_pages(place: Place) -> tuple[float, float]:
    """Seconds of a reply and of its statement, the median of each, in turn."""
    query = f"price__gt=100&sort=day&limit={CSV_ROWS}&format=csv"
    asked, found = [], []
    with place.client() as client, psycopg.connect(place.url) as connection:
        statement = _statement(connection, place)

        def ask() -> int:
            reply = client.get(place.path, params=query)
            return reply.text.count("\n") - 1

        for _ in range(CSV_PAGES):
            asked.append(_seconds(ask))
            found.append(_seconds(statement))
    return statistics.median(asked), statistics.median(found)


def _statement(connection: psycopg.Connection, place: Place) -> Callable[[], int]:
    """Runs what the server sends for the page, and fetches its rows."""
    workspace_id = WorkspaceId(place.subject.workspace_id)
    adapt(connection)
    connection.execute(
        "SELECT set_config('app.workspaces', %s, false)", [f"{{{workspace_id}}}"]
    )
    target = live(workspace_id)
    catalog = load(connection, target, workspace_id, 0)
    table = catalog.tables[TableId(place.subject.table_id)]
    columns = table.by_api_name
    asked = Query(
        table,
        table.fields,
        And((condition(columns["price"], "gt", "100"),)),
        (sort(columns["day"], descending=False),),
    )
    clause = page_with_total(
        asked, target, Page(CSV_ROWS), record_json(target, table, Rendition.ROW)
    )

    def run() -> int:
        rows = connection.execute(clause.text, clause.values, prepare=False).fetchall()
        return len(rows)

    return run


def _seconds(work: Callable[[], int]) -> float:
    began = time.perf_counter()
    rows = work()
    if rows != CSV_ROWS:
        raise SystemExit(f"{rows} rows, not {CSV_ROWS}")
    return time.perf_counter() - began


# ------------------------------------------------------------------- all rows as CSV


def everything(place: Place) -> tuple[int, int, float]:
    """Rows, bytes and seconds of all that there is, read as it comes."""
    rows, size, began = -1, 0, time.perf_counter()
    query = {"format": "csv", "limit": "all", "sort": "day"}
    with (
        place.client() as client,
        client.stream("GET", place.path, params=query) as reply,
    ):
        reply.raise_for_status()
        for part in reply.iter_raw():
            rows += part.count(b"\n")
            size += len(part)
    return rows, size, time.perf_counter() - began


def main(rows: int, port: int, seconds: int) -> None:
    require_wrk()
    with serving(port) as (folder, process):
        subject = Subject(port)
        subject.fill(rows)
        settings = Settings(data_dir=folder / "data", database_url=None, _env_file=None)
        with database(settings) as urls:
            yardsticks.analyze(urls.app)
            place = place_of(subject, urls.app)
            served, plain = pages(place, folder, seconds)
            print(
                f"pages of {lists.LIMIT} at {CONNECTIONS} connections:"
                f" {served:.0f}/s; the same SQL {plain:.0f}/s; {served / plain:.2f}"
            )
            asked, found = csv_pages(place)
            print(
                f"a page of {CSV_ROWS} rows as CSV: {asked * 1000:.1f} ms;"
                f" its SQL {found * 1000:.1f} ms; {asked / found:.2f}"
            )
            forget_the_peak(process.pid)
            before = memory_mb(process.pid)
            count, size, took = everything(place)
            print(
                f"all as CSV: {count} rows, {size / 1e6:.0f} MB in {took:.1f} s; the"
                f" server held {before:.0f} MB before and"
                f" {peak_memory_mb(process.pid):.0f} MB at most"
            )
        subject.close()


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*given, *(100_000, 19_447, 10)[len(given) :])
