"""A ledger in which nothing has happened: for tests that count from its first event."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from commands.embedded import DatabaseUrls
from commands.embedded.cluster import Cluster
from commands.embedded.configuration import APP, DATABASE, OWNER
from commands.migrate import migrate

_MIGRATED = "migrated"


class FreshLedgers:
    """The one database of an embedded cluster that is these tests' alone: made anew,
    from a copy of what the migrations left, for each that asks."""

    def __init__(self, data_dir: Path, urls: DatabaseUrls) -> None:
        self._urls = urls
        self._superuser = Cluster(data_dir).url("postgres", "postgres")
        migrate(urls)
        self._do("ALTER DATABASE {database} RENAME TO {migrated}")

    @contextmanager
    def one(self) -> Iterator[DatabaseUrls]:
        self._do("CREATE DATABASE {database} TEMPLATE {migrated} OWNER {owner}")
        self._do("GRANT CREATE ON DATABASE {database} TO {app}")
        try:
            yield self._urls
        finally:
            self._do("DROP DATABASE {database} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        names = {
            "database": DATABASE,
            "migrated": _MIGRATED,
            "owner": OWNER,
            "app": APP,
        }
        quoted = {key: sql.Identifier(name) for key, name in names.items()}
        with psycopg.connect(self._superuser, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(**quoted))
