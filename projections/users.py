"""Users of the instance: the part that the ledger knows.  Names are in the vault."""

import psycopg

from domain.events import Recorded
from domain.user import (
    AdministrationGranted,
    PasswordChanged,
    ProfileChanged,
    UserRegistered,
)
from projections.target import Target


def apply(connection: psycopg.Connection, target: Target, recorded: Recorded) -> None:
    table = target.of_catalog("users")
    match recorded.event:
        case UserRegistered(user_id=user_id):
            connection.execute(
                _INSERT.format(table), [user_id, recorded.at, recorded.version]
            )
        case ProfileChanged(user_id=user_id) | PasswordChanged(user_id=user_id):
            connection.execute(_UPDATE.format(table), [recorded.version, user_id])
        case AdministrationGranted(user_id=user_id):
            connection.execute(_GRANT.format(table), [recorded.version, user_id])
        case other:
            raise LookupError(f"no event of users: {other.TYPE}")


_INSERT = psycopg.sql.SQL(
    "INSERT INTO {} (id, created_at, version) VALUES (%s, %s, %s)"
)
_UPDATE = psycopg.sql.SQL("UPDATE {} SET version = %s WHERE id = %s")
_GRANT = psycopg.sql.SQL(
    "UPDATE {} SET administrator = true, version = %s WHERE id = %s"
)
