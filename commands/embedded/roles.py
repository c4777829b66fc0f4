"""The three roles of the embedded Postgres, and the one database."""

from typing import Any

import psycopg
from psycopg import sql

from commands.embedded.configuration import APP, DATABASE, FOLLOWER, OWNER


def provide_database(connection: psycopg.Connection[Any]) -> None:
    """The roles and the database, unless they are there.

    Each step may have been done before a crash; the grant comes last and tells that
    all are.
    """
    complete = connection.execute(
        """
        SELECT has_database_privilege(r.oid, d.oid, 'CREATE')
        FROM pg_roles r, pg_database d
        WHERE r.rolname = %s
          AND d.datname = %s
        """,
        [APP, DATABASE],
    ).fetchone()
    if complete == (True,):
        return
    there = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    for role in (OWNER, APP, FOLLOWER):
        if role not in there:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role))
            )
    if (
        complete is None
        and not connection.execute(
            "SELECT FROM pg_database WHERE datname = %s", [DATABASE]
        ).fetchone()
    ):
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(DATABASE), sql.Identifier(OWNER)
            )
        )
    for statement in (
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {follower}",
        # the app makes one schema a workspace
        "GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {database} TO {app}",
    ):
        connection.execute(
            sql.SQL(statement).format(
                database=sql.Identifier(DATABASE),
                app=sql.Identifier(APP),
                follower=sql.Identifier(FOLLOWER),
            )
        )
