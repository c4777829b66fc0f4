"""Attacks with a known answer: a row of the threats a test, named by its number.

Rows that other tests cover whole are listed in `test_covered.py`, which looks whether
those tests are there.  `attack` sends a request and checks the rule that all rows
share; what it must never see in a reply includes all that the victim has.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from commands.embedded import DatabaseUrls
from commands.settings import Settings
from tests.api.threats.attack import CANARY, Attack, Victim, resolved
from tests.client import PASSWORD, Client, Json, Server, made


@pytest.fixture(scope="session")
def victim(server: Server) -> Iterator[Victim]:
    with Client(server.url) as client:
        client.register(CANARY)
        workspace_id = client.workspace(CANARY)["id"]
        base = client.base(workspace_id, CANARY)
        other = client.table(CANARY, base_id=base["id"], name=f"{CANARY} 2")
        linking = {
            "name": f"{CANARY} link",
            "type": "linked_record",
            "options": {"linked_table_id": other["id"]},
        }
        table = client.table(CANARY, linking, base_id=base["id"], name=CANARY)
        record = client.record(table["id"], **{CANARY: CANARY})
        constraint = client.constraint(table["ids"][CANARY], error_message=CANARY)
        view = client.view(table["id"], "form", name=CANARY, sorts=[{"field": CANARY}])
        key = made(client.post("/users/me/api-keys", json={"name": CANARY}))
        members = made(client.get(f"/workspaces/{workspace_id}/members"))
        events = made(client.get(f"/events?workspace_id={workspace_id}"))["items"]
        ids = {
            "workspace": workspace_id,
            "base": base["id"],
            "table": table["id"],
            "field": table["ids"][CANARY],
            "link": table["ids"][f"{CANARY} link"],
            "record": record["id"],
            "constraint": constraint["id"],
            "view": view["id"],
            "key": key["id"],
            "user": client.user["id"],
            "member": members[0]["id"],
            "batch": events[-1]["batch_id"],
        }
        yield Victim(client, workspace_id, table, ids)


@pytest.fixture(scope="session")
def ledger(database: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """The database as its owner sees it."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def attack(
    server: Server,
    settings: Settings,
    ledger: psycopg.Connection[Any],
    victim: Victim,
) -> Iterator[Attack]:
    secret = settings.secret_key.get_secret_value()
    attack = Attack(
        server.url, ledger, (secret, PASSWORD, CANARY, str(settings.data_dir))
    )
    yield attack
    attack.close()


@pytest.fixture(scope="session")
def operations(server: Server) -> dict[tuple[str, str], Json]:
    """(method, path) → operation, as the server's OpenAPI document has them."""
    with Client(server.url) as client:
        document = made(client.get(f"{server.url}/openapi.json"))
    schemas = document["components"]["schemas"]
    return {
        (method.upper(), path.removeprefix("/api/v1")): {
            **operation,
            "body": _body_schema(operation, schemas),
            "schemas": schemas,
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def _body_schema(operation: Json, schemas: Json) -> Json:
    content = operation.get("requestBody", {}).get("content", {})
    found = content.get("application/json", {}).get("schema", {})
    return resolved(found, schemas)
