"""Every row of the routes is an operation of a batch, or refused as one: by the row.

The rules of `test_access` say how each is called, and who may.
"""

import pytest

from tests.api.rules import shape
from tests.api.test_access import (
    ABSENT,
    BY_ROLE,
    FOREIGN,
    OWN,
    RULES,
    expected,
    filled,
    ledger,
    positions,
    unfinished,
    world,
)
from tests.client import made

__all__ = ["ledger", "unfinished", "world"]  # fixtures

# writes of a workspace that cannot be an operation, and why
ALONE = {
    "POST /tables/{}/import": "a file, streamed",
    "POST /attachments": "a file",
    "POST /bases/{}/duplicate": "several units",
    "POST /webhooks": "a secret, shown once",
    "PATCH /webhooks/{}": "a URL, which is in no reply that is kept",
    "POST /webhooks/{}/regenerate-token": "a secret, shown once",
    "POST /webhooks/{}/rotate-secret": "a secret, shown once",
    "POST /webhooks/{}/test": "a call to elsewhere, at once",
    "POST /webhooks/{}/replay": "decided on what is in the ledger",
    "POST /batch": "a batch",
    "POST /undo": "decided on what is in the ledger",
    "POST /redo": "decided on what is in the ledger",
}
# where a thing that was made is deleted, unless beside where it was made
DELETED_AT = {
    "POST /views/{view}/form/submit": "/records",
    "POST /views/{view}/submit": "/records",
    "POST /views/{view}/duplicate": "/views",
}

WRITES = [
    rule
    for rule in BY_ROLE
    if not rule.operation.startswith("GET")
    and rule.least not in ("viewer", "commenter")
]


@pytest.fixture(scope="module")
def joining(server):
    """The operations whose rows say that they may join."""
    return {
        shape(f"{row.method} {row.path}")
        for row in server.doors.records.routes.rows
        if row.joins
    }


def operation(rule, things, ref=None):
    method, _, path = filled(rule.operation, things).partition(" ")
    if rule.query:
        query = filled(rule.query, things)
        path += "?" + "&".join(f"{name}={value}" for name, value in query.items())
    return {
        "method": method,
        "path": path,
        "body": filled(rule.body, things),
        "ref": ref,
    }


def send(world, caller, things, *operations):
    workspace_id = things.get("workspace", world.workspace)
    body = {"workspace_id": workspace_id, "operations": list(operations)}
    return world.callers[caller].post("/batch", json=body)


def outline(value):
    """A body's keys and kinds, without its values."""
    if isinstance(value, dict):
        return {key: outline(item) for key, item in value.items()}
    if isinstance(value, list):
        return [outline(item) for item in value]
    return type(value).__name__


def test_every_write_of_a_workspace_joins_but_those_named_here(joining, unfinished):
    writes = {shape(rule.operation) for rule in WRITES} - unfinished

    assert writes - joining == set(ALONE)
    assert joining <= writes


@pytest.mark.parametrize("rule", WRITES, ids=str)
def test_an_operation_answers_what_it_answers_alone(world, joining, rule):
    if shape(rule.operation) not in joining:
        return
    things = world.things(rule, "owner", OWN)
    alone = world.ask(rule, "owner", world.things(rule, "owner", OWN))

    body = made(send(world, "owner", things, operation(rule, things)))

    (result,) = body["results"]
    assert result["status"] == alone.status_code == rule.then
    told = alone.json() if alone.content else None
    assert outline(result["body"]) == outline(told)


@pytest.mark.parametrize("caller", ["editor", "admin"])
@pytest.mark.parametrize("rule", WRITES, ids=str)
def test_an_operation_is_for_its_roles(world, ledger, joining, rule, caller):
    if shape(rule.operation) not in joining:
        return
    things = world.things(rule, caller, OWN)
    before = positions(ledger)
    if rule.operation == "DELETE /workspaces/{workspace}":
        things["workspace"] = world.workspace  # where the caller is a member

    reply = send(world, caller, things, operation(rule, things))

    promised = expected(rule, caller, OWN)
    assert reply.status_code == (200 if promised < 400 else promised), reply.text
    if promised >= 400:
        assert positions(ledger) == before


@pytest.mark.parametrize("rule", [one for one in WRITES if one.of_something], ids=str)
def test_an_operation_on_what_is_anothers_is_one_on_nothing(
    world, ledger, joining, rule
):
    if shape(rule.operation) not in joining:
        return
    own = {"workspace": world.workspace}
    foreign = world.things(rule, "owner", FOREIGN)
    absent = world.things(rule, "owner", ABSENT)
    before = positions(ledger)

    there, nowhere = (
        send(world, "owner", own, operation(rule, one)) for one in (foreign, absent)
    )

    # one that names its workspace is of another one than the batch, whosever that is
    promised = 422 if "workspace" in rule.names else 404
    assert there.status_code == nowhere.status_code == promised
    assert there.json() == nowhere.json()
    assert there.json()["index"] == 0
    assert positions(ledger) == before


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_what_does_not_join_is_refused_with_its_place(
    world, ledger, joining, unfinished, rule
):
    if shape(rule.operation) in joining:
        return
    things = world.things(rule, "owner", ABSENT)
    first = {"table_id": world.own["table"], "fields": {"Free": "x"}}
    before = positions(ledger)

    reply = send(
        world,
        "owner",
        {},
        {"method": "POST", "path": "/records", "body": first},
        operation(rule, things),
    )

    promised = 501 if shape(rule.operation) in unfinished else 422
    assert reply.status_code == promised, reply.text
    assert reply.json()["index"] == 1
    assert positions(ledger) == before


@pytest.mark.parametrize("rule", [one for one in WRITES if one.then == 201], ids=str)
def test_what_an_operation_makes_is_known_by_its_ref(world, server, joining, rule):
    if shape(rule.operation) not in joining:
        return
    things = world.things(rule, "owner", OWN)
    row = next(
        row
        for row in server.doors.records.routes.rows
        if shape(f"{row.method} {row.path}") == shape(rule.operation)
    )
    _, _, path = filled(rule.operation, things).partition(" ")
    path = DELETED_AT.get(rule.operation, path)
    gone = {"method": "DELETE", "path": f"{path}/$it.id"}

    reply = send(world, "owner", things, operation(rule, things, "it"), gone)

    if row.makes_one:
        assert [one["status"] for one in made(reply)["results"]] == [201, 204]
    else:
        assert reply.status_code == 422
        assert "makes nothing" in reply.json()["detail"]
