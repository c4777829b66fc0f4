"""What a run measures on: the server's process, the bare one, their one Postgres.

The server starts the embedded cluster and migrates it; the yardsticks attach to it.
Every measurement counts what was acknowledged and compares that with the ledger.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import lists, scripts, yardsticks
from benchmarks.machine import cpu_seconds
from benchmarks.processes import (
    require_free,
    running,
    server_environment,
    tabellion,
    wait_until_ready,
)
from benchmarks.subject import BATCH, RECORDS, Subject
from benchmarks.workloads import Kind, Side, Workload
from benchmarks.wrk import Load, put_load
from commands.embedded import database
from commands.settings import Settings
from domain.ids import WorkspaceId

HEALTH = "/api/v1/health"
KNOWN_RECORDS = 10_000  # that gets and updates choose from
BODIES = 8
WRITES_BESIDE = 100  # a second, beside the lists that indexes serve


@dataclass(frozen=True)
class Measured:
    """One figure.  `rate` is records a second; latencies are in ms; `cpu` is how many
    cores the API process used.  Yardsticks in Postgres have a rate alone."""

    rate: float
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None


@dataclass
class Stage:
    """Two servers on one Postgres, and what the loads so far must have left."""

    folder: Path
    url: str
    pid: int
    subject: Subject
    bare_port: int
    copy_rows: int
    problems: list[str] = field(default_factory=list)
    acknowledged: int = 0  # records created, by all who did
    unanswered: int = 0  # records that may have been created beside, at most
    bare_rows: int = 0
    _runs: int = 0
    _listed_table: str | None = None
    _indexed_table: str | None = None
    _written_ids: Sequence[str] = ()  # of the second table

    def prepare(self) -> None:
        """Makes the tables, the known records and the files that wrk reads."""
        yardsticks.make_tables(self.url)
        self.subject.prove()
        ids = self.subject.fill(KNOWN_RECORDS)
        self.acknowledged = KNOWN_RECORDS + 1
        bare_ids = yardsticks.fill_bare(self.url, KNOWN_RECORDS)
        self.bare_rows = KNOWN_RECORDS
        scripts.write_ids(self._ids(Side.SERVER), ids)
        scripts.write_ids(self._ids(Side.BARE), bare_ids)
        scripts.write_bodies(
            self._bodies, self.subject.table_id, bodies=BODIES, records=BATCH
        )

    def measure(self, workload: Workload, seconds: int) -> Measured:
        """The figure of one workload.  Raises CannotMeasure; see `problems` too."""
        match workload.kind:
            case Kind.INSERT:
                rate = yardsticks.pgbench_rate(self.url, self.folder, seconds)
                return Measured(rate)
            case Kind.SELECT | Kind.SELECT_DEEP:
                table_id = self._listed()
                rate = yardsticks.select_rate(
                    self.url,
                    self.folder,
                    seconds,
                    WorkspaceId(self.subject.workspace_id),
                    table_id,
                    deep=workload.kind is Kind.SELECT_DEEP,
                )
                return Measured(rate)
            case Kind.COPY:
                return Measured(yardsticks.copy_rate(self.url, self.copy_rows))
            case _:
                return self._over_http(workload, seconds)

    def check_totals(self) -> None:
        """Compares both tables with what wrk was told."""
        self._between(
            "records in the table",
            self.subject.count(),
            self.acknowledged,
            self.acknowledged + self.unanswered,
        )
        rows = yardsticks.count(self.url, "bare")
        if rows < self.bare_rows:
            self.problems.append(f"bare: {rows} rows, {self.bare_rows} acknowledged")

    def _listed(self) -> str:
        """The table that lists are read from, made when the first is."""
        if self._listed_table is None:
            self._listed_table = self.subject.make_table("Catalogue")
            self.subject.fill(lists.RECORDS, self._listed_table)
            yardsticks.analyze(self.url)
        return self._listed_table

    def _indexed(self) -> str:
        """Another such table, with the indexes that slow lists would have got it: the
        one that is written to."""
        if self._indexed_table is None:
            self._indexed_table = self.subject.make_table("Indexed")
            ids = self.subject.fill(lists.RECORDS, self._indexed_table)
            self._written_ids = ids
            yardsticks.make_indexes(
                self.url, WorkspaceId(self.subject.workspace_id), self._indexed_table
            )
        return self._indexed_table

    def _over_http(self, workload: Workload, seconds: int) -> Measured:
        on_server = workload.side is Side.SERVER
        if workload.is_list:
            self._listed()
        indexed = self._indexed() if workload.beside_writes else None
        before = self.subject.position() if on_server else 0
        used, began = cpu_seconds(self.pid), time.monotonic()
        if indexed is None:
            load = self._load(workload, seconds)
        else:
            ids = self._written_ids
            with self.subject.writing(WRITES_BESIDE, indexed, ids) as written:
                load = self._load(workload, seconds)
            before += written[0]
        cpu = (cpu_seconds(self.pid) - used) / (time.monotonic() - began)
        self._note_failures(workload, load)
        if on_server:
            self._compare(workload, load, self.subject.position() - before)
        elif workload.kind is Kind.CREATE:
            self.bare_rows += load.requests - load.failed
        rate = (load.requests - load.failed) * workload.records / load.seconds
        return Measured(rate, load.p50, load.p99, cpu if on_server else None)

    def _load(self, workload: Workload, seconds: int) -> Load:
        self._runs += 1
        script = self.folder / f"{workload.name}.lua"
        script.write_text(self.script(workload, self._runs))
        return put_load(
            self._target(workload).port,
            script,
            connections=workload.connections,
            threads=workload.threads,
            seconds=seconds,
        )

    def script(self, workload: Workload, run: int) -> str:
        """The Lua of a workload; `run` makes its values differ from other runs'."""
        target, threads = self._target(workload), workload.threads
        match workload.kind:
            case Kind.CREATE:
                on_server = workload.side is Side.SERVER
                table_id = self.subject.table_id if on_server else None
                return scripts.creates(target, run, threads, table_id)
            case Kind.UPDATE:
                return scripts.updates(target, run, threads, self._ids(workload.side))
            case Kind.BATCH:
                return scripts.batches(target, run, threads, self._bodies)
            case Kind.GET:
                return scripts.gets(target, run, threads, self._ids(workload.side))
            case Kind.LIST_ANEW | Kind.LIST_AGAIN:
                anew = workload.kind is Kind.LIST_ANEW
                paths = lists.paths(RECORDS, self._listed(), anew=anew)
                return scripts.lists(target, run, threads, list(paths), offset=None)
            case Kind.LIST_WRITTEN:
                paths = lists.paths(RECORDS, self._indexed(), anew=False)
                return scripts.lists(target, run, threads, list(paths), offset=None)
            case Kind.LIST_INDEXED:
                paths = lists.selective_paths(RECORDS, self._indexed())
                pages = lists.SELECTIVE_PAGES
                return scripts.lists(
                    target, run, threads, list(paths), offset=None, pages=pages
                )
            case Kind.LIST_SOUGHT:
                paths = lists.sought_paths(RECORDS, self._indexed())
                return scripts.lists(target, run, threads, list(paths), offset=0)
            case Kind.LIST_DEEP:
                path = lists.deep_path(RECORDS, self._listed())
                return scripts.lists(
                    target, run, threads, [path], offset=lists.DEEP_OFFSET
                )
            case _:
                raise ValueError(f"{workload.name} is not for wrk")

    def _target(self, workload: Workload) -> scripts.Target:
        if workload.side is Side.BARE:
            return scripts.Target(self.bare_port, "/records")
        return scripts.Target(self.subject.port, RECORDS, self.subject.token)

    def _note_failures(self, workload: Workload, load: Load) -> None:
        if load.failed:
            self.problems.append(f"{workload.name}: {load.failed} replies not 2xx")
        if load.broken:
            self.problems.append(f"{workload.name}: {load.broken} socket errors")

    def _compare(self, workload: Workload, load: Load, events: int) -> None:
        """Every acknowledged write is an event; a read is none."""
        reads = workload.kind is Kind.GET or workload.is_list
        written = 0 if reads else workload.records
        sure = (load.requests - load.failed) * written
        maybe = workload.connections * written  # cut off when wrk left
        self._between(f"{workload.name}: events", events, sure, sure + maybe)
        if workload.kind in (Kind.CREATE, Kind.BATCH):
            self.acknowledged += sure
            self.unanswered += maybe

    def _between(self, what: str, found: int, least: int, most: int) -> None:
        if not least <= found <= most:
            self.problems.append(f"{what}: {found}, not {least} to {most}")

    def _ids(self, side: Side) -> Path:
        return self.folder / f"{side.value}.ids"

    @property
    def _bodies(self) -> Path:
        return self.folder / "batches.json"


@contextmanager
def staged(folder: Path, port: int, *, copy_rows: int) -> Iterator[Stage]:
    """Both servers, ready; `port` is the first of the run's ten."""
    bare_port = port + 4
    for one in (port, bare_port):
        require_free(one)
    data_dir = folder / "data"
    settings = Settings(data_dir=data_dir, database_url=None, _env_file=None)
    with running(
        [tabellion(), "serve"],
        log=folder / "server.log",
        environment=server_environment(data_dir, port),
        folder=folder,  # where no `.env` is
    ) as server:
        wait_until_ready(server, port, HEALTH)
        with (
            database(settings) as urls,
            running(
                [sys.executable, "-m", "benchmarks.bare", urls.app, str(bare_port)],
                log=folder / "bare.log",
            ) as bare,
            closing(Subject(port)) as subject,
        ):
            stage = Stage(folder, urls.app, server.pid, subject, bare_port, copy_rows)
            stage.prepare()
            wait_until_ready(bare, bare_port, "/openapi.json")
            yield stage
