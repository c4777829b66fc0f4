"""Brings a database's schema up to date: numbered SQL, once each, under a lock.

The files run as the owner.  Rights that depend on which roles there are (row-level
security forced where app and owner are one, the follower's policies) are settled after
them, at every start, so that a change of roles is one restart away.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources

import psycopg
from psycopg import sql

from commands.embedded import DatabaseUrls
from commands.url_names import name_what_is_there

log = logging.getLogger(__name__)

_LOCK = 0x7AB_E111  # any number of our own; held while the schema changes
# what a file leaves to be done that SQL alone cannot, in its own transaction
_AFTER: Mapping[int, Callable[[psycopg.Connection], None]] = {14: name_what_is_there}
_FOLLOWED = ("ledger.heads", "ledger.events", "ledger.batches")


class MigrationError(RuntimeError):
    """The database cannot be used as it is."""


@dataclass(frozen=True)
class Roles:
    """Who connects: names as Postgres knows them."""

    owner: str
    app: str
    follower: str

    @property
    def separate(self) -> bool:
        return self.owner != self.app


def roles_of(urls: DatabaseUrls) -> Roles:
    def name(url: str) -> str:
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute("SELECT current_user::text").fetchone()
            return str(row[0]) if row else ""

    owner = name(urls.owner)
    app = owner if urls.app == urls.owner else name(urls.app)
    follower = app if urls.follower == urls.app else name(urls.follower)
    return Roles(owner, app, follower)


def migrate(urls: DatabaseUrls) -> Roles:
    """Runs what has not run yet.  Raises MigrationError where a file has changed."""
    roles = roles_of(urls)
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        version = connection.info.server_version
        if version < 150000:
            raise MigrationError(f"PostgreSQL 15 or later is needed, not {version}")
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        with connection.transaction():
            done = _done(connection)
            for number, name, text in _files():
                _run(connection, roles, done, number, name, text)
            _settle_rights(connection, roles)
        with psycopg.connect(
            urls.app, autocommit=True
        ) as of_app:  # still under the lock
            _settle_defaults(of_app, roles)
    return roles


def _files() -> list[tuple[int, str, str]]:
    folder = resources.files("commands") / "migrations"
    names = sorted(
        entry.name for entry in folder.iterdir() if entry.name.endswith(".sql")
    )
    return [
        (int(name[:4]), name, (folder / name).read_text(encoding="utf-8"))
        for name in names
    ]


def _done(connection: psycopg.Connection) -> dict[int, str]:
    connection.execute("SET LOCAL client_min_messages = warning")
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS public.tabellion_migrations (
            number integer PRIMARY KEY,
            name text NOT NULL,
            digest text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
        """
    )
    rows = connection.execute("SELECT number, digest FROM public.tabellion_migrations")
    return dict(rows.fetchall())


def _run(
    connection: psycopg.Connection,
    roles: Roles,
    done: dict[int, str],
    number: int,
    name: str,
    text: str,
) -> None:
    digest = hashlib.sha256(text.encode()).hexdigest()
    if number in done:
        if done[number] != digest:
            raise MigrationError(f"{name} was changed after it ran here")
        return
    log.info("migration %s", name)
    statement = sql.SQL(text).format(
        app=sql.Identifier(roles.app), follower=sql.Identifier(roles.follower)
    )
    connection.execute(statement)
    if number in _AFTER:
        _AFTER[number](connection)
    connection.execute(
        "INSERT INTO public.tabellion_migrations (number, name, digest)"
        " VALUES (%s, %s, %s)",
        [number, name, digest],
    )


def _settle_rights(connection: psycopg.Connection, roles: Roles) -> None:
    """Row-level security binds an owner only when forced; forced, the owner's dump
    fails: so it is forced only where the app has no role of its own."""
    force = "NO FORCE" if roles.separate else "FORCE"
    tables = connection.execute(
        "SELECT relnamespace::regnamespace::text, relname FROM pg_class"
        " WHERE relrowsecurity AND relnamespace::regnamespace::text"
        " IN ('ledger', 'catalog', 'hooks') AND relforcerowsecurity = %s",
        [roles.separate],
    ).fetchall()
    for schema, table in tables:
        connection.execute(
            sql.SQL("ALTER TABLE {} {} ROW LEVEL SECURITY").format(
                sql.Identifier(schema, table), sql.SQL(force)
            )
        )
    for name in _FOLLOWED:
        table = sql.Identifier(*name.split("."))
        connection.execute(
            sql.SQL("DROP POLICY IF EXISTS follower ON {}").format(table)
        )
        if roles.follower != roles.app:
            connection.execute(
                sql.SQL(
                    "CREATE POLICY follower ON {} FOR SELECT TO {} USING (true)"
                ).format(table, sql.Identifier(roles.follower))
            )


def _settle_defaults(connection: psycopg.Connection, roles: Roles) -> None:
    """The follower reads the tables that the app will make."""
    if roles.follower == roles.app:
        return
    for grant in ("SELECT ON TABLES", "USAGE ON SCHEMAS"):
        connection.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES GRANT {} TO {}").format(
                sql.SQL(grant),
                sql.Identifier(roles.follower),
            )
        )
