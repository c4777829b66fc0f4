"""Making and keeping the schema, with three roles or one, on every Postgres."""

import asyncio
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import psycopg
import pytest
from psycopg import errors, sql

from commands.embedded import DatabaseUrls
from commands.embedded import database as embedded
from commands.embedded.cluster import Cluster
from commands.embedded.roles import provide_database
from commands.migrate import MigrationError, migrate
from commands.schema import NewField
from commands.seal import seal
from commands.settings import Settings
from commands.system import System, build
from domain.errors import DuplicateValue
from projections.postgres import connect
from projections.published.watches import Watches
from projections.reader import Caller
from tests.commands import other_postgres
from tests.commands.tenant import LoopedCommitter, Tenant, problems


@dataclass(frozen=True)
class Spare:
    """A cluster of these tests alone."""

    urls: DatabaseUrls
    superuser: str

    def emptied(self) -> DatabaseUrls:
        """Its database, with the three roles and nothing else."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS tabellion WITH (FORCE)")
            provide_database(connection)
        return self.urls


@pytest.fixture(scope="module")
def spare(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Spare]:
    folder = tmp_path_factory.mktemp("spare")
    with embedded(settings.model_copy(update={"data_dir": folder})) as urls:
        yield Spare(urls, Cluster(folder).url("postgres", "postgres"))


@pytest.fixture
def empty(spare: Spare) -> DatabaseUrls:
    return spare.emptied()


def _one_role(urls: DatabaseUrls) -> DatabaseUrls:
    return DatabaseUrls(urls.owner, urls.owner, urls.owner, embedded=False)


def _schema(urls: DatabaseUrls) -> list[tuple[str, ...]]:
    """Every column, index, policy, trigger and right."""
    with psycopg.connect(urls.owner) as connection:
        return connection.execute(
            """
            SELECT 'column', attrelid::regclass::text, attname::text,
                   format_type(atttypid, atttypmod), attnotnull::text
            FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
            WHERE attnum > 0 AND relnamespace::regnamespace::text
                  IN ('ledger', 'vault', 'catalog', 'hooks')
            UNION ALL
            SELECT 'index', schemaname, tablename, indexname, indexdef FROM pg_indexes
            WHERE schemaname IN ('ledger', 'vault', 'catalog', 'hooks')
            UNION ALL
            SELECT 'policy', tablename, policyname, roles::text, qual FROM pg_policies
            UNION ALL
            SELECT 'table', relname, relacl::text, relrowsecurity::text,
                   relforcerowsecurity::text
            FROM pg_class
            WHERE relnamespace::regnamespace::text
                  IN ('ledger', 'vault', 'catalog', 'hooks')
            UNION ALL
            SELECT 'default', defaclrole::regrole::text, defaclobjtype::text,
                   defaclacl::text, '' FROM pg_default_acl
            UNION ALL
            SELECT 'migration', number::text, name, digest, applied_at::text
            FROM public.tabellion_migrations
            ORDER BY 1, 2, 3, 4, 5
            """
        ).fetchall()


def test_a_second_run_changes_nothing(empty: DatabaseUrls):
    migrate(empty)
    once = _schema(empty)

    migrate(empty)

    assert _schema(empty) == once
    assert ("migration", "1", "0001_ledger.sql") in [row[:3] for row in once]


def _migrated_at_once(urls: DatabaseUrls, count: int) -> list[BaseException]:
    """What processes that start together fail with."""
    failures: list[BaseException] = []
    start = threading.Barrier(count)

    def run() -> None:
        start.wait(10)
        try:
            for _ in range(3):
                migrate(urls)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return failures


def test_processes_that_start_at_once_migrate_once(spare: Spare):
    for _ in range(2):
        urls = spare.emptied()
        assert _migrated_at_once(urls, 8) == []
        migrations = [row for row in _schema(urls) if row[0] == "migration"]
        assert len(migrations) == len({row[1] for row in migrations})


def test_a_file_that_was_changed_after_it_ran_is_refused(empty: DatabaseUrls):
    migrate(empty)
    with psycopg.connect(empty.owner) as connection:
        connection.execute("UPDATE public.tabellion_migrations SET digest = 'another'")

    with pytest.raises(MigrationError, match=r"0001_ledger\.sql was changed"):
        migrate(empty)


def test_a_migration_that_fails_leaves_nothing_behind(empty: DatabaseUrls):
    with psycopg.connect(empty.owner) as connection:
        connection.execute("CREATE SCHEMA vault")

    with pytest.raises(errors.DuplicateSchema):
        migrate(empty)

    with psycopg.connect(empty.owner) as connection:
        left = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname IN ('ledger', 'catalog')"
        )
        assert left.fetchall() == []
        connection.execute("DROP SCHEMA vault")
    migrate(empty)


def _forced(urls: DatabaseUrls) -> set[bool]:
    """Whether row-level security is forced, of the tables that have it."""
    with psycopg.connect(urls.owner) as connection:
        rows = connection.execute(
            "SELECT DISTINCT relforcerowsecurity FROM pg_class WHERE relrowsecurity"
        )
        return {row[0] for row in rows}


def test_row_level_security_is_forced_exactly_where_there_is_one_role(
    empty: DatabaseUrls,
):
    migrate(empty)
    assert _forced(empty) == {False}
    migrate(_one_role(empty))
    assert _forced(empty) == {True}
    migrate(empty)
    assert _forced(empty) == {False}


def test_with_three_roles_the_owner_can_dump_every_workspace(
    settings: Settings, empty: DatabaseUrls
):
    tenant, _ = _lived_through(settings, empty)
    with psycopg.connect(empty.owner) as connection:
        connection.execute("SET row_security = off")  # as pg_dump does
        rows = connection.execute(
            "SELECT count(*) FROM ledger.events WHERE workspace_id = %s",
            [tenant.workspace_id],
        )
        assert rows.fetchall() == [(tenant.position(),)]


def test_with_one_role_everything_works_and_the_walls_stand(
    settings: Settings, empty: DatabaseUrls
):
    urls = _one_role(empty)
    tenant, other = _lived_through(settings, urls)

    with connect(urls.app, autocommit=True) as connection:
        for table in ("events", "heads", "batches"):
            count = sql.SQL("SELECT count(*) FROM {}").format(
                sql.Identifier("ledger", table)
            )
            assert connection.execute(count).fetchall() == [(0,)]
    with tenant.seeing() as connection:
        rows = connection.execute(
            "SELECT DISTINCT workspace_id::text FROM ledger.events"
        )
        assert rows.fetchall() == [(tenant.workspace_id,)]
        moved = connection.execute(
            "UPDATE ledger.heads SET seq = 0 WHERE workspace_id = %s",
            [other.workspace_id],
        )
        assert moved.rowcount == 0
        with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            connection.execute("DELETE FROM ledger.events")


# ------------------------------------------------------- a Postgres of one's own


@pytest.fixture(scope="module")
def older() -> Iterator[DatabaseUrls]:
    """A Postgres 15 with roles whose names need quotes, as TABELLION_…_URL name it."""
    if not other_postgres.is_installed():
        pytest.skip(f"NO SECOND POSTGRES ON THIS MACHINE: {other_postgres.PROGRAMS}")
    with other_postgres.postgres_15() as superuser:
        names = {"owner": 'The "owner"', "app": "The app", "follower": "follower's"}
        with psycopg.connect(superuser, autocommit=True) as connection:
            for name in names.values():
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name))
                )
            connection.execute(
                sql.SQL("CREATE DATABASE books OWNER {}").format(
                    sql.Identifier(names["owner"])
                )
            )
            connection.execute(
                sql.SQL("GRANT CREATE ON DATABASE books TO {}").format(
                    sql.Identifier(names["app"])
                )
            )
        urls = {
            role: superuser.replace("//postgres@/postgres", f"//{quote(name)}@/books")
            for role, name in names.items()
        }
        yield DatabaseUrls(**urls, embedded=False)


def test_all_of_it_works_on_postgres_15(settings: Settings, older: DatabaseUrls):
    with psycopg.connect(older.app) as connection:
        assert connection.info.server_version // 10_000 == 15
    _lived_through(settings, older)
    assert _forced(older) == {False}


def test_settings_name_a_postgres_of_ones_own(
    older: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
):
    for name, url in (
        ("TABELLION_DATABASE_URL", older.app),
        ("TABELLION_OWNER_DATABASE_URL", older.owner),
        ("TABELLION_FOLLOWER_DATABASE_URL", older.follower),
        ("TABELLION_SECRET_KEY", secrets.token_hex(32)),
    ):
        monkeypatch.setenv(name, url)
    settings = Settings(_env_file=None)
    with embedded(settings) as urls:
        assert (urls.owner, urls.app, urls.follower) == (
            older.owner,
            older.app,
            older.follower,
        )
        migrate(urls)


def _lived_through(settings: Settings, urls: DatabaseUrls) -> tuple[Tenant, Tenant]:
    """Two tenants that have done, and read, something of everything."""
    system = build(settings, urls)
    committer = LoopedCommitter(system.committer)
    committer.start()
    try:
        tenants = (
            Tenant(urls, committer).settle(),
            Tenant(urls, committer).settle(),
        )
        for tenant in tenants:
            _live_through(tenant)
        with connect(urls.app, autocommit=True) as connection:
            assert seal(connection) > 0
        for tenant in tenants:
            assert problems(tenant) == []
        asyncio.run(_read_back(system, tenants))
    finally:
        committer.stop()
    return tenants


def _live_through(tenant: Tenant) -> None:
    table = tenant.table(
        "name",
        NewField("notes", "long_text"),
        NewField("price", "number"),
        NewField("done", "checkbox"),
        NewField("day", "date"),
        NewField("at", "datetime"),
        NewField("state", "single_select", {"choices": ["new", "old"]}),
        NewField("no", "autonumber"),
    )
    link = NewField("next", "linked_record", {"linked_table_id": table.id})
    table = tenant.unique(tenant.field(table, link), "name", case_sensitive=False)
    values = {
        "name": "Straße",
        "notes": "a\nb",
        "price": 12.50,
        "done": True,
        "day": "2024-02-29",
        "at": "2024-02-29T10:00:00.5+02:00",
        "state": "new",
    }
    first, second = tenant.create(table, values, {"name": "two"})
    tenant.do(tenant.updating(table, {second: {"next": [first], "price": 0.1}}))
    with pytest.raises(DuplicateValue):
        tenant.create(table, {"name": "STRASSE"})
    gone = tenant.do(tenant.deleting(table, first)).events[0].event.inverse()
    assert gone is not None
    tenant.do(gone)
    assert tenant.column(table, "name") == ["Straße", "two"]
    assert [str(one) for one in tenant.column(table, "price")] == ["12.5", "0.1"]


async def _read_back(system: System, tenants: Sequence[Tenant]) -> None:
    """A query and single records, through the reader's own pool."""
    await system.pool.open()
    try:
        for tenant in tenants:
            caller = Caller(tenant.user_id, tenant.session())
            found = await system.reader.ask(
                caller,
                tenant.workspace_id,
                lambda _: [(b"SELECT count(*) FROM ledger.events", [])],
            )
            assert found.results == [[(tenant.position(),)]]
            watch = await Watches(system.reader).of(tenant.workspace_id)
            assert watch is not None
            assert watch.seq == tenant.position()
            (table,) = found.catalog.tables.values()
            for record_id in tenant.record_ids(table):
                got = await system.gets.get(caller, tenant.workspace_id, record_id)
                assert got.body.startswith(f'{{"id":"{record_id}"'.encode())
    finally:
        await system.pool.close()
